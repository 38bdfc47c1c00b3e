"""Windows of sound become text, many at once, through the library's own pieces.

A batch is decoded as faster-whisper's sequential way decodes one window: with its prompt, its suppressed tokens, and
its division by time stamps. So one window comes out the same alone and in company, up to the last digits of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens
from numpy.typing import NDArray

from engines.stt.decode.pieces import Piece, divided
from engines.stt.decode.take import Take
from engines.stt.decode.way import Way
from engines.stt.decode.wording import spoken_words
from engines.stt.unit import RATE
from ipc.hearing import Segment

Floats: TypeAlias = NDArray[np.float32]
ENCODED_FRAMES: Final = 3000
"""What the encoder of every Whisper takes: 30 s, however short its window is."""
FRAMES_PER_SECOND: Final = 100
_LEAD_SAMPLES: Final = RATE // 10
"""A moment of silence around what is heard, where there is room: a word at the very edge is half lost without."""
_CANDIDATES: Final = 5
"""Texts drawn by chance, of which the likeliest is taken: Whisper's own `best_of`."""
_MOST_TOKENS: Final = 448
_MOST_PROMPT: Final = _MOST_TOKENS // 2 - 1
_STRICT: Final = {"no_repeat_ngram_size": 3}


class Sound(NamedTuple):
    """What is heard, as the model takes it."""

    features: Floats
    """[bands, frames]"""
    lead: float
    """Seconds of silence before it begins."""


class _Spoken(NamedTuple):
    """A language and a task, in tokens."""

    tokenizer: Tokenizer
    suppressed: tuple[int, ...]


class Decoder:
    """Over one loaded model; its methods may be called from several threads at once."""

    def __init__(self, model: WhisperModel, window_samples: int) -> None:
        self._whisper = model
        self._window_samples = window_samples
        self._window_frames = window_samples * FRAMES_PER_SECOND // RATE
        self._spoken = lru_cache(maxsize=64)(self._spoken_for)
        self._prompt = lru_cache(maxsize=256)(self._prompt_for)

    def sound(self, samples: Floats) -> Sound:
        """Mono, at 16 kHz."""
        lead = max(0, min(_LEAD_SAMPLES, (self._window_samples - len(samples)) // 2))
        padded = np.pad(samples, (lead, lead))
        return Sound(self._whisper.feature_extractor(padded)[..., :-1], lead / RATE)

    def language(self, sound: Sound) -> tuple[str, float]:
        """Which is spoken, and how sure a model of many languages is of it. Raises RuntimeError as it has it."""
        encoded = self._encoded([sound.features[:, : self._window_frames]])
        mark, probability = self._whisper.model.detect_language(encoded)[0][0]
        return mark.strip("<|>"), float(probability)

    def decode(self, windows: Sequence[Floats], way: Way) -> list[Take]:
        """What is heard in each, [bands, frames], up to the longest that the model hears at once.

        By chance only one at a time is: of more the library tells of the wrong ones how likely silence is.

        Raises:
            RuntimeError, MemoryError: as the library has them.
        """
        heard = [window[:, : self._window_frames] for window in windows]
        spoken, prompt = self._spoken(way.language, way.task), self._prompt(way)
        features = self._encoded(heard)
        how: dict[str, Any] = {"beam_size": way.beam_size}
        if way.temperature > 0:
            chance = {"sampling_topk": 0, "sampling_temperature": way.temperature, "num_hypotheses": _CANDIDATES}
            how = {"beam_size": 1, **chance}
        results = self._whisper.model.generate(
            features,
            [list(prompt)] * len(heard),
            max_length=_MOST_TOKENS,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=list(spoken.suppressed),
            **how,
            **(_STRICT if way.strict else {}),
        )
        pieces = [
            divided(self._whisper, spoken.tokenizer, result.sequences_ids[0], window.shape[1])
            for result, window in zip(results, heard, strict=True)
        ]
        if way.words:
            spoken_words(self._whisper, spoken.tokenizer, features, [one.phrases for one in pieces], heard)
        return [_take(one, result, way, spoken.tokenizer) for one, result in zip(pieces, results, strict=True)]

    def _spoken_for(self, language: str, task: str) -> _Spoken:
        multilingual = self._whisper.model.is_multilingual
        tokenizer = Tokenizer(self._whisper.hf_tokenizer, multilingual, task=task, language=language)
        return _Spoken(tokenizer, get_suppressed_tokens(tokenizer, [-1]))

    def _prompt_for(self, way: Way) -> tuple[int, ...]:
        tokenizer = self._spoken(way.language, way.task).tokenizer
        before = tokenizer.encode(f" {way.prompt.strip()}") if way.prompt.strip() else []
        hotwords = way.hotwords.strip()
        room = _MOST_PROMPT - len(tokenizer.encode(f" {hotwords}")) if hotwords else _MOST_PROMPT
        return tuple(
            self._whisper.get_prompt(
                tokenizer,
                before[-room:] if room > 0 else [],  # the library leaves each as much room as both have together
                without_timestamps=not way.timestamps,
                hotwords=hotwords or None,
            )
        )

    def _encoded(self, windows: Sequence[Floats]) -> Any:
        """What the encoder makes of them, [windows, positions, width]."""
        model = self._whisper.model
        if model.device != "cpu":
            return model.encode(_stored(windows))
        # One window fills a core as well as many do, and what it needs on the way stays in the core's cache.
        each = [np.asarray(model.encode(_stored([window]))) for window in windows]
        return ctranslate2.StorageView.from_array(np.concatenate(each))


def _stored(windows: Sequence[Floats]) -> Any:
    batch = np.zeros((len(windows), windows[0].shape[0], ENCODED_FRAMES), np.float32)
    for row, window in zip(batch, windows, strict=True):
        row[:, : window.shape[1]] = window
    return ctranslate2.StorageView.from_array(batch)


def _take(piece: Piece, result: Any, way: Way, tokenizer: Tokenizer) -> Take:
    tokens = result.sequences_ids[0]
    logprob = float(result.scores[0]) * len(tokens) / (len(tokens) + 1)
    text = tokenizer.decode(tokens).strip()
    compression, no_speech = get_compression_ratio(text), float(result.no_speech_prob)
    segments = tuple(
        Segment(
            float(phrase["start"]),
            float(phrase["end"]),
            tokenizer.decode(phrase["tokens"]).strip(),
            logprob,
            no_speech,
            compression,
            way.temperature,
            tuple(phrase.get("words", ())),
        )
        for phrase in piece.phrases
    )
    segments = tuple(one for one in segments if one.text and one.end > one.begin)
    return Take(segments, text, len(tokens), logprob, no_speech, compression, way.temperature, piece.rest)
