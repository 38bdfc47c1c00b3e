"""What a level that is still to be made will be: by the library's own rehearsal, or without it by a rule of thumb."""

from __future__ import annotations

from dataclasses import replace

from engines.contract import CannotLoad
from engines.llm.buffers import NO_LIBRARY
from engines.llm.cache import MadeFile
from engines.llm.header import Header
from engines.llm.wanted import MADE, ToMake
from ipc.errors import Problem

_BITS = {"q4": 4.9, "q8": 8.5, "q16": 16.0}
"""Of a weight, as made for each level; small models have more, because their token table counts for more."""


def planned(wish: ToMake) -> MadeFile:
    """The file as it will be: it bears its source's path, from which the library can build everything but the weights.

    Raises:
        CannotLoad: the library makes no such level of the source.
    """
    return MadeFile(wish.source.path, _header(wish), wish.entry.name, wish.source.path)


def first_words(file: MadeFile) -> str:
    """What a load of a planned file has to do before: `makes Q4_K_M first (~4.6 GiB on the disk)`."""
    mib = file.header.weight_bytes / 2**20
    size = f"{mib:.1f} MiB" if mib < 1024 else f"{mib / 1024:.1f} GiB"
    return f"makes {file.header.quantization} first (~{size} on the disk)"


def _header(wish: ToMake) -> Header:
    try:
        from engines.llm import conversion
    except NO_LIBRARY:
        return _guessed(wish)
    try:
        return conversion.planned(wish.source.path, wish.file_type)
    except conversion.Refused as error:
        raise CannotLoad(
            Problem(
                f"No file at {wish.level}",
                f"llama.cpp makes none of {wish.source.path.name}: {error}.",
                f"Put its {wish.level} file beside it, or set `quantization` to `auto`.",
            )
        ) from error


def _guessed(wish: ToMake) -> Header:
    source = wish.source.header
    ratio = _BITS[wish.level] / _BITS.get(source.level, 32.0)

    def smaller(count: int) -> int:
        return round(count * ratio)

    return replace(
        source,
        quantization=MADE[wish.level][1],
        level=wish.level,
        block_bytes=tuple(map(smaller, source.block_bytes)),
        output_bytes=smaller(source.output_bytes),
        table_bytes=smaller(source.table_bytes),
        input_bytes=smaller(source.input_bytes),
        largest_bytes=smaller(source.largest_bytes),
    )
