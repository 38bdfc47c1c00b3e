"""The arrays that the library reads a batch from: our own memory, filled in place, so that a token makes no objects."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import llama_cpp as lib


@dataclass(frozen=True)
class Stretch:
    """Tokens to compute next for one sequence, from `position` on; `sample` when its last one will be sampled."""

    sequence: int
    position: int
    tokens: list[int]
    sample: bool


class Batch:
    """Room for `capacity` tokens; `raw` is what `llama_decode` takes."""

    def __init__(self, capacity: int) -> None:
        # Any: the types know no assignment of a list of numbers to a slice.
        self._tokens: Any = (lib.llama_token * capacity)()
        self._positions: Any = (lib.llama_pos * capacity)()
        self._sequences: Any = (lib.llama_seq_id * capacity)()
        self._wanted: Any = (ctypes.c_int8 * capacity)()
        self._counts = (ctypes.c_int32 * capacity)(*repeat(1, capacity))
        pointer, size = ctypes.POINTER(lib.llama_seq_id), ctypes.sizeof(lib.llama_seq_id)
        start = ctypes.addressof(self._sequences)
        # Each token names its sequences by a pointer; these never change, what they point to does.
        self._places = (pointer * capacity)(*(ctypes.cast(start + size * at, pointer) for at in range(capacity)))
        self.raw = lib.llama_batch(
            n_tokens=0,
            token=self._tokens,
            embd=None,
            pos=self._positions,
            n_seq_id=self._counts,
            seq_id=self._places,
            logits=self._wanted,
        )

    def lay(self, stretches: Sequence[Stretch]) -> list[int]:
        """Fill it with these; returns where each stretch that asked for it will be sampled, in their order."""
        outputs, at = [], 0
        for stretch in stretches:
            count = len(stretch.tokens)
            end = at + count
            self._tokens[at:end] = stretch.tokens
            self._positions[at:end] = [*range(stretch.position, stretch.position + count)]
            self._sequences[at:end] = [stretch.sequence] * count
            self._wanted[at:end] = [0] * count
            if stretch.sample:
                self._wanted[end - 1] = 1
                outputs.append(end - 1)
            at = end
        self.raw.n_tokens = at
        return outputs

    def advance(self, tokens: list[int], positions: list[int]) -> None:
        """The same sequences as in the last `lay`, where each had one token that was sampled."""
        self._tokens[: len(tokens)] = tokens
        self._positions[: len(positions)] = positions
