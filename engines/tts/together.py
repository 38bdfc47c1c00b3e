"""How many chunks to decode together: as many as are faster than fewer, measured on the loaded model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch

from engines.tts.decode.chunk import Chunk
from engines.tts.decode.decoder import Decoder
from engines.tts.trouble import lacks_memory

_STEPS: Final = 4
_STEP_SECONDS: Final = 0.1
"""At least so many steps, and so long: where others compute, few short steps tell nothing."""
_SECONDS: Final = 5.0
"""Not begun with more once it took so long."""
_SHARE: Final = 0.95
_COUNTS: Final = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Measured:
    """`speeds` are tokens a second by chunks together; `fits` is how many have room, as far as is known."""

    speeds: Mapping[int, float]
    fits: int


def measured(decoder: Decoder, chunk: Callable[[], Chunk], most: int, step: Callable[[], None]) -> Measured:
    """1, 2, 4… together up to `most`, as far as memory and a few seconds go.

    Raises:
        torch.OutOfMemoryError, MemoryError, RuntimeError: not even one has room.
    """
    speeds: dict[int, float] = {}
    began = time.monotonic()
    for count in [*(count for count in _COUNTS if count < most), most]:
        if time.monotonic() - began > _SECONDS:
            break
        chunks = [chunk() for _ in range(count)]
        try:
            speeds[count] = count / _fastest_step(decoder, chunks, step)
        except (RuntimeError, MemoryError) as error:  # torch's own error for a GPU is one of these
            if count == 1 or not lacks_memory(error):
                raise
            torch.cuda.empty_cache()
            return Measured(speeds, max(speeds, default=1))
        finally:
            for one in chunks:
                decoder.drop(one)
    return Measured(speeds, most)


def enough(found: Measured) -> int:
    """The fewest together that are about as fast as the best.

    Where time ran out while more were still faster, all that have room.
    """
    speeds = found.speeds
    best = max(speeds.values(), default=0.0)
    chosen = next((count for count in sorted(speeds) if speeds[count] >= _SHARE * best), 1)
    return found.fits if chosen == max(speeds, default=1) else chosen


def told(found: Measured, chosen: int) -> str:
    """In words, for the log."""
    figures = ", ".join(f"{count}: {found.speeds[count]:.0f}" for count in sorted(found.speeds))
    return f"parallel: {chosen} together; tokens a second by chunks together: {figures}"


def _fastest_step(decoder: Decoder, chunks: list[Chunk], step: Callable[[], None]) -> float:
    """Seconds of a step of them all; others on the machine make single steps slower, and none faster."""
    decoder.begin(chunks)
    seconds: list[float] = []
    while decoder.aloft == len(chunks) and (len(seconds) < _STEPS or sum(seconds) < _STEP_SECONDS):
        began = time.perf_counter()
        decoder.step()
        seconds.append(time.perf_counter() - began)
        step()
    return min(seconds)
