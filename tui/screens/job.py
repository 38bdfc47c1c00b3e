"""One job: what was measured, its runs, what was set aside and why, and all its units."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input

from ipc.client import expect
from ipc.control import JobWhole, ShowJob, ShowUnits, UnitPage
from ipc.errors import EngineRoomError, Problem
from ipc.hearing import KIND
from ipc.snapshot import JobRow
from tui import job_wishes
from tui.actions import bound, on_screen
from tui.context import Context
from tui.draw import job_words, joblist
from tui.draw.engine_words import models_of
from tui.draw.frame import Key
from tui.draw.table import title_row
from tui.ink import Line, Span, clean, line, wrap
from tui.job_view import JobView
from tui.screens.acting import tell
from tui.screens.place import Place
from tui.units import PAGE
from tui.widgets.lined import Lined
from tui.wishes import Target, Wish

AGAIN_SECONDS = 1.0
MORE = 50
"""Units that are asked for beyond those in sight: so many may have been planned in the meantime."""


class JobPlace(Place):
    """Asks again while the job goes on, at most once a second; of its units, for those in sight."""

    AUTO_FOCUS = ""
    BINDINGS = [
        *(
            Binding(bound(action), action.run.removeprefix("screen."), action.word, show=False, id=action.id)
            for action in on_screen("job")
        ),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
    ]

    def __init__(self, context: Context, id: str) -> None:  # noqa: A002 (the protocol's word)
        super().__init__(context)
        self.job = id
        self.view = JobView()
        self._shown: JobRow | None = None
        self._asked: set[int] = set()
        self._told: Problem | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        for part in ("title", "facts", "body", "pane", "keys"):
            yield Lined(id=part)
        yield Input(id="find", placeholder="number of a unit", type="integer", compact=True)

    def on_mount(self) -> None:
        """Ask for what no row holds."""
        self._ask_again()
        self.set_interval(AGAIN_SECONDS, self._ask_again)

    def targets(self) -> Sequence[Target]:
        """The job."""
        row = self.context.store.jobs.get(self.job)
        return [row] if row else []

    def keys(self) -> Sequence[Key]:
        """What can be done with the unit under the cursor, or what there is; and where else the job can go."""
        wish, may = self._wish_again(), not self.context.readonly
        own = [Key("o", wish.word if wish else "again", "screen.again" if wish and may else "")]
        own = own if self.view.chosen() else [self._next()]
        move = [Key("m", "move", "screen.move_job")] if may and job_wishes.movable(self.targets()) else []
        return [*own, *move]

    def more_keys(self) -> Sequence[Key]:
        """Those that move."""
        find = Key("#", "find unit", "screen.find")
        return [self._next(), find] if self.view.chosen() else [find]

    def _next(self) -> Key:
        return Key("tab", self.view.next_name(), "screen.other_list")

    def facts(self, width: int) -> Sequence[Line]:
        """Its row, and why it waits."""
        store = self.context.store
        row = store.jobs.get(self.job)
        if row is None:
            return [line(Span(f" {self.job} was cleared.", "warn"))]
        columns = joblist.columns([row.id], listening=row.kind == KIND)
        lines = [title_row(columns, width), joblist.job_row(store, row, columns, width, " ")]
        why = row.reason or job_words.why(row, store.jobs)
        return [*lines, *(line(Span(f"   {told}", "warn")) for told in wrap(clean(why), max(8, width - 4)) if told)]

    def draw(self) -> None:
        """Only what is in sight, however many units there are."""
        super().draw()
        width, view = self.size.width, self.view
        row = self.context.store.jobs.get(self.job) or (view.detail.row if view.detail else None)
        if not width or row is None or view.detail is None:
            return
        self.context.store.look_at(self.job)
        view.units.tell_total(row.units_total)
        pane = view.pane(width, self.room)
        box = self.query_one("#pane", Lined)
        box.display, box.styles.height = bool(pane), len(pane)
        box.show(pane)
        store, room = self.context.store, self.room - len(pane)
        models = models_of(row, store.engines, store.pools, {run.engine for run in view.detail.runs})
        self.query_one("#body", Lined).show(view.lines(row, store.unix, width, room, models))
        self._ask_for_pages()

    # ── moving ──

    def action_move(self, by: int) -> None:
        """The cursor over problems and units."""
        self.view.move(by)
        self.draw()

    def action_page(self, direction: int) -> None:
        """As many rows as are in sight."""
        self.view.page(direction)
        self.draw()

    def action_first(self) -> None:
        """The top."""
        self.view.first()
        self.draw()

    def action_last(self) -> None:
        """The last unit."""
        self.view.last()
        self.draw()

    def action_open(self) -> None:
        """More of what is said of the row under the cursor, or less."""
        self.view.whole = not self.view.whole
        self.draw()

    def action_other_list(self) -> None:
        """The next part."""
        self.view.next_part()
        self.draw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """As the key."""
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """As the key."""
        self.action_move(-3)

    @on(Lined.Pressed)
    def _press(self, event: Lined.Pressed) -> None:
        self.view.press(int(event.key))
        self.draw()

    # ── a unit by its number ──

    def action_find(self) -> None:
        """Type the number of a unit."""
        field = self.query_one("#find", Input)
        self.query_one("#keys").display, field.display = False, True
        field.focus()

    @on(Input.Submitted, "#find")
    def _found(self, event: Input.Submitted) -> None:
        if event.value.strip().isdecimal():
            self.view.find(int(event.value))
        self._close_find()

    def action_back(self) -> None:
        """Out of the field, or to where one came from."""
        if self.query_one("#find").display:
            self._close_find()
        else:
            super().action_back()

    def _close_find(self) -> None:
        field = self.query_one("#find", Input)
        self.query_one("#keys").display, field.display, field.value = True, False, ""
        self.set_focus(None)
        self.draw()

    # ── acting ──

    def action_again(self) -> None:
        """The unit or problem under the cursor once more; asks where there is a result."""
        wish = self._wish_again()
        if not self.may_act():
            return
        if wish is None:
            self.app.notify("again: works on a unit that ended; j and k go to one.", markup=False)
        else:
            self.wish([wish])

    def _wish_again(self) -> Wish | None:
        row, chosen = self.context.store.jobs.get(self.job), self.view.chosen()
        return job_wishes.again(row, chosen) if row is not None and chosen is not None else None

    # ── asking ──

    def _ask_again(self) -> None:
        row = self.context.store.jobs.get(self.job)
        if row is not None and row != self._shown:
            self._shown = row
            self.run_worker(self._ask(), group="detail", exclusive=True)

    async def _ask(self) -> None:
        seen = self.view.in_sight()
        try:
            self.view.tell(expect(await self.context.connection.ask(ShowJob(self.job)), JobWhole).detail)
            if seen:
                wanted = ShowUnits(self.job, seen.start - 1, min(PAGE, len(seen) + MORE))
                self.view.units.renew(expect(await self.context.connection.ask(wanted), UnitPage).rows)
        except EngineRoomError as error:
            self._tell_once(error.problem)
        self.draw()

    def _ask_for_pages(self) -> None:
        seen = self.view.in_sight()
        for page in self.view.units.missing(seen.start, seen.stop):
            if page not in self._asked:
                self._asked.add(page)
                self.run_worker(self._ask_for(page), group="pages")

    async def _ask_for(self, page: int) -> None:
        try:
            wanted = ShowUnits(self.job, page * PAGE - 1, PAGE)
            answer = expect(await self.context.connection.ask(wanted), UnitPage)
        except EngineRoomError as error:
            self._tell_once(error.problem)
            self.set_timer(AGAIN_SECONDS, lambda: self._asked.discard(page))
        else:
            self._asked.discard(page)
            self.view.units.take(page, answer.rows, answer.last)
            self.draw()

    def _tell_once(self, problem: Problem) -> None:
        """What is asked for every second is not refused with as many words every second."""
        if problem != self._told:
            self._told = problem
            tell(self.app, problem)
