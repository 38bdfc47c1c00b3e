"""Mel frames to sound: the library's HiFT, whose chance comes from the take's seed."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import parametrize


class Vocoder:
    """The library's `mel2wav`, in fp32 on `device`; `fade` is what the library lays over the beginning of a sound."""

    def __init__(self, mel2wav: Any, fade: Tensor, device: torch.device) -> None:
        self._hift = mel2wav.float().to(device)
        self._fade = fade.float().to(device)
        for module in mel2wav.modules():  # else each call computes them from their norms anew
            if parametrize.is_parametrized(module, "weight"):
                parametrize.remove_parametrizations(module, "weight")

    def sound(self, mel: Tensor, seed: int) -> Tensor:
        """[80, frames] to samples [480 x frames]. One by one: its convolutions would read the padding of others."""
        hift, mel = self._hift, mel[None].float()
        pitch = hift.f0_upsamp(hift.f0_predictor(mel)[:, None])
        source = hift.m_source
        waves = sines(source.l_sin_gen, pitch, torch.Generator(pitch.device).manual_seed(seed))
        excitation = source.l_tanh(source.l_linear(waves.transpose(1, 2))).transpose(1, 2)
        made: Tensor = hift.decode(x=mel, s=excitation)[0]
        faded = min(len(self._fade), len(made))
        made[:faded] *= self._fade[:faded]
        return made


def sines(made_by: Any, pitch: Tensor, chance: torch.Generator) -> Tensor:
    """As the library's `SineGen.forward`: the harmonics of `pitch` [1, 1, samples] in Hz, [1, harmonics, samples].

    The library draws phases and noise from the generators of the process, which all its threads share.
    """
    count = made_by.harmonic_num + 1
    turns = torch.cat([pitch * (number + 1) / made_by.sampling_rate for number in range(count)], dim=1)
    angles = 2 * math.pi * (torch.cumsum(turns, dim=-1) % 1)
    phases = (torch.rand(1, count, 1, generator=chance, device=pitch.device) * 2 - 1) * math.pi
    phases[:, 0] = 0
    voiced = (pitch > made_by.voiced_threshold).float()
    loudness = voiced * made_by.noise_std + (1 - voiced) * made_by.sine_amp / 3
    hiss = loudness * torch.randn(angles.shape, generator=chance, device=pitch.device)
    return made_by.sine_amp * torch.sin(angles + phases) * voiced + hiss
