"""All GPUs, with all that is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ipc.snapshot import GpuReading
from tui.context import Context
from tui.draw import gpu_texts
from tui.ink import Line, Span, squeeze
from tui.screens.place import Place
from tui.wishes import Target


class GpusPlace(Place):
    """Who holds what, how warm, why slow; it follows the readings and stays where the reader scrolled."""

    FOLLOW = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._shown: tuple[GpuReading, ...] | None = None

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
        readings = self.context.store.gpus
        if readings is not self._shown:
            self._shown = readings
            self.text.replace([partial(gpu_texts.gpu, self.context.store, reading) for reading in readings])
