"""Which engine goes on with what is left of these jobs: those of their kind and its pools, or any."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from ipc.snapshot import EngineRow, JobRow
from tui import measures
from tui.context import Context
from tui.draw import engine_words
from tui.ink import BLANK, Line, Span, clean, fit, line, squeeze, wrap
from tui.selection import window
from tui.widgets.lined import Lined

_WIDEST = 72
ANY = ""


class EngineChoice(ModalScreen[str | None]):
    """Answers an engine's name, empty for any, or None."""

    BINDINGS = [
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("enter", "choose", show=False),
        Binding("escape,q", "dismiss", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self, context: Context, jobs: Sequence[JobRow]) -> None:
        super().__init__()
        self.context = context
        self._jobs = jobs
        kind = jobs[0].kind
        self._pools = [row.name for row in context.store.pools.values() if row.kind == kind]
        self._names = [ANY, *self._pools, *(row.name for row in context.store.engines.values() if row.kind == kind)]
        self._index = next((index for index, name in enumerate(self._names) if index and name != jobs[0].engine), 0)

    def compose(self) -> ComposeResult:
        """One box."""
        yield Lined(id="question")

    def on_mount(self) -> None:
        """Lay it out."""
        self.draw()

    def on_resize(self, event: events.Resize) -> None:
        """Lay it out again."""
        self.draw()

    def draw(self) -> None:
        """As wide as the screen allows; where it is not high enough, what is around the cursor."""
        width = max(10, min(_WIDEST, self.size.width - 4))
        first = self._jobs[0]
        which = f"{first.id} goes" if len(self._jobs) == 1 else f"{measures.plural(len(self._jobs), 'job')} go"
        said = wrap(f"What is left of {which} to:", width - 4)
        room = max(1, self.size.height - len(said) - 5)
        start = window(len(self._names), room, self._index, 0)
        rows = [self._row(index, width) for index in range(start, min(len(self._names), start + room))]
        keys = [Span("  enter", "key", "screen.choose"), Span(" move", "plain", "screen.choose")]
        keys += [Span("     esc", "key", "screen.dismiss"), Span(" leave it as it is", "dim", "screen.dismiss")]
        lines = [BLANK, *(line(Span(f"  {row}")) for row in said), BLANK, *rows, BLANK, Line(squeeze(keys, width))]
        box = self.query_one("#question", Lined)
        box.styles.width, box.styles.height = width, min(len(lines) + 1, self.size.height)
        box.show([*lines, BLANK])

    def action_move(self, by: int) -> None:
        """To another engine."""
        self._index = max(0, min(len(self._names) - 1, self._index + by))
        self.draw()

    def action_choose(self) -> None:
        """Close with the answer."""
        self.dismiss(self._names[self._index])

    @on(Lined.Pressed)
    def _press(self, event: Lined.Pressed) -> None:
        self._index = int(event.key)
        self.action_choose() if event.twice else self.draw()

    def _row(self, index: int, width: int) -> Line:
        name, lit = self._names[index], index == self._index
        store = self.context.store
        if name == ANY and len(self._pools) == 1:
            told = f"through {self._pools[0]}, the only pool"
        elif name == ANY:
            told = f"whichever of kind {self._jobs[0].kind} is free"
        elif (pool := store.pools.get(name)) is not None:
            told = f"pool · {len(pool.residents)} of {len(pool.members)} loaded"
        else:
            row = store.engines.get(name)
            told = (
                " · ".join(part for part in (_state(row, store.monotonic), row.model or "") if part) if row else "gone"
            )
        now = " · it is there now" if name and name == self._jobs[0].engine else ""
        spans = (
            Span("  ▸ " if lit else "    ", "accent"),
            Span(fit(name or "any", 16), "strong" if lit else "plain"),
            Span(f" {clean(told)}{now}", "dim"),
        )
        return Line(squeeze(spans, width), lit, str(index))


def _state(row: EngineRow, monotonic: float) -> str:
    return engine_words.row_words(row, monotonic)[1]
