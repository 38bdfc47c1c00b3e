"""A voice as the model takes it, computed once from a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Voice:
    """`speaker` [1, 256] and `prompt` [1, n] condition the writing of tokens, `reference` the sound: the library's
    `prompt_token`, `prompt_token_len`, `prompt_feat`, `prompt_feat_len`, `embedding`, cut to the seconds wanted."""

    name: str
    """Empty for the one that is built in."""
    speaker: Tensor
    prompt: Tensor | None
    reference: dict[str, Any]
