"""The knob panel: change settings, see the price of the change at once, apply with Enter."""

from __future__ import annotations

from anyio import sleep
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from ipc.client import expect
from ipc.control import Knobs, Price, SetKnobs, ShowKnobs
from ipc.errors import EngineRoomError
from tui.context import Context
from tui.draft import Draft
from tui.draw import engine_words, knobs
from tui.ink import Tone
from tui.screens.acting import tell
from tui.widgets.lined import Lined

PRICE_SECONDS = 0.15
"""How long the keys must rest before the price is asked."""
NARROW = 100
FINDING = "a part of a name finds the setting: enter stays there, esc goes back"


class KnobPanel(ModalScreen[None]):
    """The right part of the screen, or all of it where that is narrow."""

    BINDINGS = [
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("g,home", "move(-1000)", show=False),
        Binding("G,end", "move(1000)", show=False),
        Binding("l,right", "step(1)", show=False),
        Binding("h,left", "step(-1)", show=False),
        Binding("i,space", "type", show=False),
        Binding("d", "default", show=False),
        Binding("z", "undo", show=False),
        Binding("enter", "apply", show=False),
        Binding("slash", "find", show=False),
        Binding("escape,q,e", "leave", show=False),
        *(Binding(key, f"type('{key}')", show=False) for key in "0123456789"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, context: Context, engine: str) -> None:
        super().__init__()
        self.context = context
        self._engine = engine
        self._draft: Draft | None = None
        self._told: tuple[str, Tone] = ("", "dim")
        self._first = 0
        self._found_from: int | None = None
        """Where the cursor stood when one began to look for a knob; None while one does not."""

    def compose(self) -> ComposeResult:
        """The knobs, the field a value is typed into, and what is said about them."""
        with Vertical(id="panel"):
            yield Lined(id="knobs")
            yield Input(id="typed", compact=True, select_on_focus=False)
            yield Lined(id="feet")

    def on_mount(self) -> None:
        """Ask what there is to set."""
        self.run_worker(self._ask())

    def on_resize(self, event: events.Resize) -> None:
        """Lay it out again."""
        self.draw()

    def draw(self) -> None:
        """The panel as it stands."""
        full, height = self.size
        if self._draft is None:
            return
        width = full if full < NARROW else max(knobs.least_width(self._draft.knobs), full // 3)
        self.query_one("#panel").styles.width = width
        row = self.context.store.engines.get(self._engine)
        word = engine_words.row_words(row, self.context.store.monotonic)[1] if row else "gone"
        heading = f"{self._engine} · {row.model or row.kind if row else '—'} · {word}"
        typing = self.query_one("#typed").display
        feet = knobs.feet(self._draft, self._told, width, height - knobs.LEAST_HEAD - typing)
        room = height - len(feet) - typing
        lines, self._first = knobs.rows(heading, self._draft, self._first, width, room)
        self.query_one("#knobs", Lined).show(lines)
        below = self.query_one("#feet", Lined)
        below.styles.height = len(feet)
        below.show(feet)

    def action_move(self, by: int) -> None:
        """To another knob."""
        if self._draft:
            self._draft.move(by)
            self.draw()

    def action_step(self, direction: int) -> None:
        """The next or previous value; text is typed."""
        if (
            self._draft
            and isinstance(self._draft.value(self._draft.current), str | None)
            and not self._draft.current.choices
        ):
            self.action_type()
        elif self._draft:
            self._draft.step(direction)
            self._changed()

    def action_default(self) -> None:
        """Back to the default."""
        if self._draft:
            self._draft.default()
            self._changed()

    def action_undo(self) -> None:
        """Take the last change back."""
        if self._draft:
            self._draft.undo()
            self._changed()

    def action_type(self, begin: str = "") -> None:
        """Type a value, beginning with `begin` or the present one."""
        if self._draft is None:
            return
        field, value = self.query_one("#typed", Input), self._draft.value(self._draft.current)
        field.display = True
        field.focus()
        self._say(f"{self._draft.current.name}: enter keeps what is typed, esc leaves it", "dim")
        self.call_after_refresh(field.insert_text_at_cursor, begin or ("" if value is None else str(value)))

    def action_find(self) -> None:
        """Type a part of a knob's name."""
        if self._draft:
            self._found_from = self._draft.index
            field = self.query_one("#typed", Input)
            field.display = True
            field.focus()
            self._say(FINDING, "dim")

    @on(Input.Changed, "#typed")
    def _look(self, event: Input.Changed) -> None:
        if self._draft and self._found_from is not None:
            found = self._draft.find(event.value, self._found_from)
            self._say(*((FINDING, "dim") if found else (f"no setting has {event.value!r} in its name or help", "warn")))

    @on(Input.Submitted, "#typed")
    def _typed(self, event: Input.Submitted) -> None:
        finding, self._found_from = self._found_from is not None, None
        self._close_field()
        if finding:
            self._say("", "dim")
        elif self._draft:
            self._draft.put(event.value)
            self._changed()

    @on(Lined.Pressed)
    def _press(self, event: Lined.Pressed) -> None:
        if self._draft:
            name = event.key.removeprefix("knob:")
            self._draft.index = next(i for i, knob in enumerate(self._draft.knobs) if knob.name == name)
            self.draw()

    def action_leave(self) -> None:
        """Out of the field, or out of the panel; nothing is applied."""
        if self.query_one("#typed").display:
            if self._draft and self._found_from is not None:
                self._draft.index, self._found_from = self._found_from, None
            self._close_field()
            self._say("", "dim")
        else:
            self.dismiss()

    def action_apply(self) -> None:
        """Apply the changes; nothing changed is nothing to do."""
        if self._draft is None or not self._draft.changes:
            self.dismiss()
        elif self.context.readonly:
            self.workers.cancel_group(self, "price")
            self._say("This dashboard is read-only.", "warn")
        else:
            self._say("applying …", "accent")
            self.run_worker(self._set(dry_run=False), group="price", exclusive=True)

    def _changed(self) -> None:
        assert self._draft is not None
        self._say("…" if self._draft.changes else "", "dim")
        self.run_worker(self._price(), group="price", exclusive=True)

    def _close_field(self) -> None:
        field = self.query_one("#typed", Input)
        field.display = False
        field.clear()
        self.set_focus(None)

    def _say(self, text: str, tone: Tone) -> None:
        self._told = (text, tone)
        self.draw()

    async def _ask(self) -> None:
        try:
            answer = await self.context.connection.ask(ShowKnobs(self._engine))
            self._draft = Draft(expect(answer, Knobs).rows)
            self.draw()
        except EngineRoomError as error:
            tell(self.app, error.problem)
            self.dismiss()

    async def _price(self) -> None:
        await sleep(PRICE_SECONDS)
        if self._draft and self._draft.changes:
            await self._set(dry_run=True)

    async def _set(self, dry_run: bool) -> None:
        assert self._draft is not None
        try:
            answer = await self.context.connection.ask(SetKnobs(self._engine, self._draft.changes, dry_run))
            price = expect(answer, Price)
        except EngineRoomError as error:
            self._say(f"{error.problem.detail} {error.problem.hint}", "bad")
        else:
            if dry_run:
                self._say(*knobs.priced(price))
            else:
                self.app.notify(price.text, title=f"{self._engine} changed", markup=False)
                self.dismiss()
