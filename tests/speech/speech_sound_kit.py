"""The sound part of the library in small, and the library's own sound with the chance that ours has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from engines.tts.sound.flow import noise
from engines.tts.sound.voice import Voice


def s3gen(meanflow: bool) -> Any:
    """With the same weights each time; only after the sizes were set (`miniature`)."""
    from chatterbox.models.s3gen import S3Gen

    torch.manual_seed(3)
    return S3Gen(meanflow=meanflow).eval()


def tokens(count: int, seed: int = 0) -> list[int]:
    return torch.randint(0, 6561, (count,), generator=torch.Generator().manual_seed(seed)).tolist()  # type: ignore[no-any-return]


def voice(prompt: int = 25, seed: int = 1) -> Voice:
    """With a reference of so many tokens, drawn at random."""
    chance = torch.Generator().manual_seed(seed)
    reference = {
        "prompt_token": torch.randint(0, 6561, (1, prompt), generator=chance),
        "prompt_token_len": torch.tensor([prompt]),
        "prompt_feat": torch.randn(1, 2 * prompt, 80, generator=chance),
        "prompt_feat_len": None,
        "embedding": torch.randn(1, 192, generator=chance),
    }
    return Voice("", torch.zeros(1, 256), None, reference)


def library_sound(
    made_by: Any, spoken: Sequence[int], reference: dict[str, Any], seed: int, steps: int, patch: pytest.MonkeyPatch
) -> Any:
    """`S3Gen.inference` of these tokens; what it draws at random is what a take with this seed has."""
    frames = 2 * (reference["prompt_token"].shape[1] + len(spoken))
    begin, chance = noise(seed, frames)[None], torch.Generator().manual_seed(seed)
    free = torch.randn_like

    def like(x: Any, **named: Any) -> Any:
        if x.shape == begin.shape:
            return begin.clone()
        return torch.empty_like(x).normal_(generator=chance) if x.shape[1] == 9 else free(x, **named)

    with patch.context() as patched:
        patched.setattr(torch, "randn_like", like)
        patched.setattr(torch, "randn", lambda *shape, **_: begin[:, :, -shape[2] :])
        patched.setattr(
            torch.distributions.uniform.Uniform,
            "sample",
            lambda self, sample_shape: (torch.rand(sample_shape, generator=chance) * 2 - 1) * math.pi,
        )
        sound, _ = made_by.inference(torch.tensor(spoken), ref_dict=dict(reference), n_cfm_timesteps=steps)
    return sound[0].numpy()
