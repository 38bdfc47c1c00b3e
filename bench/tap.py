"""An engine's process that also writes down when each of its flights began and ended.

`tapped_python` makes a program that may stand in for the interpreter in an engine's `python` setting: it runs what it
is told to, with each flight stamped. The stamps cost some microseconds a flight.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

from engines.flight import AirborneFlight
from engines.worker import Worker
from ipc.work import Fly, UnitOrder


@dataclass(frozen=True)
class Stamp:
    """One flight of one unit; wall-clock seconds, and seconds from its begin to its first token."""

    begun: float
    landed: float
    ttft: float


def tapped_python(program: Path, stamps: Path) -> Path:
    """Write the program; its engine appends to the file `stamps`."""
    program.write_text(f"#!{sys.executable} -P\nfrom bench.tap import run\nrun({str(stamps)!r})\n")
    program.chmod(0o755)
    return program


def read_stamps(path: Path) -> list[Stamp]:
    """What was written so far, in order."""
    return [Stamp(*map(float, line.split())) for line in path.read_text().splitlines()]


def run(stamps: str) -> None:
    """Be the interpreter that was asked for `-P -m MODULE ARGUMENTS…`."""
    descriptor = os.open(stamps, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    at = sys.argv.index("-m") + 1
    module = sys.argv[at]
    sys.argv = sys.argv[at:]
    with patch("engines.engine_role.AirborneFlight", partial(StampedFlight, descriptor)):
        runpy.run_module(module, run_name="__main__", alter_sys=True)


class StampedFlight(AirborneFlight):
    """A flight that writes its stamp once it has landed."""

    def __init__(self, descriptor: int, message: Fly, worker: Worker) -> None:
        super().__init__(message, worker)
        self._descriptor = descriptor
        self._stamp = Stamp(0.0, 0.0, 0.0)

    def claim(self) -> bool:
        self._stamp = replace(self._stamp, begun=time.time())
        return super().claim()

    def done(
        self,
        order: UnitOrder,
        result: str,
        *,
        tokens: int,
        seconds: float,
        ttft_seconds: float | None,
        audio_seconds: float | None = None,
        confidence: float | None = None,
        data: bytes | None = None,
    ) -> None:
        self._stamp = replace(self._stamp, ttft=ttft_seconds or 0.0)
        super().done(
            order,
            result,
            tokens=tokens,
            seconds=seconds,
            ttft_seconds=ttft_seconds,
            audio_seconds=audio_seconds,
            confidence=confidence,
            data=data,
        )

    def land(self) -> None:
        landed = replace(self._stamp, landed=time.time())
        super().land()
        os.write(self._descriptor, f"{landed.begun!r} {landed.landed!r} {landed.ttft!r}\n".encode())
