"""What a model's files say about it: who it is, how it is built, and how many bytes each of its parts takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

from engines.appraisal import Level
from engines.llm import gguf
from engines.llm.gguf import Contents, Tensor, Value
from engines.llm.levels import FILE_TYPES, level_of

_BLOCK = re.compile(r"blk\.(\d+)\.")


@dataclass(frozen=True)
class Header:
    """One model, its shards added up. Numbers that it does not tell are 0."""

    architecture: str
    name: str
    """`general.name`, or empty."""
    quantization: str | None
    """Such as `Q4_K_M`; None where the file does not tell."""
    level: Level
    trained_context: int
    """Tokens the model was trained to see at once."""
    embedding: int
    feed_forward: int
    """Width of the widest feed-forward network; of experts, those used for one token together."""
    vocabulary: int
    heads: int
    """The most heads of attention that a block has."""
    cached_keys: tuple[int, ...]
    """Numbers that one token leaves in the cache as keys, by block."""
    cached_values: tuple[int, ...]
    """The same for values."""
    block_bytes: tuple[int, ...]
    output_bytes: int
    """What the output layer has of its own."""
    table_bytes: int
    """The token table."""
    tied: bool
    """The output layer uses the token table, too, and a GPU that holds the layer gets a copy of it."""
    input_bytes: int
    """The token table, and all else that belongs to no block: always in the host's memory."""
    largest_bytes: int
    """The largest single tensor of a block."""

    @property
    def pieces(self) -> int:
        """What may lie on a GPU: the blocks, and the output layer after them."""
        return len(self.block_bytes) + 1

    @property
    def cached(self) -> tuple[int, ...]:
        """Keys and values together, by block."""
        return tuple(map(sum, zip(self.cached_keys, self.cached_values, strict=True)))

    @property
    def weight_bytes(self) -> int:
        """All tensors together, as in the files."""
        return sum(self.block_bytes) + self.output_bytes + self.input_bytes


def read(path: Path) -> Header:
    """Reads and checks every shard's header, and no tensor.

    Raises:
        CannotLoad: as `gguf.check`.
    """
    return header_of(gguf.check(path))


def header_of(shards: Iterable[Contents]) -> Header:
    """One header from those of all shards; the first shard has the values."""
    first, *further = shards
    tensors = [*first.tensors, *(tensor for shard in further for tensor in shard.tensors)]
    facts = _Facts(first.values)
    # Each block has a tensor, so that a damaged count is not believed.
    block_bytes = [0] * min(facts.number("block_count"), len(tensors))
    output = inputs = largest = 0
    for tensor in tensors:
        block = _block(tensor)
        if block is not None and block < len(block_bytes):
            block_bytes[block] += tensor.bytes
            largest = max(largest, tensor.bytes)
        elif tensor.name.startswith("output"):
            output += tensor.bytes
        else:
            inputs += tensor.bytes
    named = {tensor.name: tensor for tensor in tensors}
    table = named.get("token_embd.weight")
    bits = 8 * sum(tensor.bytes for tensor in tensors) / max(1, sum(prod(tensor.sizes) for tensor in tensors))
    file_type = first.values.get("general.file_type")
    file_type = file_type if isinstance(file_type, int) else None
    return Header(
        architecture=facts.architecture,
        name=facts.text("general.name").strip(),
        quantization=None if file_type is None else FILE_TYPES.get(file_type),
        level=level_of(file_type, bits),
        trained_context=facts.number("context_length"),
        embedding=facts.number("embedding_length"),
        feed_forward=facts.feed_forward(),
        vocabulary=table.sizes[-1] if table is not None and table.sizes else 0,
        heads=facts.number("attention.head_count"),
        cached_keys=facts.cached("key", len(block_bytes)),
        cached_values=facts.cached("value", len(block_bytes)),
        block_bytes=tuple(block_bytes),
        output_bytes=output,
        table_bytes=0 if table is None else table.bytes,
        tied="output.weight" not in named,
        input_bytes=inputs,
        largest_bytes=largest,
    )


def _block(tensor: Tensor) -> int | None:
    match = _BLOCK.match(tensor.name)
    return int(match[1]) if match is not None else None


class _Facts:
    """The values of one architecture; a value of another type than it should be counts as missing."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values
        self.architecture = self.text("general.architecture")

    def text(self, name: str) -> str:
        value = self._values.get(name, "")
        return value if isinstance(value, str) else ""

    def numbers(self, name: str) -> tuple[int, ...]:
        """A value for all blocks is one number, others have one for each."""
        value = self._values.get(f"{self.architecture}.{name}", ())
        value = (value,) if isinstance(value, int) else value
        return tuple(max(0, int(number)) for number in value) if isinstance(value, tuple) else ()

    def number(self, name: str) -> int:
        return max(self.numbers(name), default=0)

    def feed_forward(self) -> int:
        experts = self.number("expert_feed_forward_length") * self.number("expert_used_count")
        return max(self.number("feed_forward_length"), experts)

    def cached(self, what: Literal["key", "value"], blocks: int) -> tuple[int, ...]:
        """Heads with a cache of their own, times the length of a key or a value."""
        all_heads = self.numbers("attention.head_count")
        heads = self.numbers("attention.head_count_kv") or all_heads or (0,)
        usual = self.number("embedding_length") // max((1, *all_heads))
        length = self.number(f"attention.{what}_length") or usual
        return tuple(length * heads[min(block, len(heads) - 1)] for block in range(blocks))
