"""Takes to sound: the flow for many together, then vocoder and watermark for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.tts.sound.buckets import groups
from engines.tts.sound.flac import Floats
from engines.tts.sound.flow import Flow, Piece
from engines.tts.sound.precision import DTYPES, SoundPrecision
from engines.tts.sound.vocoder import Vocoder
from engines.tts.sound.voice import Voice
from engines.tts.unit import RATE

_SPEECH = 6561
"""Tokens from here on say something to the part that writes them, and have no sound."""
_SILENCE = (4299, 4299, 4299)
"""What the library has Turbo end with."""
_MOST_PADDING = 0.15
_MOST_FRAMES = 12_000
"""In one batch, with those of the references: some 600 MB at work in fp32, 300 in bf16."""


@dataclass(frozen=True)
class Take:
    """Speech tokens to be heard in a voice; `seed` decides all that is left to chance."""

    tokens: Sequence[int]
    voice: Voice
    seed: int


class Sound:
    """What makes sound, on the device where `s3gen.flow` is; uses neither the library's tokenizer nor its encoder of
    speakers, which may be elsewhere."""

    def __init__(self, s3gen: Any, watermarker: Any, precision: SoundPrecision) -> None:
        device: torch.device = s3gen.flow.input_embedding.weight.device
        self._ending = _SILENCE if s3gen.meanflow else ()
        self._flow = Flow(s3gen.flow.eval(), DTYPES[precision])
        self._vocoder = Vocoder(s3gen.mel2wav.eval(), s3gen.trim_fade, device)
        self._watermarker = watermarker
        self._most_frames = 0 if device.type == "cpu" else _MOST_FRAMES

    def render(
        self, takes: Sequence[Take], steps: int, *, watermark: bool, together: bool, step: Callable[[], None]
    ) -> list[Floats]:
        """The sound of each take, mono, `RATE`; nothing of a take without tokens. A take sounds the same in any
        company, to about 1e-4 in fp32.

        `step` is called before each step of the flow and before each vocoding; what it raises ends the work.
        """
        with torch.inference_mode():
            return self._render(takes, steps, watermark, together, step)

    def _render(
        self, takes: Sequence[Take], steps: int, watermark: bool, together: bool, step: Callable[[], None]
    ) -> list[Floats]:
        spoken = {number: tokens for number, take in enumerate(takes) if (tokens := _speech(take.tokens))}
        pieces = [
            Piece(torch.tensor([*tokens, *self._ending]), takes[number].voice.reference, takes[number].seed)
            for number, tokens in spoken.items()
        ]
        most = self._most_frames if together else 0
        mels: dict[int, Tensor] = {}
        for group in groups([piece.frames for piece in pieces], most, _MOST_PADDING):
            mels.update(zip(group, self._flow.mels([pieces[i] for i in group], steps, step), strict=True))
        made = [np.zeros(0, np.float32)] * len(takes)
        for index, number in enumerate(spoken):
            step()
            made[number] = self._finish(mels.pop(index), pieces[index].seed, watermark=watermark)
        return made

    def _finish(self, mel: Tensor, seed: int, *, watermark: bool) -> Floats:
        sound: Floats = self._vocoder.sound(mel, seed).cpu().numpy()
        return self._watermarker.apply_watermark(sound, sample_rate=RATE) if watermark else sound


def _speech(tokens: Sequence[int]) -> list[int]:
    return [token for token in tokens if 0 <= token < _SPEECH]
