"""Speech tokens to mel frames: the library's encoder for each take, and Euler's steps for many takes together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engines.tts.sound.estimator import Estimator

MELS = 80
FRAMES_PER_TOKEN = 2


@dataclass(frozen=True)
class Piece:
    """Tokens [n] to be sounded after a reference (`Voice.reference`), with the noise that a take begins with."""

    tokens: Tensor
    reference: dict[str, Any]
    seed: int

    @property
    def frames(self) -> int:
        """Of the reference and of the tokens."""
        return FRAMES_PER_TOKEN * (int(self.reference["prompt_token"].shape[1]) + len(self.tokens))


@dataclass(frozen=True)
class _Encoded:
    mu: Tensor
    speaker: Tensor
    known: Tensor
    """What is known of the sound: the reference's frames, then zeros."""


class Flow:
    """The library's `flow`; the estimator computes in `dtype`, all else in fp32."""

    def __init__(self, flow: Any, dtype: torch.dtype) -> None:
        self._flow = flow
        self._device = flow.input_embedding.weight.device
        flow.float()
        self._estimator = Estimator(flow.decoder.estimator, dtype)
        self._meanflow: bool = flow.decoder.estimator.meanflow

    def mels(self, pieces: Sequence[Piece], steps: int, step: Callable[[], None]) -> list[Tensor]:
        """The frames [80, 2 n] of each piece, without its reference, the same in any company; `step` before each."""
        encoded = [self._encode(piece) for piece in pieces]
        lengths = [piece.frames for piece in pieces]
        x = _padded([noise(piece.seed, piece.frames).to(self._device) for piece in pieces])
        conditions = _padded(
            [torch.cat([e.mu, e.speaker[:, None].expand(-1, e.mu.shape[1]), e.known]) for e in encoded]
        )
        points = self._points(steps)
        times = self._estimator.times(points)
        if self._meanflow:
            rows = self._estimator.rows(conditions, lengths)
        else:  # each row with what conditions it, then each without
            rows = self._estimator.rows(torch.cat([conditions, torch.zeros_like(conditions)]), [*lengths, *lengths])
        rate = self._flow.decoder.inference_cfg_rate
        for number, span in enumerate((points[1:] - points[:-1]).tolist()):
            step()
            time = times[number : number + 1]
            if self._meanflow:
                velocity = self._estimator.velocity(x, time, rows)
            else:
                led, free = self._estimator.velocity(torch.cat([x, x]), time, rows).chunk(2)
                velocity = (1.0 + rate) * led - rate * free
            x = x + span * velocity
        return [
            row[:, piece.frames - FRAMES_PER_TOKEN * len(piece.tokens) : piece.frames]
            for row, piece in zip(x, pieces, strict=True)
        ]

    def _points(self, steps: int) -> Tensor:
        """The points of time, closer to each other at the beginning where the model was not distilled."""
        points = torch.linspace(0, 1, steps + 1, device=self._device)
        return points if self._meanflow else 1 - torch.cos(points * 0.5 * torch.pi)

    def _encode(self, piece: Piece) -> _Encoded:
        """One by one: the look ahead of its first layer would read padding, and its scores grow with the square."""
        flow, device = self._flow, self._device
        reference = {name: piece.reference[name].to(device) for name in ("prompt_token", "prompt_feat", "embedding")}
        tokens = torch.cat([reference["prompt_token"][0].long(), piece.tokens.to(device)])[None]
        hidden, _ = flow.encoder(flow.input_embedding(tokens), torch.tensor([tokens.shape[1]], device=device))
        mu = flow.encoder_proj(hidden)[0].transpose(0, 1)
        known = torch.zeros_like(mu)
        frames = reference["prompt_feat"][0].transpose(0, 1)
        known[:, : frames.shape[1]] = frames
        speaker = flow.spk_embed_affine_layer(F.normalize(torch.atleast_2d(reference["embedding"].float()), dim=1))
        return _Encoded(mu, speaker[0], known)


def noise(seed: int, frames: int) -> Tensor:
    """What a take begins with, [80, frames]: its own, in whatever company it is computed."""
    return torch.randn(MELS, frames, generator=torch.Generator().manual_seed(seed))


def _padded(rows: Sequence[Tensor]) -> Tensor:
    frames = max(row.shape[1] for row in rows)
    return torch.stack([F.pad(row, (0, frames - row.shape[1])) for row in rows])
