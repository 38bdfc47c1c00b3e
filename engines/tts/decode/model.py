"""T3 with our layout: embeddings, layers, cache and head, for as many rows as there are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import torch

from engines.tts.decode.backbone import Backbone, Gpt2, Llama
from engines.tts.decode.cache import BLOCK, BlockCache, Cache, Place, Shape, WholeCache, reaches
from engines.tts.decode.inputs import Inputs
from engines.tts.decode.limits import longest_speech, longest_text
from engines.tts.decode.linear import pack
from engines.tts.decode.numerics import Numerics, Precision, numerics
from engines.tts.decode.prefill import Segment, prefill
from engines.tts.decode.rows import next_power_of_two

if TYPE_CHECKING:
    from torch import Tensor

_COMPILED_BLOCK: Final = 256
_MOST_CONDITIONING: Final = 1024
_MOST_SHAPES: Final = 256
"""Shapes that a process may compile the step for; torch gives up after 8."""


class Model:
    """`compiled` rounds shapes up: rows to powers of two, positions to 256; what compiles runs within `compiling`."""

    def __init__(
        self,
        t3: Any,
        precision: Precision,
        *,
        compiled: bool,
        take: bool,
        compiling: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.device = t3.device
        self._numbers = numbers = numerics(precision, t3.device)
        self.inputs = Inputs(t3, numbers.flow)
        self._backbone = _backbone(t3, numbers, plain=compiled, take=take)
        # Of all tokens only those up to the stop are ever wanted; in 8 bits their likelihoods would blur.
        exact = Numerics(numbers.flow, numbers.kept, int8=False)
        upto = slice(self.inputs.stop + 1)
        bias = None if t3.speech_head.bias is None else t3.speech_head.bias.detach()[upto]
        self._head = pack(t3.speech_head.weight.detach()[upto], bias, exact, plain=compiled)
        shape = Shape(self._backbone.layers, self._backbone.heads, self._backbone.width, numbers.kept, t3.device)
        self.cache: Cache = WholeCache(shape) if compiled or t3.device.type != "cpu" else BlockCache(shape)
        self._compiled = _compiled(self._logits, t3.device) if compiled else None
        self._compiling = compiling
        self._met: set[tuple[int, int, int, int]] = set()
        """Shapes that were compiled: of the rows, of the positions, and of the cache."""

    def rows(self, count: int) -> int:
        """Rows that are computed for so many."""
        return count if self._compiled is None else next_power_of_two(count)

    def reserve(self, rows: int, length: int) -> None:
        """Have room for so many rows and positions.

        Raises:
            torch.OutOfMemoryError: nothing was lost.
        """
        had = self.cache.size()
        self.cache.reserve(self.rows(rows), self._up(length))
        if self._compiled is not None and self.cache.size() != had and self.device.type == "cuda":
            for kept in self.cache.tensors():
                # CUDA graphs refuse to write into what may lie elsewhere the next time.
                torch._dynamo.mark_static_address(kept)

    def roomy(self, rows: int, length: int) -> bool:
        """Whether it has more than twice the room for so many."""
        had_rows, had_length = self.cache.size()
        return had_rows * had_length > 2 * self.rows(rows) * self._up(length)

    def prefill(self, segments: Sequence[Segment]) -> None:
        """Write the keys and values of what goes before the first token of speech."""
        prefill(self._backbone, self.cache, segments, self._numbers.kept)

    def logits(
        self,
        tokens: Tensor,
        written: Tensor,
        lengths: Tensor,
        filled: Sequence[int],
        queries: dict[int, Tensor] | None = None,
    ) -> Tensor:
        """After one token of each row, in 32 bits [rows, tokens]; `lengths` and `filled` are the positions before it.

        `queries` gets those of the layers that are its keys, [rows, heads, width].
        """
        longest = self._up(max(filled) + 1)
        if self._compiled is None or queries is not None:
            return self._logits(tokens, written, lengths, longest, reaches(filled, longest), queries)
        shape = (len(tokens), longest, *self.cache.size())
        with nullcontext() if shape in self._met else self._compiling():
            logits: Tensor = self._compiled(tokens, written, lengths, longest)
        self._met.add(shape)
        return logits

    def _logits(
        self,
        tokens: Tensor,
        written: Tensor,
        lengths: Tensor,
        longest: int,
        reach: Sequence[int] | None = None,
        queries: dict[int, Tensor] | None = None,
    ) -> Tensor:
        place = Place(lengths, longest, reach)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            if queries is not None and layer in queries:
                queries[layer] = q
            return self.cache.attend(layer, q, k, v, place)

        inputs = self.inputs.speech(tokens, written)
        return self._head(self._backbone(inputs, self._backbone.place(lengths), attend)).float()

    def _up(self, length: int) -> int:
        block = BLOCK if self._compiled is None else _COMPILED_BLOCK
        return math.ceil(length / block) * block


def _backbone(t3: Any, numbers: Numerics, *, plain: bool, take: bool) -> Backbone:
    if t3.is_gpt:
        return Gpt2(t3.tfmr, numbers, plain=plain, take=take)
    longest = longest_text(t3) + longest_speech(t3) + _MOST_CONDITIONING
    return Llama(t3.tfmr, numbers, longest=longest, plain=plain, take=take)


def _compiled(step: Callable[..., Tensor], device: torch.device) -> Callable[..., Any]:
    import torch._dynamo

    torch._dynamo.config.recompile_limit = max(_MOST_SHAPES, torch._dynamo.config.recompile_limit)
    mode = "reduce-overhead" if device.type == "cuda" else None
    compiled: Callable[..., Any] = torch.compile(step, dynamic=False, mode=mode)
    return compiled
