"""The widget everything live is drawn with: it paints lines of ink, and redraws only those that changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.ink import BLANK, Line, Tone, changed
from tui.theming import ink


class Paint:
    """Lines to strips in the colours of the theme; for one theme and one background."""

    def __init__(self, base: Style, variables: dict[str, str]) -> None:
        self._base = base
        self._lit = base + Style(bgcolor=ink(variables["ink-cursor"]).color)
        self._variables = variables
        self._styles: dict[tuple[Tone, bool, str], Style] = {}

    def strip(self, line: Line, width: int) -> Strip:
        """Exactly `width` cells, in as few changes of style as possible: each is some 20 bytes through ssh."""
        segments = [Segment(text, self._style(tone, line.lit, action)) for text, tone, action in line.spans]
        return Strip(segments).simplify().adjust_cell_length(width, self._lit if line.lit else self._base)

    def _style(self, tone: Tone, lit: bool, action: str) -> Style:
        key = (tone, lit, action)
        if key not in self._styles:
            style = (self._lit if lit else self._base) + ink(self._variables[f"ink-{tone}"])
            self._styles[key] = style + Style(meta={"@click": action}) if action else style
        return self._styles[key]


def part(y: int, before: Line, after: Line) -> Region:
    """What of row `y` must be painted anew."""
    first, end = changed(before, after)
    return Region(first, y, end - first, 1)


class Painter:
    """Keeps a widget's paint for as long as theme and background stay the same."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._made_for: tuple[str, Style] | None = None
        self._paint: Paint | None = None

    def strip(self, line: Line, width: int) -> Strip:
        """Paint one line in the colours of now."""
        base = self._widget.visual_style.rich_style
        made_for = (self._widget.app.theme, base)
        if self._paint is None or self._made_for != made_for:
            self._made_for, self._paint = made_for, Paint(base, self._widget.app.theme_variables)
        return self._paint.strip(line, width)


class Lined(Widget):
    """Rows of ink. Whoever owns it calls `show` with all of them; equal rows cost nothing."""

    class Pressed(Message):
        """The mouse went down on the row named `key`; `twice` for a double click."""

        def __init__(self, key: str, twice: bool) -> None:
            super().__init__()
            self.key = key
            self.twice = twice

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._lines: Sequence[Line] = ()
        self._painter = Painter(self)

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the rows, and redraw what differs: through ssh every column counts."""
        old, self._lines = self._lines, tuple(lines)
        for y in range(max(len(old), len(lines))):
            if y >= len(old) or y >= len(lines):
                self.refresh(Region(0, y, self.size.width, 1))
            elif old[y] != lines[y]:
                self.refresh(part(y, old[y], lines[y]))

    def render_line(self, y: int) -> Strip:
        """One painted row."""
        line = self._lines[y] if y < len(self._lines) else BLANK
        return self._painter.strip(line, self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Tell the owner which row it was."""
        if event.y < len(self._lines) and (key := self._lines[event.y].key):
            self.post_message(self.Pressed(key, event.chain == 2))
