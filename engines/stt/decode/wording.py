"""When each word of a batch begins and ends, by the library's alignment, for each window as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from ipc.hearing import Word

_BEFORE: Final = "\"'“¿([{-"
_AFTER: Final = "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the next word, and to the one before: the library's own."""


class _Aligned:
    """What `add_word_timestamps` needs of a model, with the alignment of one window found already."""

    def __init__(self, model: WhisperModel, alignment: list[dict[str, Any]]) -> None:
        self.frames_per_second = model.frames_per_second
        self._alignment = alignment

    def find_alignment(self, *_: object) -> list[list[dict[str, Any]]]:
        return [self._alignment]


def spoken_words(
    model: WhisperModel,
    tokenizer: Tokenizer,
    encoded: Any,
    windows: Sequence[list[dict[str, Any]]],
    heard: Sequence[NDArray[np.float32]],
) -> None:
    """Put `words`, each a `Word`, into the phrases of each window; their beginnings and ends follow those."""
    texts = [
        [token for phrase in phrases for token in phrase["tokens"] if token < tokenizer.eot] for phrases in windows
    ]
    frames = [window.shape[1] for window in heard]
    for phrases, alignment in zip(windows, model.find_alignment(tokenizer, texts, encoded, frames), strict=True):
        if not phrases:
            continue
        # For a batch the library goes on from where the window before ended, which here may be of another recording.
        WhisperModel.add_word_timestamps(
            _Aligned(model, alignment), [phrases], tokenizer, None, 0, _BEFORE, _AFTER, 0.0
        )
        for phrase in phrases:
            told = phrase.get("words", ())
            phrase["words"] = [
                Word(float(one["start"]), float(one["end"]), one["word"].strip(), round(float(one["probability"]), 4))
                for one in told
            ]
