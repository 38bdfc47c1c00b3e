"""The library's own watch over the alignment of speech and text (multilingual), fed without hooks on the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

_SHORTEST: Final = 6
"""Below that many tokens the library's analyzer fails on an empty slice once the text is said."""


def watched_heads() -> tuple[tuple[int, int], ...]:
    """Layer and head of each."""
    from chatterbox.models.t3.inference.alignment_stream_analyzer import LLAMA_ALIGNED_HEADS

    return tuple(LLAMA_ALIGNED_HEADS)


class Watch:
    """Of one chunk: text lies at positions `begin` to `end` of its row."""

    def __init__(self, begin: int, end: int, stop: int) -> None:
        self._end = end
        self._analyzer = _analyzer_class()(None, None, (begin, end), eos_idx=stop)
        self._able = end - begin >= _SHORTEST
        self.first: list[Tensor] = []
        """Of each head, what the first start token saw [positions]; its second one comes with the first step."""

    def step(self, logits: Tensor, looks: list[Tensor], last: int) -> Tensor:
        """Logits [tokens] as the analyzer wants them, after what the newest token saw in each head [positions]."""
        if not self._able:
            return logits
        if self.first:
            # At first the library hands over all rows of the prompt; those before its end are not looked at.
            above = looks[0].new_zeros(self._end, len(looks[0]))
            seen = [
                torch.cat((above, F.pad(first, (0, 1))[None], look[None]))
                for first, look in zip(self.first, looks, strict=True)
            ]
            self.first = []
        else:
            seen = [look[None] for look in looks]
        self._analyzer.last_aligned_attns = seen
        return self._analyzer.step(logits[None], next_token=last)[0]


def look(q: Tensor, keys: Tensor) -> Tensor:
    """What a query [width] sees of keys [positions, width]: [positions] on the CPU."""
    return (keys.to(q.dtype) @ (q * len(q) ** -0.5)).float().softmax(-1).cpu()


def _analyzer_class() -> Callable[..., Any]:
    from chatterbox.models.t3.inference.alignment_stream_analyzer import AlignmentStreamAnalyzer

    class Unhooked(AlignmentStreamAnalyzer):  # type: ignore[misc]  # of a library without types
        def _add_attention_spy(self, *_: object) -> None:
            """The model is left alone."""

    return Unhooked
