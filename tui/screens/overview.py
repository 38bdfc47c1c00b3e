"""The first screen: the host, its GPUs, the engines, the jobs, the news, and a cursor over the rows."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input

from ipc.control import Record, StopRecording
from ipc.hearing import KIND
from ipc.snapshot import EngineRow, PoolRow
from tui import rows
from tui.actions import bound, on_screen
from tui.allotment import Allotment, allot
from tui.context import Context
from tui.draw import fleet, frame, gpus, joblist, news
from tui.draw.listing import Table, listing
from tui.draw.pools import pool_line
from tui.ink import Line, rule
from tui.screens.acting import Acting
from tui.selection import Selection
from tui.store import Store
from tui.widgets.lined import Lined
from tui.wishes import Target


class Overview(Acting):
    """Is anything wrong, what is it doing, when is it done."""

    AUTO_FOCUS = ""
    BINDINGS = [
        Binding(bound(action), action.run.removeprefix("screen."), action.word, show=False, id=action.id)
        for action in on_screen("bridge")
    ]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.selection = Selection()
        self.filter = ""
        self._first = {"engines": 0, "jobs": 0}
        self._jobs = rows.JobIds()
        self._offered: tuple[list[str], Sequence[str]] = ([], ())
        self._job_columns = joblist.columns(())

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        for part in ("title", "host", "gpus", "engines", "jobs", "news", "keys"):
            yield Lined(id=part)
        yield Input(id="filter", placeholder="filter", compact=True, select_on_focus=False)

    def draw(self) -> None:
        """Everything, from the store; rows that did not change cost no drawing."""
        store, (width, height) = self.context.store, self.size
        if not width:
            return
        raised = self.standing.of(store)
        engines, jobs = rows.engines(store, self.filter), self._jobs.of(store, self.filter)
        pools = rows.pools(store, self.filter)
        self._offer([row.name for row in engines], jobs)
        told = len(raised) + len(store.happenings)
        plan = allot(height, max(1, len(engines)) + len(pools), len(jobs), told, gpus.fleet(store, width))
        line = [rule(width)] if plan.rules else []
        self._show("title", [frame.title(store, raised, self.context.readonly, width)])
        self._show("host", [*(line if plan.host else []), *frame.host(store, plan.host, width)])
        self._show("gpus", gpus.panel(store, plan.gpus, plan.gpu_form, width))
        self._show("engines", [*line, *self._engine_lines(store, engines, pools, plan, width)])
        self._show("jobs", [*line, *self._job_lines(store, jobs, plan, width)])
        self._show("news", [*line, *news.news(raised, store.happenings, plan.news, width)])
        self._show(
            "keys", [*line, frame.keys(frame.overview_keys(self.targets(), self.context.readonly), frame.DETACH, width)]
        )

    def targets(self) -> Sequence[Target]:
        """The marked rows, or the one under the cursor."""
        store = self.context.store
        found: list[Target | None] = []
        for key in self.selection.targets():
            kind, _, name = key.partition(":")
            found.append(store.engines.get(name) if kind == "engine" else store.jobs.get(name))
        return [row for row in found if row is not None]

    def engine(self) -> EngineRow | None:
        """The engine under the cursor, or the first that serves the job under it."""
        kind, _, name = self.selection.cursor.partition(":")
        store = self.context.store
        if kind == "job" and name in store.jobs:
            return rows.engine_of(store, store.jobs[name].engine.split(", ")[0])
        return store.engines.get(name)

    # ── moving ──

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.selection.move(by)
        self.draw()

    def action_first(self) -> None:
        """The first row of all."""
        self.action_move(-len(self.selection.keys))

    def action_last(self) -> None:
        """The last row of all."""
        self.action_move(len(self.selection.keys))

    def action_other_list(self) -> None:
        """From the engines to the jobs, and back."""
        self.selection.other_list()
        self.draw()

    def action_mark(self) -> None:
        """Mark or unmark the row."""
        self.selection.toggle_mark()
        self.draw()

    @on(Lined.Pressed)
    def _press(self, event: Lined.Pressed) -> None:
        self.selection.to(event.key)
        self.draw()
        if event.twice:
            self.action_open()

    # ── filter ──

    def action_filter(self) -> None:
        """Type what rows must contain."""
        field = self.query_one("#filter", Input)
        self.query_one("#keys").display, field.display = False, True
        field.focus()

    @on(Input.Changed, "#filter")
    def _filter(self, event: Input.Changed) -> None:
        self.filter = event.value.strip().lower()
        self.draw()

    @on(Input.Submitted, "#filter")
    def _filtered(self) -> None:
        self.query_one("#keys").display, self.query_one("#filter").display = True, False
        self.set_focus(None)
        self.draw()

    def action_back(self) -> None:
        """Clear the filter and the marks."""
        self.query_one("#filter", Input).value = ""
        self.selection.marks.clear()
        self._filtered()

    # ── places and questions: each is imported when it is first opened ──

    def action_open(self) -> None:
        """An engine's log, a job's numbers."""
        kind, _, name = self.selection.cursor.partition(":")
        if kind == "job":
            from tui.screens.job import JobPlace

            self.app.push_screen(JobPlace(self.context, name))
        else:
            self.action_logs()

    def action_logs(self) -> None:
        """The engine's log."""
        from tui.screens.engine import EnginePlace

        if row := self.engine():
            self.app.push_screen(EnginePlace(self.context, row.name))

    def action_events(self) -> None:
        """All happenings."""
        from tui.screens.events import EventsPlace

        self.app.push_screen(EventsPlace(self.context))

    def action_gpus(self) -> None:
        """All GPUs, with all that is known of them."""
        from tui.screens.gpus import GpusPlace

        self.app.push_screen(GpusPlace(self.context))

    def action_knobs(self) -> None:
        """The engine's settings."""
        from tui.screens.knobs import KnobPanel

        if row := self.engine():
            self.app.push_screen(KnobPanel(self.context, row.name))

    def action_chat(self) -> None:
        """Talk with the engine."""
        self.chat_with(self.engine())

    def action_new_job(self) -> None:
        """Submit a job."""
        from tui.screens.new_job import NewJob

        if self.may_act():
            like = next(iter(self.targets()), None)
            name = like.name if isinstance(like, EngineRow) else like.engine if like else ""
            engine = name if rows.engine_of(self.context.store, name) else ""
            self.app.push_screen(NewJob(self.context, like.kind if like else "", engine))

    def action_recording(self) -> None:
        """Begin a recording in the state folder, or end the one under way."""
        me = self.context.store.supervisor
        name = f"recording-{time.strftime('%Y%m%d-%H%M%S')}.jsonl.zst"
        if self.may_act():
            self.send(StopRecording() if me.recording else Record(f"{me.state_folder}/{name}"))

    # ── drawing ──

    def _show(self, part: str, lines: Sequence[Line]) -> None:
        widget = self.query_one(f"#{part}", Lined)
        if widget.styles.height is None or widget.styles.height.value != len(lines):
            widget.styles.height = len(lines)
        widget.show(lines)

    def _offer(self, engines: list[str], jobs: Sequence[str]) -> None:
        """Rows for the cursor, and columns for the ids; with thousands of jobs only when there are others."""
        if engines != self._offered[0] or jobs is not self._offered[1]:
            self._offered = (engines, jobs)
            known = self.context.store.jobs
            self._job_columns = joblist.columns(jobs, listening=any(known[one].kind == KIND for one in jobs))
            self.selection.offer([*(f"engine:{name}" for name in engines), *(f"job:{one}" for one in jobs)])

    def _engine_lines(
        self, store: Store, engines: Sequence[EngineRow], pools: Sequence[PoolRow], plan: Allotment, width: int
    ) -> list[Line]:
        """Where there is no room for all, pools go before engines begin to scroll."""
        columns = fleet.columns([row.name for row in engines])

        def line(index: int) -> Line:
            row = engines[index]
            return fleet.engine_row(store, row, columns, width, self._mark(f"engine:{row.name}"))

        at = self.selection.place(0)
        at = at if at is not None and at < len(engines) else None
        none = "no engine matches the filter" if self.filter else "no engines: name one in engineroom.toml"
        room = min(plan.engines, max(1, len(engines)))
        below = [pool_line(row, width) for row in pools[: plan.engines - room]]
        return [
            *self._listing("engines", Table(columns, len(engines), line, at, none), room, plan.titles, width),
            *below,
        ]

    def _job_lines(self, store: Store, jobs: Sequence[str], plan: Allotment, width: int) -> list[Line]:
        def line(index: int) -> Line:
            row = store.jobs[jobs[index]]
            return joblist.job_row(store, row, self._job_columns, width, self._mark(f"job:{row.id}"))

        at = self.selection.place(len(self.selection.keys) - len(jobs))
        none = "no job matches the filter" if self.filter else "no jobs yet: n submits one"
        return self._listing("jobs", Table(self._job_columns, len(jobs), line, at, none), plan.jobs, plan.titles, width)

    def _listing(self, part: str, table: Table, room: int, titled: bool, width: int) -> list[Line]:
        shown, self._first[part] = listing(table, self._first[part], room, titled, width, self.filter)
        return shown

    def _mark(self, key: str) -> str:
        return "✓" if key in self.selection.marks else "▸" if key == self.selection.cursor else " "
