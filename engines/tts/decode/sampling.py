"""How tokens are drawn from logits, for many chunks at once, each with its own parameters and its own chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from engines.tts.decode.chunk import Sampling

if TYPE_CHECKING:
    from torch import Tensor

BROKEN = -1
"""Drawn where logits are no numbers."""
_AHEAD = 256


class Chance:
    """Numbers in [0, 1), one for each token of a chunk: they follow from its seed alone, on any device."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._ready: list[float] = []

    def next(self) -> float:
        if not self._ready:
            self._ready = torch.rand(_AHEAD, generator=self._generator).tolist()[::-1]
        return self._ready.pop()


class Sampler:
    """For chunks that stay the same for a while; `used` [n, tokens] is true where a chunk has written a token.

    The orders are the library's: penalty, temperature, min_p, top_p in `T3.inference`; temperature, top_k, top_p,
    penalty in `T3.inference_turbo`. Tokens of `never` are not drawn (the library may draw them, and fails later).
    """

    def __init__(
        self, samplings: Sequence[Sampling], used: Tensor, never: Sequence[int], *, penalty_last: bool
    ) -> None:
        self.used = used
        self._never = torch.tensor(never, dtype=torch.long, device=used.device)
        self._penalty_last = penalty_last

        def column(values: Sequence[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float32, device=used.device)[:, None]

        temperatures = [one.temperature for one in samplings]
        self._temperature = column([each or 1.0 for each in temperatures])
        self._likeliest = column(temperatures)[:, 0] == 0
        # What is likeliest stays so whatever else is left out, unless it is penalized after that.
        self._all_likeliest = not any(temperatures) and not penalty_last
        drawn = [one for one in samplings if one.temperature or penalty_last]
        self._penalty = _unless(column([one.repetition_penalty for one in samplings]), 1.0)
        self._min_p = column([one.min_p for one in samplings]) if any(one.min_p for one in drawn) else None
        self._top_p = column([one.top_p for one in samplings]) if any(one.top_p < 1 for one in drawn) else None
        self._top_k = [one.top_k for one in samplings] if any(one.top_k for one in drawn) else None

    def draw(self, logits: Tensor, chances: Sequence[float]) -> Tensor:
        """[n, tokens] → [n], BROKEN where logits are no numbers; what is drawn counts as used."""
        whole = logits.amax(-1).isfinite()
        logits = logits.index_fill(1, self._never, -math.inf)
        if not self._penalty_last:
            logits = self._penalized(logits)
        drawn = logits.argmax(-1) if self._all_likeliest else self._drawn(logits, chances)
        self.used.scatter_(1, drawn[:, None], value=True)
        return torch.where(whole, drawn, BROKEN)

    def _drawn(self, logits: Tensor, chances: Sequence[float]) -> Tensor:
        warm = logits / self._temperature
        if self._top_k is not None:
            warm = _top_k(warm, self._top_k)
        if self._min_p is not None:
            shares = warm.softmax(-1)
            warm = warm.masked_fill(shares < self._min_p * shares.amax(-1, keepdim=True), -math.inf)
        if self._top_p is not None:
            warm = _top_p(warm, self._top_p)
        if self._penalty_last:
            warm = self._penalized(warm)
        # In 64 bits, so that the sum does not depend on how a device adds up.
        sums = warm.softmax(-1, dtype=torch.float64).cumsum(-1)
        at = torch.tensor(chances, dtype=torch.float64, device=sums.device)[:, None] * sums[:, -1:]
        # NaN compares with nothing: the index may then be one past the end.
        drawn = torch.searchsorted(sums, at, right=True)[:, 0].clamp_(max=sums.shape[1] - 1)
        return torch.where(self._likeliest, warm.argmax(-1), drawn)

    def _penalized(self, logits: Tensor) -> Tensor:
        if self._penalty is None:
            return logits
        penalized = torch.where(logits < 0, logits * self._penalty, logits / self._penalty)
        return torch.where(self.used, penalized, logits)


def _unless(column: Tensor, value: float) -> Tensor | None:
    return None if bool((column == value).all()) else column


def _top_k(logits: Tensor, counts: Sequence[int]) -> Tensor:
    """Those as likely as the k-th are kept too; k of 0 keeps all."""
    size = logits.shape[-1]
    counts = [min(count or size, size) for count in counts]
    best = logits.topk(max(counts), -1).values
    least = best.gather(1, torch.tensor(counts, device=logits.device)[:, None] - 1)
    return logits.masked_fill(logits < least, -math.inf)


def _top_p(logits: Tensor, top_p: Tensor) -> Tensor:
    """The likeliest is always kept."""
    ordered, index = logits.sort(-1)
    out = ordered.softmax(-1).cumsum(-1) <= 1 - top_p
    out[:, -1] = False
    return logits.masked_fill(torch.zeros_like(out).scatter(1, index, out), -math.inf)
