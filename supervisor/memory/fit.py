"""How the pieces of a load lie on given GPUs: whole, in the model's order, what each GPU takes beside them counted.

All sizes in bytes; `rooms` are what the GPUs have free, in the order in which the pieces go on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from engines.appraisal import Need


@dataclass(frozen=True, slots=True)
class Load:
    """The pieces that go on GPUs."""

    pieces: tuple[int, ...]
    per_gpu_bytes: int
    measured: bool = False

    @property
    def whole_bytes(self) -> int:
        """On one GPU."""
        return sum(self.pieces) + self.per_gpu_bytes


def load_of(need: Need, on_gpu: int) -> Load:
    """So many pieces, as estimated."""
    return Load(need.layers[len(need.layers) - on_gpu :], need.per_gpu_bytes)


def measured_load(need: Need, gpus: int, peak: int) -> Load:
    """All pieces on so many GPUs, each part scaled so that they take `peak` together."""
    estimate = sum(need.layers) + gpus * need.per_gpu_bytes
    per_gpu = peak * need.per_gpu_bytes // max(estimate, 1)
    rest, ends = peak - gpus * per_gpu, tuple(accumulate(need.layers, initial=0))
    # Scaled ends instead of scaled pieces, so that the rounding adds up to nothing.
    scaled = [end * rest // max(ends[-1], 1) for end in ends[:-1]] + [rest]
    return Load(tuple(after - before for before, after in pairwise(scaled)), per_gpu, measured=True)


def divide(load: Load, rooms: Sequence[int]) -> tuple[int | None, ...] | None:
    """Bytes on each GPU, in proportion to its room if that fits, else filled one after the other.

    None for a GPU that holds no piece; None instead of it all where they do not fit.
    """
    if load.whole_bytes > sum(max(room, 0) for room in rooms):
        return None
    left = [max(room - load.per_gpu_bytes, 0) for room in rooms]
    for counts in (_proportional(load.pieces, left), _packed(load.pieces, left)):
        ends = (0, *accumulate(counts))
        held = [sum(load.pieces[start:end]) for start, end in pairwise(ends)]
        if ends[-1] == len(load.pieces) and all(
            not count or room >= load.per_gpu_bytes + more
            for count, more, room in zip(counts, held, rooms, strict=True)
        ):
            return tuple(more + load.per_gpu_bytes if count else None for count, more in zip(counts, held, strict=True))
    return None


def most(load: Load, rooms: Sequence[int]) -> int:
    """How many of the last pieces fit."""
    left = [room - load.per_gpu_bytes for room in rooms]
    return sum(_packed(load.pieces[::-1], left[::-1]))


def _packed(pieces: Sequence[int], left: Sequence[int]) -> list[int]:
    """How many pieces each GPU takes, each as many as fit: in one order of pieces and GPUs nothing packs more."""
    counts, at = [], 0
    for room in left:
        start, taken = at, 0
        while at < len(pieces) and taken + pieces[at] <= room:
            taken += pieces[at]
            at += 1
        counts.append(at - start)
    return counts


def _proportional(pieces: Sequence[int], left: Sequence[int]) -> list[int]:
    """How many pieces each GPU takes if each piece goes where its middle falls."""
    counts = [0] * len(left)
    ends, whole, room = tuple(accumulate(left)), sum(pieces), sum(left)
    for before, piece in zip(accumulate(pieces, initial=0), pieces, strict=False):
        middle = (2 * before + piece) * room
        counts[next((i for i, end in enumerate(ends) if middle <= 2 * end * whole), 0)] += 1
    return counts
