"""A long text that grows at its end: logs, events, help. It follows the end until the reader goes up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.ink import BLANK, Line
from tui.widgets.lined import Painter, part

Entry: TypeAlias = Callable[[int], Sequence[Line]]
"""One entry of the text, laid out for a width: an entry may take several rows."""

ENTRIES_KEPT = 5000


class Scroller(ScrollView, can_focus=True):
    """Entries are laid out when they come and again when the width changes; only rows in sight are painted."""

    BINDINGS = [
        Binding("j,down", "scroll_down", show=False),
        Binding("k,up", "scroll_up", show=False),
        Binding("g,home", "scroll_home", show=False),
        Binding("G,end", "scroll_end", show=False),
    ]

    def __init__(self, *, id: str, follow: bool = False, kept: int = ENTRIES_KEPT) -> None:  # noqa: A002 (Textual's)
        super().__init__(id=id)
        self._kept = kept
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._live: Entry | None = None
        self._live_rows = 0
        self._rows: list[Line] = []
        self._may_follow = self._following = follow
        self._laid_out_for = 0
        self._painter = Painter(self)

    @property
    def rows(self) -> Sequence[Line]:
        """What is laid out, from the first row to the last."""
        return self._rows

    def replace(self, entries: Sequence[Entry]) -> None:
        """Show these instead, and follow their end; where as many rows stay, only what differs is painted."""
        self._following = self._may_follow
        self._entries.clear()
        self._live = None
        self._entries.extend(entries)
        self._lay_out(self._rows)

    def append(self, entries: Sequence[Entry], live: Entry | None = None) -> None:
        """Add at the end, many at once. `live` is still being written: the last, until the next append replaces it."""
        self._live = live
        if len(self._entries) + len(entries) > self._kept:
            for _ in range(min(len(self._entries), self._kept // 8)):  # many at once: after that all is laid out anew
                self._entries.popleft()
            self._entries.extend(entries)
            self._lay_out()
            return
        self._entries.extend(entries)
        if width := self.size.width:
            first = len(self._rows) - self._live_rows
            before, now = self._rows[first:], [row for entry in entries for row in entry(width)]
            now += self._laid_out_live(width)
            self._rows[first:] = now
            if len(before) == len(now):
                self._changed(before, first)
            else:
                self._grown()

    def follow_end(self) -> None:
        """Go to the end and stay there as it grows."""
        self._following = self._may_follow
        self.scroll_end(animate=False, immediate=True, force=True)

    def render_line(self, y: int) -> Strip:
        """One painted row of those in sight."""
        index = y + round(self.scroll_offset.y)
        return self._painter.strip(self._rows[index] if index < len(self._rows) else BLANK, self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Another width is another layout."""
        if self.size.width != self._laid_out_for:
            self._lay_out()
        else:
            self._grown()

    def release_anchor(self) -> None:
        """The reader scrolled: stay there."""
        super().release_anchor()
        self._following = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Back at the end, follow it again."""
        super().watch_scroll_y(old_value, new_value)
        if round(new_value) >= self.max_scroll_y:
            self._following = self._may_follow

    def _lay_out(self, before: Sequence[Line] = ()) -> None:
        self._laid_out_for = width = self.size.width
        self._rows = [row for entry in self._entries for row in entry(width)] if width else []
        self._rows += self._laid_out_live(width)
        if len(before) == len(self._rows):
            self._changed(before)
        else:
            self._grown()

    def _laid_out_live(self, width: int) -> Sequence[Line]:
        rows = self._live(width) if self._live is not None and width else ()
        self._live_rows = len(rows)
        return rows

    def _changed(self, before: Sequence[Line], first: int = 0) -> None:
        """Paint what differs from `before`, the rows from `first` on as they were."""
        top = round(self.scroll_offset.y)
        for index in range(max(top, first), min(top + self.size.height, first + len(before))):
            if before[index - first] != self._rows[index]:
                self.refresh(part(index - top, before[index - first], self._rows[index]))

    def _grown(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._rows))
        if self._following:
            self.scroll_end(animate=False, immediate=True, force=True)
        self.refresh()
