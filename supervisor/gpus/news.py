"""What happened to the GPUs between two looks at them, each with its sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from ipc.snapshot import GpuReading, Severity

News: TypeAlias = tuple[Severity, str, str, str]
"""Severity, about, word and text of a happening."""


def news(before: Iterable[GpuReading], now: Iterable[GpuReading]) -> Iterator[News]:
    """GPUs that fell silent or came back; one that was never seen well is told of, too."""
    silent_before = {reading.index for reading in before if reading.stale}
    for reading in now:
        about = f"gpu {reading.index}"
        if reading.stale and reading.index not in silent_before:
            text = f"GPU {reading.index}{_named(reading)} gives no readings. {reading.problem}"
            yield "error", about, "gpu-lost", text
        elif not reading.stale and reading.index in silent_before:
            yield "info", about, "gpu-back", f"GPU {reading.index}{_named(reading)} answers again."


def _named(reading: GpuReading) -> str:
    return f" ({reading.name})" if reading.name else ""
