"""Vectors and their ids as one Parquet table: `id` is text, `vector` a list of float32 of one length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engines.contract import CannotAssemble
from ipc.errors import Problem


class Unit(NamedTuple):
    """Some texts of a source: their ids, and their vectors as raw float32 [names, dimensions]."""

    names: tuple[str, ...]
    vectors: bytes
    dimensions: int


def write(part: Path, units: Iterator[Unit]) -> None:
    """All units in order, a group of rows each.

    Raises:
        CannotAssemble: pyarrow is missing, or vectors are of several lengths. OSError
    """
    try:
        import pyarrow as arrow  # 0.1 s and 60 MB, wanted by this form only
        from pyarrow import parquet
    except ImportError as error:
        raise CannotAssemble(
            Problem(
                "No pyarrow",
                f"A .parquet file cannot be written: {error}.",
                "Install it beside Engine Room: pip install 'engineroom[embed]'.",
            ),
            retry=True,
        ) from error
    first = next(units, None)
    dimensions = 1 if first is None else first.dimensions
    kind = arrow.list_(arrow.float32(), dimensions)
    schema = arrow.schema([("id", arrow.string()), ("vector", kind)])
    with parquet.ParquetWriter(part, schema) as writer:
        one = first
        while one is not None:
            if one.dimensions != dimensions:
                raise mixed(dimensions, one.dimensions)
            numbers = arrow.Array.from_buffers(
                arrow.float32(), len(one.names) * dimensions, [None, arrow.py_buffer(one.vectors)]
            )
            vectors = arrow.FixedSizeListArray.from_arrays(numbers, dimensions)
            writer.write_table(arrow.table([arrow.array(one.names, arrow.string()), vectors], schema=schema))
            one = next(units, None)


def mixed(one: int, other: int) -> CannotAssemble:
    """Vectors of two models cannot stand in one table."""
    return CannotAssemble(
        Problem(
            "Vectors of two models",
            f"Some have {one} numbers and others {other}.",
            "Submit the job again for one engine, and do not change its model meanwhile.",
        ),
        retry=False,
    )
