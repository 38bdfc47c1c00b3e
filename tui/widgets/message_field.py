"""Where a message is typed: several lines, with this session's messages behind the arrow keys."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import TextArea

_NEW_LINE = ("alt+enter", "shift+enter", "ctrl+enter", "ctrl+j")


class MessageField(TextArea):
    """Enter sends; a backslash before it, or alt with it, makes a new line. What is pasted stays as it is."""

    class Sent(Message):
        """Enter was pressed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's word)
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            placeholder="A message; enter sends it, alt+enter begins a new line",
        )
        self.past: list[str] = []
        """What was sent, for the arrow keys."""
        self._back = 0

    def on_key(self, event: events.Key) -> None:
        """Enter is not a character here."""
        if event.key == "enter" or event.key in _NEW_LINE:
            event.stop()
            event.prevent_default()
            self.enter(sends=event.key == "enter")

    def action_cursor_up(self, select: bool = False) -> None:
        """From the first line to the message before."""
        if select or not self.cursor_at_first_line:
            super().action_cursor_up(select)
        else:
            self._recall(self._back + 1)

    def action_cursor_down(self, select: bool = False) -> None:
        """From the last line to the message after."""
        if select or not self.cursor_at_last_line:
            super().action_cursor_down(select)
        else:
            self._recall(self._back - 1)

    def enter(self, *, sends: bool) -> None:
        """Send what stands here, or begin a new line."""
        row, column = self.cursor_location
        if sends and column and self.document.get_line(row)[column - 1] == "\\":
            self.action_delete_left()
            sends = False
        if not sends:
            self.insert("\n")
            return
        text, self._back = self.text, 0
        if text.strip():
            self.past.append(text)
        self.clear()
        self.post_message(self.Sent(text))

    def take_back(self) -> None:
        """What was just sent stands here again."""
        self.text = self.past.pop()
        self.move_cursor(self.document.end)

    def _recall(self, back: int) -> None:
        if 0 <= back <= len(self.past):
            self._back = back
            self.text = self.past[-back] if back else ""
            self.move_cursor(self.document.end)
