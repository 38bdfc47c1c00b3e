"""Every key, from the table of actions."""

from __future__ import annotations

from functools import partial

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from tui.draw import texts
from tui.widgets.scroller import Scroller


class Help(ModalScreen[None]):
    """Any of the keys that opened it closes it."""

    BINDINGS = [Binding("escape,q,question_mark,f1", "dismiss", show=False)]

    def __init__(self, readonly: bool) -> None:
        super().__init__()
        self._readonly = readonly

    def compose(self) -> ComposeResult:
        """One box."""
        box = Scroller(id="help")
        box.border_title = "keys"
        yield box

    def on_mount(self) -> None:
        """Fill it."""
        self.query_one(Scroller).replace([partial(texts.help_rows, self._readonly)])
