"""The thread that makes sound of tokens, so that the next chunks are decoded meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

import torch

from engines.tts.sound.flac import Floats
from engines.tts.sound.render import Sound, Take
from engines.tts.trouble import memory_told

MOST: Final = 16
"""Takes in one batch: those that come meanwhile should not wait for more."""
P = TypeVar("P")


class _Unwanted(Exception):
    """Nobody waits for any sound of the batch any more."""


@dataclass(frozen=True, eq=False)
class Order(Generic[P]):
    """Sound to be made for `part`. Those with the same `steps` and `watermark` are made together if they may."""

    part: P
    take: Take
    steps: int
    watermark: bool
    together: bool
    urgent: bool
    """For a person: before the others."""
    wanted: Callable[[], bool]
    """Whether somebody still waits; called from the thread."""


class Renderer(Generic[P]):
    """One thread, ended by `close`. `step` is called from it, once for each step of work."""

    def __init__(self, sound: Sound, device: str, step: Callable[[], None]) -> None:
        self._sound = sound
        self._step = step
        self._device = device
        self._made: SimpleQueue[tuple[P, Floats | None] | BaseException] = SimpleQueue()
        self._waiting: list[Order[P]] = []
        self._change = threading.Condition()
        self._closed = False
        self.open = 0
        """Orders whose sound was not collected, nor found to be unwanted; of the loop."""
        self._thread = threading.Thread(target=self._work, name="sound", daemon=True)
        self._thread.start()

    def order(self, order: Order[P]) -> None:
        """Make this sound when its turn comes."""
        self.open += 1
        with self._change:
            self._waiting.append(order)
            self._change.notify()

    def made(self, wait_seconds: float) -> list[tuple[P, Floats | None]]:
        """What was made since, after waiting so long for the first; None instead of sound that nobody wanted.

        Raises:
            whatever ended the thread, OutOfMemory among it.
        """
        found: list[tuple[P, Floats | None]] = []
        while True:
            try:
                one = self._made.get(timeout=wait_seconds) if wait_seconds and not found else self._made.get_nowait()
            except Empty:
                return found
            if isinstance(one, BaseException):
                raise one
            self.open -= 1
            found.append(one)

    def close(self) -> None:
        """End within one step."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()

    # ── in the thread ─────────────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        try:
            with self._stream():
                while (batch := self._next()) is not None:
                    for order, sound in zip(batch, self._rendered(batch), strict=True):
                        self._made.put((order.part, sound))
        except BaseException as error:  # noqa: BLE001 (outermost of this thread: the loop raises it)
            self._made.put(error)

    def _next(self) -> list[Order[P]] | None:
        with self._change:
            self._change.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            for order in [order for order in self._waiting if not order.wanted()]:
                self._waiting.remove(order)
                self._made.put((order.part, None))
            if not self._waiting:
                return []
            first = min(self._waiting, key=lambda order: not order.urgent)
            batch = [order for order in self._waiting if order is first or _alike(order, first)][:MOST]
            if first not in batch:
                batch[-1] = first
            self._waiting = [order for order in self._waiting if order not in batch]
            return batch

    def _rendered(self, batch: list[Order[P]]) -> list[Floats] | list[None]:
        if not batch:
            return []
        first = batch[0]
        try:
            with memory_told():
                sounds: list[Floats] = self._sound.render(
                    [order.take for order in batch],
                    first.steps,
                    watermark=first.watermark,
                    together=first.together,
                    step=lambda: self._go_on(batch),
                )
                return sounds
        except _Unwanted:
            return [None] * len(batch)

    def _go_on(self, batch: list[Order[P]]) -> None:
        self._step()
        if self._closed or not any(order.wanted() for order in batch):
            raise _Unwanted

    def _stream(self) -> AbstractContextManager[Any]:
        """On a GPU its own, beside the one that decodes."""
        return torch.cuda.stream(torch.cuda.Stream()) if self._device.startswith("cuda") else nullcontext()


def _alike(one: Order[Any], other: Order[Any]) -> bool:
    """Whether they are made in one batch."""
    return (
        one.together
        and other.together
        and (one.steps, one.watermark, one.urgent) == (other.steps, other.watermark, other.urgent)
    )
