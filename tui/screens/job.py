"""One job: its row, what was measured, what was set aside and why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ipc.client import expect
from ipc.control import JobWhole, ShowJob
from ipc.errors import EngineRoomError
from ipc.snapshot import JobDetail, JobRow
from tui.context import Context
from tui.draw import joblist, texts
from tui.draw.table import title_row
from tui.ink import Line, Span, clean, line, squeeze, wrap
from tui.screens.acting import tell
from tui.screens.place import Place
from tui.wishes import Target

AGAIN_SECONDS = 1.0


class JobPlace(Place):
    """Asks again while the job goes on, at most once a second."""

    FOLLOW = False

    def __init__(self, context: Context, id: str) -> None:  # noqa: A002 (the protocol's word)
        super().__init__(context)
        self.job = id
        self._shown: JobRow | None = None

    def on_mount(self) -> None:
        """Ask for what no row holds."""
        self._ask_again()
        self.set_interval(AGAIN_SECONDS, self._ask_again)

    def targets(self) -> Sequence[Target]:
        """The job."""
        row = self.context.store.jobs.get(self.job)
        return [row] if row else []

    def facts(self, width: int) -> Sequence[Line]:
        """Its row, a wide bar, and why it waits."""
        row = self.context.store.jobs.get(self.job)
        if row is None:
            return [line(Span(f" {self.job} was cleared.", "warn"))]
        columns = joblist.columns([row.id])
        lines = [title_row(columns, width), joblist.job_row(row, columns, width, " ")]
        lines.append(Line(squeeze((Span("   "), *joblist.bar(row, max(10, width - 6))), width)))
        if row.reason:
            lines += [line(Span(f"   {told}", "warn")) for told in wrap(clean(row.reason), max(8, width - 4))]
        return lines

    def _ask_again(self) -> None:
        row = self.context.store.jobs.get(self.job)
        if row is not None and row != self._shown:
            self._shown = row
            self.run_worker(self._ask(), exclusive=True)

    async def _ask(self) -> None:
        try:
            answer = await self.context.connection.ask(ShowJob(self.job))
            self._tell(expect(answer, JobWhole).detail)
        except EngineRoomError as error:
            tell(self.app, error.problem)

    def _tell(self, detail: JobDetail) -> None:
        entries = [partial(texts.pair, name, value) for name, value in texts.numbers(detail)]
        entries.append(partial(texts.pair, "settings", texts.settings(detail)))
        if detail.problems:
            entries.append(partial(texts.heading, f"{len(detail.problems)} set aside"))
        self.text.replace([*entries, *(partial(texts.unit_problem, problem) for problem in detail.problems)])
