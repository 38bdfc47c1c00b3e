"""Voices by name, each computed once from its recording, and cut to the seconds wanted."""

from __future__ import annotations

import logging
import math
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import soundfile
import torch
from torch import Tensor

from engines.tts.sound.flow import FRAMES_PER_TOKEN
from engines.tts.sound.recording import LISTENED_SECONDS, REFERENCE_SECONDS, check, find
from engines.tts.sound.voice import Voice
from engines.tts.unit import RATE, TOKENS_PER_SECOND
from ipc.errors import Problem, RequestFailed

_KEPT = 16
"""Voices, of some 200 KB each."""
_LISTENING_RATE = 16_000
"""Of what tells who speaks."""
_PROMPT_SECONDS, _TURBO_PROMPT_SECONDS = 6, 15
_TURBO_LUFS = -27.0
"""What the library brings recordings to for Turbo."""

_File: TypeAlias = tuple[Path, int, int]
"""A recording as it was when it was read: its size, and when it was changed."""


@dataclass
class _Known:
    whole: Voice
    cut: dict[int, Voice] = field(default_factory=dict)


class Voices:
    """Computes where the library's parts that listen are, which may be a CPU; its voices lie there too.

    `prompt_tokens` is how many the writing of tokens is conditioned on (`t3.hp.speech_cond_prompt_len`);
    `tell` hears a warning about a recording when that is first read.
    """

    def __init__(
        self,
        conditionals: Any,
        s3gen: Any,
        voice_encoder: Any,
        prompt_tokens: int,
        *,
        tell: Callable[[str], None] = lambda warning: None,
    ) -> None:
        self._listener = _Listener(s3gen, voice_encoder, prompt_tokens)
        self._turbo: bool = s3gen.meanflow
        self._tell = tell
        self._built_in = conditionals and _Known(_built_in(conditionals))
        self._known: OrderedDict[_File, _Known] = OrderedDict()

    def of(self, name: str, reference_seconds: float) -> Voice:
        """The voice `name`, empty for the one built in, with at most so much of its recording before each chunk.

        Raises:
            RequestFailed: there is no such recording, or it cannot serve.
        """
        known = self._recorded(name) if name else self._built_in
        if known is None:
            raise RequestFailed(
                Problem("No voice", "This checkpoint has no voice built in (conds.pt).", "Set `voice` to a recording.")
            )
        tokens = max(1, round(reference_seconds * TOKENS_PER_SECOND))
        if tokens not in known.cut:
            whole = known.whole
            known.cut[tokens] = Voice(name, whole.speaker, whole.prompt, shortened(whole.reference, tokens))
        return known.cut[tokens]

    def _recorded(self, name: str) -> _Known:
        path = find(name, os.environ)
        state = path.stat()
        file = (path, state.st_size, state.st_mtime_ns)
        if file not in self._known:
            found = check(path, turbo=self._turbo)
            if found.problems:
                raise RequestFailed(found.problems[0])
            for warning in found.warnings:
                self._tell(f"Voice {name}: {warning}")
            with _refusing(path):
                self._known[file] = _Known(self._listener.listen(name, path))
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(file)
        return self._known[file]


def shortened(reference: dict[str, Any], tokens: int) -> dict[str, Any]:
    """The first `tokens` of a reference, or all that it has; two frames to a token, as the flow takes it."""
    prompt, frames = reference["prompt_token"], reference["prompt_feat"]
    count = min(tokens, prompt.shape[1], frames.shape[1] // FRAMES_PER_TOKEN)
    return {
        "prompt_token": prompt[:, :count].clone(),
        "prompt_token_len": torch.tensor([count]),
        "prompt_feat": frames[:, : FRAMES_PER_TOKEN * count].clone(),
        "prompt_feat_len": None,
        "embedding": reference["embedding"],
    }


def _built_in(conditionals: Any) -> Voice:
    writing = conditionals.t3
    return Voice("", writing.speaker_emb, writing.cond_prompt_speech_tokens, conditionals.gen)


class _Listener:
    """As the library's `prepare_conditionals`, without gradients."""

    def __init__(self, s3gen: Any, voice_encoder: Any, prompt_tokens: int) -> None:
        self._s3gen = s3gen
        self._voice_encoder = voice_encoder
        self._prompt_tokens = prompt_tokens

    def listen(self, name: str, path: Path) -> Voice:
        import librosa

        turbo = self._s3gen.meanflow
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            samples = file.read(LISTENED_SECONDS * rate, dtype="float32", always_2d=True)
        sound = librosa.resample(np.ascontiguousarray(samples.mean(axis=1)), orig_sr=rate, target_sr=RATE)
        if turbo:
            sound = _levelled(sound)
        heard = librosa.resample(sound, orig_sr=RATE, target_sr=_LISTENING_RATE)
        prompted = (_TURBO_PROMPT_SECONDS if turbo else _PROMPT_SECONDS) * _LISTENING_RATE
        with torch.inference_mode(), _without_warnings():
            reference = self._s3gen.embed_ref(sound[: REFERENCE_SECONDS * RATE], RATE)
            prompt = None
            if self._prompt_tokens:
                prompt, _ = self._s3gen.tokenizer([heard[:prompted]], max_len=self._prompt_tokens)
                prompt = torch.atleast_2d(prompt)
            speakers = torch.from_numpy(self._voice_encoder.embeds_from_wavs([heard], sample_rate=_LISTENING_RATE))
            speaker = speakers.mean(dim=0, keepdim=True)
        return Voice(
            name,
            _usable(speaker),
            None if prompt is None else _usable(prompt),
            {key: _usable(value) if torch.is_tensor(value) else value for key, value in reference.items()},
        )


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """What the libraries of sound raise over a recording is the fault of that, and of no other voice.

    Raises:
        RequestFailed
    """
    from librosa.util.exceptions import ParameterError

    try:
        yield
    except (soundfile.LibsndfileError, ParameterError, OSError) as error:
        raise RequestFailed(
            Problem(
                "Recording not usable",
                f"{path} cannot be listened to: {str(error).rstrip('.')}.",
                "Save it again as 16-bit WAV, or choose another.",
            )
        ) from error


@contextmanager
def _without_warnings() -> Iterator[None]:
    """The library warns where a recording ends within a token, which is nearly every one below ten seconds."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _levelled(sound: Any) -> Any:
    import pyloudnorm

    gain = 10.0 ** ((_TURBO_LUFS - pyloudnorm.Meter(RATE).integrated_loudness(sound)) / 20.0)
    return sound * gain if math.isfinite(gain) and gain > 0.0 else sound


def _usable(tensor: Tensor) -> Tensor:
    """A copy that may be used outside of inference mode too."""
    return tensor.clone()
