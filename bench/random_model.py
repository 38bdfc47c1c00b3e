"""A language model of random weights: writes nonsense without end, and takes as long for it as a real one its size."""

from __future__ import annotations

import itertools
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy

from engines.llm.miniature.export import SPECIAL, Header, Vocabulary, write_gguf

Matrix: TypeAlias = numpy.ndarray[Any, Any]

TOKENS = 4096
_SPACE = "Ġ"
"""How a byte-level vocabulary writes a blank."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a network."""

    width: int
    layers: int
    heads: int
    cache_heads: int
    forward: int


USUAL = Shape(512, 8, 8, 4, 1536)
"""27 million parameters: a token takes milliseconds, as in a real model."""
NANO = Shape(64, 2, 2, 2, 128)
"""A token takes next to nothing, so that what is around it can be seen."""


def write_random_model(path: Path, shape: Shape = USUAL) -> int:
    """Write it as a GGUF file; returns how many parameters it has."""
    vocabulary = _vocabulary()
    weights = _weights(vocabulary, shape)
    write_gguf(path, Header("random", shape.heads, shape.cache_heads, chat_template=None), vocabulary, weights)
    return sum(weight.size for weight in weights.values())


def _vocabulary() -> Vocabulary:
    """All bytes, then pairs of letters, then words of three, each after a blank."""
    letters = string.ascii_lowercase
    pairs = [(first, second) for first in (_SPACE, *letters) for second in letters]
    triples = [(first + second, third) for (first, second), third in itertools.product(pairs, letters)]
    merges = (pairs + triples)[: TOKENS - len(SPECIAL) - 256]
    return Vocabulary(
        [*SPECIAL, *_byte_characters(), *(first + second for first, second in merges)],
        [f"{first} {second}" for first, second in merges],
    )


def _byte_characters() -> list[str]:
    """The character that stands for each byte in a byte-level vocabulary: itself where it can be printed."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = itertools.count(256)
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def _weights(vocabulary: Vocabulary, shape: Shape) -> dict[str, Matrix]:
    width, forward = shape.width, shape.forward
    source = numpy.random.default_rng(0)

    def matrix(rows: int, columns: int) -> Matrix:
        values: Matrix = source.standard_normal((rows, columns), dtype=numpy.float32)
        values *= columns**-0.5
        return values

    words = {_SPACE, *string.ascii_lowercase}
    table = matrix(len(vocabulary.tokens), width)
    for number, token in enumerate(vocabulary.tokens):
        if token in SPECIAL or not set(token) <= words:
            table[number] = 0  # the output shares this table, and greedily a score of 0 never wins
    weights = {"token_embd.weight": table, "output_norm.weight": numpy.ones(width, numpy.float32)}
    cache = width // shape.heads * shape.cache_heads
    shapes = {
        "attn_q": (width, width), "attn_k": (cache, width), "attn_v": (cache, width), "attn_output": (width, width),
        "ffn_gate": (forward, width), "ffn_up": (forward, width), "ffn_down": (width, forward),
    }  # fmt: skip
    for layer in range(shape.layers):
        for name in ("attn_norm", "ffn_norm"):
            weights[f"blk.{layer}.{name}.weight"] = numpy.ones(width, numpy.float32)
        for name, size in shapes.items():
            weights[f"blk.{layer}.{name}.weight"] = matrix(*size)
    return weights
