"""What goes into the layers for text and for speech."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


class Inputs:
    """The library's own embeddings, in the numbers of the flow."""

    def __init__(self, t3: Any, flow: torch.dtype) -> None:
        self._t3, self._flow = t3, flow
        self.start, self.stop = t3.hp.start_speech_token, t3.hp.stop_speech_token

    def text(self, tokens: Tensor) -> Tensor:
        """[n] → [n, dimensions]."""
        words = self._t3.text_emb(tokens.to(self._t3.device))
        return (words if self._t3.is_gpt else words + self._positions(len(tokens))).to(self._flow)

    def blank(self, count: int) -> Tensor:
        """[count, dimensions]: what guidance leads away from, a text without its words."""
        return self._positions(count).to(self._flow)

    def speech(self, tokens: Tensor, written: Tensor) -> Tensor:
        """[n] tokens, each after so many [n] others → [n, dimensions]."""
        sounds = self._t3.speech_emb(tokens)
        return (sounds if self._t3.is_gpt else sounds + self._t3.speech_pos_emb.emb(written)).to(self._flow)

    def first(self) -> Tensor:
        """[0 or 1, dimensions]: the library feeds the start token twice, but not to Turbo."""
        device = self._t3.device
        count = 0 if self._t3.is_gpt else 1
        return self.speech(
            torch.full((count,), self.start, device=device), torch.zeros(count, dtype=torch.long, device=device)
        )

    def _positions(self, count: int) -> Tensor:
        return self._t3.text_pos_emb.emb.weight[:count]
