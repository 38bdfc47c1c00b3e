"""A full screen about one thing, opened over the first: a few rows of facts, a long text, its keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding

from tui.draw import frame
from tui.draw.frame import Key
from tui.ink import Line, rule
from tui.screens.acting import Acting
from tui.widgets.lined import Lined
from tui.widgets.scroller import Scroller


class Place(Acting):
    """Subclasses give the facts (`facts`), fill the text, and say which rows their keys act on (`targets`)."""

    AUTO_FOCUS = "#text"
    BINDINGS = [
        Binding("escape,q", "back", show=False),
        Binding("Q", "down", show=False),
        Binding("colon", "app.command_palette", show=False),
        Binding("question_mark,f1", "app.help", show=False),
    ]
    FOLLOW = True
    room = 0
    """Rows between the facts and the keys."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Lined(id="title")
        yield Lined(id="facts")
        yield Scroller(id="text", follow=self.FOLLOW)
        yield Lined(id="keys")

    @property
    def text(self) -> Scroller:
        """The long text."""
        return self.query_one("#text", Scroller)

    def keys(self) -> Sequence[Key]:
        """Keys of its own."""
        return ()

    def more_keys(self) -> Sequence[Key]:
        """Those that give way first."""
        return ()

    def footer(self) -> Sequence[Key]:
        """The last row, as far as it fits."""
        return frame.place_keys(self.targets(), self.context.readonly, self.keys(), self.more_keys())

    def edge(self) -> Sequence[Key]:
        """What of it is always there."""
        return frame.BACK

    def facts(self, width: int) -> Sequence[Line]:
        """The rows above the text."""
        raise NotImplementedError

    def draw(self) -> None:
        """Everything but the text, which grows by itself."""
        store, width = self.context.store, self.size.width
        if not width:
            return
        facts = [rule(width), *self.facts(width), rule(width)]
        box = self.query_one("#facts", Lined)
        box.styles.height = len(facts)
        box.show(facts)
        self.room = max(0, self.size.height - 2 - len(facts))
        readonly = self.context.readonly
        self.query_one("#title", Lined).show([frame.title(store, self.standing.of(store), readonly, width)])
        self.query_one("#keys", Lined).show([frame.keys(self.footer(), self.edge(), width)])

    def action_back(self) -> None:
        """To where one came from."""
        self.dismiss()
