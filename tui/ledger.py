"""What the ledger says of one GPU, engine, share or hold, found and worked out for drawing. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from ipc.snapshot import Alarm, GpuBook, GpuReading, Ledger, Share
from tui import measures

TOLD_BYTES = (1 << 30) // 20
"""Less than this rounds to 0.0 GiB, and is not told."""


class Extent(NamedTuple):
    """Bytes in use, and of how many; None where unknown."""

    used: int | None
    total: int | None


def book_of(ledger: Ledger, reading: GpuReading) -> GpuBook | None:
    """The GPU's book; None from a supervisor that keeps none."""
    fitting = (book for book in ledger.gpus if book.index == reading.index and book.uuid == reading.uuid)
    return next(fitting, None)


def alarms_about(ledger: Ledger, about: str) -> list[Alarm]:
    """The alarms about an engine, or about the host as `supervisor`."""
    return [alarm for alarm in ledger.alarms if alarm.about == about]


def alarms_of_gpu(ledger: Ledger, index: int) -> list[Alarm]:
    """The alarms about a GPU, and those about an engine that name it."""
    name = re.compile(rf"\bGPU {index}\b")
    return [alarm for alarm in ledger.alarms if alarm.about == f"gpu {index}" or name.search(alarm.text)]


def extent(reading: GpuReading, book: GpuBook | None) -> Extent:
    """As the card tells; a board without memory of its own has the host's, and only the ledger tells that."""
    if reading.memory_total_bytes is not None or book is None or book.others_bytes is None:
        return Extent(reading.memory_used_bytes, reading.memory_total_bytes)
    return Extent(book.others_bytes + sum(share.measured_bytes or 0 for share in book.shares), book.total_bytes)


def held_words(ledger: Ledger, engine: str) -> str:
    """What an engine holds where, such as `30.4 G on GPU 0`; empty where it is on none, or no card tells."""
    found = []
    for book in ledger.gpus:
        shares = [share for share in book.shares if share.engine == engine and share.measured_bytes]
        if shares:
            mark = "~" if any(share.by_difference for share in shares) else ""
            size = measures.size(sum(share.measured_bytes or 0 for share in shares))
            found.append(f"{mark}{size} on GPU {book.index}")
    return " and ".join(found)


def awaited(share: Share) -> int:
    """Bytes that are claimed and not yet held; 0 where that is too little to be told."""
    missing = share.claimed_bytes - (share.measured_bytes or 0)
    return missing if missing >= TOLD_BYTES else 0


def hold_cause(hold: str) -> str:
    """`heat` of `heat: 92 °C, resumes at 82`."""
    return hold.partition(":")[0]


def hold_sentence(hold: str) -> str:
    """`92 °C, resumes at 82` of `heat: 92 °C, resumes at 82`; the whole where it has only one part."""
    return hold.partition(":")[2].strip() or hold
