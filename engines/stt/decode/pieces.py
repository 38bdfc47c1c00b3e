"""A window's tokens are divided into phrases where the model set its time stamps, and none is lost on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

_FRAMES_PER_SECOND: Final = 100
_LEAST_STEP: Final = 10
"""Frames; where the model stands still, it is not asked again."""
_LEAST_REST: Final = 25
"""Frames after the last phrase that are not worth hearing alone, where nothing was written of them."""


class Piece(NamedTuple):
    """The library's own dictionaries, with `start`, `end` (seconds in the window), `tokens`, and `words` later on."""

    phrases: list[dict[str, Any]]
    rest: int | None
    """As of a `Take`."""


def divided(model: WhisperModel, tokenizer: Tokenizer, tokens: Sequence[int], frames: int) -> Piece:
    """The phrases of a window of so many frames.

    A phrase that has no end within the window is heard again from its beginning, as in the library's sequential way;
    its batches lose it.
    """
    seconds = frames / _FRAMES_PER_SECOND
    phrases, seek, closed = model._split_segments_by_timestamps(
        tokenizer=tokenizer, tokens=tokens, time_offset=0.0, segment_size=frames, segment_duration=seconds, seek=0
    )
    for phrase in phrases:
        phrase["start"], phrase["end"] = min(phrase["start"], seconds), min(phrase["end"], seconds)
    written = sum(len(phrase["tokens"]) for phrase in phrases)
    unfinished = [token for token in tokens[written:] if token < tokenizer.eot]
    if closed or seek >= frames or (not unfinished and frames - seek < _LEAST_REST):
        return Piece(phrases, None)
    if seek >= _LEAST_STEP:
        return Piece(phrases, seek)
    if unfinished:
        phrases.append({"seek": 0, "start": seek / _FRAMES_PER_SECOND, "end": seconds, "tokens": tokens[written:]})
    return Piece(phrases, None)
