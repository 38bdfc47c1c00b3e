"""All decisions and facts, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ipc.control import EventItem, Events, Item
from tui.draw import texts
from tui.follow import follow
from tui.ink import Line, Span, squeeze
from tui.screens.place import Place
from tui.wishes import Target

LAST = 2000


class EventsPlace(Place):
    """The newest at the end."""

    def on_mount(self) -> None:
        """Follow them."""
        self.run_worker(follow(self.context.connection, Events(LAST, follow=True), self._take))

    def targets(self) -> Sequence[Target]:
        """Nothing to act on."""
        return []

    def facts(self, width: int) -> Sequence[Line]:
        """How many there are of which gravity among those at hand."""
        known = self.context.store.happenings
        grave = [happening for happening in known if happening.severity != "info"]
        counted = f"   {len(grave)} of the last {len(known)} are warnings or errors"
        return [Line(squeeze((Span(" events", "strong"), Span(counted, "dim")), width))]

    def _take(self, item: Item, fresh: bool) -> None:
        if isinstance(item, EventItem):
            entry = partial(texts.happening, item.happening)
            (self.text.replace if fresh else self.text.append)([entry])
