"""Which takes are computed together: those of like length, so that little is padded, and not too many at once."""

from __future__ import annotations

from collections.abc import Sequence


def groups(frames: Sequence[int], most_frames: int, most_padding: float) -> list[list[int]]:
    """Indices into `frames`, each in one group, the longest first.

    A group padded to its longest has at most `most_frames` frames, unless it is a single take, and of them at most
    the share `most_padding` is padding.
    """
    made: list[list[int]] = []
    width = filled = 0
    for index in sorted(range(len(frames)), key=lambda i: -frames[i]):
        if made:
            whole = width * (len(made[-1]) + 1)
            if whole <= most_frames and whole - filled - frames[index] <= most_padding * whole:
                made[-1].append(index)
                filled += frames[index]
                continue
        made.append([index])
        width = filled = frames[index]
    return made
