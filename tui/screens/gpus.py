"""All GPUs, with all that is known of each, and the ledger in full."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ipc.snapshot import GpuReading, Ledger
from tui.context import Context
from tui.draw import book_texts, gpu_texts
from tui.ink import Line, Span, squeeze
from tui.ledger import alarms_about
from tui.screens.place import Place
from tui.widgets.scroller import Entry
from tui.wishes import Target


class GpusPlace(Place):
    """Who holds what, how warm, why slow; it follows the readings and stays where the reader scrolled."""

    FOLLOW = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._shown: tuple[tuple[GpuReading, ...], Ledger] | None = None

    def targets(self) -> Sequence[Target]:
        """Nothing to act on."""
        return []

    def facts(self, width: int) -> Sequence[Line]:
        """The driver."""
        store = self.context.store
        said = gpu_texts.about(store.fleet, len(store.gpus))
        return [Line(squeeze((Span(" GPUs", "strong"), Span(f"   {said}", "dim")), width))]

    def draw(self) -> None:
        """The text only when there are other readings: it is long, and other news come often."""
        super().draw()
        store = self.context.store
        if (store.gpus, store.ledger) != self._shown:
            self._shown = (store.gpus, store.ledger)
            entries: list[Entry] = [partial(gpu_texts.gpu, store, reading) for reading in store.gpus]
            if store.ledger.host:
                entries.append(partial(book_texts.of_host, store.ledger.host, alarms_about(store.ledger, "supervisor")))
            self.text.replace(entries)
