"""A question that names what will be lost. Only `y` says yes."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from tui.ink import BLANK, Line, Span, clean, line, wrap
from tui.widgets.lined import Lined

_WIDEST = 72


class Question(ModalScreen[bool]):
    """Answers True or False."""

    BINDINGS = [
        Binding("y", "answer(True)", show=False),
        Binding("n,escape,q", "answer(False)", show=False),
    ]

    def __init__(self, text: str, word: str) -> None:
        super().__init__()
        self._text = text
        self._word = word

    def compose(self) -> ComposeResult:
        """One box."""
        yield Lined(id="question")

    def on_mount(self) -> None:
        """Lay the question out."""
        self.draw()

    def on_resize(self, event: events.Resize) -> None:
        """Lay it out again."""
        self.draw()

    def draw(self) -> None:
        """As wide as the screen allows, as high as the text needs."""
        width = max(10, min(_WIDEST, self.size.width - 4))
        rows = [row for part in self._text.splitlines() for row in wrap(clean(part), width - 4)]
        lines: list[Line] = [BLANK, *(line(Span(f"  {row}")) for row in rows), BLANK]
        yes = (Span("  y", "key", "screen.answer(True)"), Span(f" {self._word}", "plain", "screen.answer(True)"))
        no = (Span("     n", "key", "screen.answer(False)"), Span(" leave it as it is", "dim", "screen.answer(False)"))
        lines += [line(*yes, *no), BLANK]
        box = self.query_one("#question", Lined)
        box.styles.width, box.styles.height = width, min(len(lines), self.size.height)
        box.show(lines)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)
