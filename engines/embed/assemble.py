"""From results to one file of vectors: `.parquet` with ids, or NumPy's `.npy` with the ids in a file beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from engines.contract import CannotAssemble
from engines.embed import ids, table
from engines.embed.unit import Said, lines_of, said_of
from engines.partfile import output_of
from engines.settings import EngineSettings
from ipc.errors import Problem
from ipc.work import ResultRow

_FLOAT_BYTES = 4
_HEAD_BYTES = 128
"""Of the file, before the vectors: enough for every shape, and a multiple of 64 as the format wants it."""


def assemble(part: Path, rows: Iterator[ResultRow], settings: EngineSettings, step: Callable[[], None]) -> None:
    """Write the vectors of all rows in order; the name that the output will have says in which form.

    Raises:
        CannotAssemble: a unit's vectors are not as many as its texts, pyarrow is missing, or somebody else's file is
            where the ids belong. OSError, which the desk turns into a sentence.
    """
    if output_of(part).suffix.lower() == ".parquet":
        table.write(part, map(_unit, rows))
        return
    beside = ids.Ids(part)
    with part.open("wb") as file:
        file.write(b" " * _HEAD_BYTES)
        count, dimensions = _vectors(file, map(_unit, rows), beside)
        file.seek(0)
        file.write(head(count, dimensions))
    beside.place()


def head(count: int, dimensions: int) -> bytes:
    """Of a .npy file of version 1.0 that holds float32 [count, dimensions]
    (`NumPy's format <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>`_)."""
    told = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {dimensions}), }}"
    length = _HEAD_BYTES - 10
    return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + told.ljust(length - 1).encode() + b"\n"


def _vectors(file: BinaryIO, units: Iterator[table.Unit], beside: ids.Ids) -> tuple[int, int]:
    count = dimensions = 0
    for one in units:
        if dimensions not in (0, one.dimensions):
            raise table.mixed(dimensions, one.dimensions)
        dimensions = one.dimensions
        file.write(one.vectors)
        beside.add(one.names)
        count += len(one.names)
    return count, dimensions


def _unit(row: ResultRow) -> table.Unit:
    said: Said = said_of(row.result)
    names = tuple("" if line.id is None else str(line.id) for line in lines_of(row.payload))
    vectors = Path(row.file).read_bytes()
    if len(vectors) != len(names) * said.dimensions * _FLOAT_BYTES:
        raise CannotAssemble(
            Problem(
                "Result damaged",
                f"Unit {row.index} has {len(names)} texts and {len(vectors):,} bytes of vectors.",
                f"`engineroom job redo JOB '#{row.index}'` makes it again.",
            ),
            retry=False,
        )
    return table.Unit(names, vectors, said.dimensions)
