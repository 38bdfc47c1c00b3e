"""A fleet on a simulated box, in a process of its own: the library is found by LD_LIBRARY_PATH as a process starts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ipc.snapshot import GpuFleet, GpuReading
from simulator.run import environment
from simulator.scenario import publish

ROOT = Path(__file__).parents[2]
GIB = 2**30
LINE = """
import sys, time
import msgspec
from supervisor.gpus.fleet import Fleet
from supervisor.gpus.sampler import Pace

engines = msgspec.json.decode(sys.argv[1], type=dict[int, str])
fleet = Fleet(Pace(seconds=0.1, slow_every=2, look_again_seconds=0.2, lead_seconds=0.0))
fleet.start()
for _ in sys.stdin:
    print(msgspec.json.encode((fleet.about(), fleet.readings(engines, time.monotonic()))).decode(), flush=True)
"""

CARD: dict[str, Any] = {
    "name": "NVIDIA H100 80GB HBM3",
    "capability": "9.0",
    "uuid": "GPU-0",
    "memory_total": "80 GiB",
    "memory_reserved": "1 GiB",
    "memory_other": "20 GiB",
    "utilisation": 94,
    "memory_utilisation": 41,
    "temperature": 67,
    "memory_temperature": 71,
    "slowdown": 92,
    "power": 512.5,
    "power_limit": 700,
    "sm_clock": 1830,
    "memory_clock": 2619,
    "fan": 33,
    "pcie_tx": 5e8,
    "pcie_rx": 2e9,
    "ecc_uncorrected": 2,
    "display_active": 0,
    "persistence": 1,
}


def card(index: int = 0, **more: Any) -> dict[str, Any]:
    """A GPU with every value; None in `more` takes one away."""
    merged = {**CARD, "uuid": f"GPU-{index}", **more}
    return {key: value for key, value in merged.items() if value is not None}


@dataclass
class Box:
    """The fleet's process, and the scenario it sees."""

    lines: Path
    process: subprocess.Popen[str]

    def show(self, *cards: Mapping[str, Any], **box: Any) -> None:
        """From now on the box is like this."""
        publish({"gpu": [dict(one) for one in cards], **box}, self.lines)

    def look(self) -> tuple[GpuFleet, tuple[GpuReading, ...]]:
        """What the loop would see now."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return msgspec.json.decode(self.process.stdout.readline(), type=tuple[GpuFleet, tuple[GpuReading, ...]])

    def wait_for(self, good: Callable[[GpuFleet, tuple[GpuReading, ...]], bool]) -> tuple[GpuReading, ...]:
        """The readings, as soon as they are as wished."""
        deadline = time.monotonic() + 15
        while not good(*(seen := self.look())):
            assert time.monotonic() < deadline, seen
            time.sleep(0.02)
        return seen[1]

    def settled(self) -> tuple[GpuReading, ...]:
        """The readings once every GPU has told quick and slow values twice."""
        # The driver is told of once every GPU was found.
        return self.wait_for(lambda fleet, gpus: not fleet.problem and all(one.sm_clock_mhz for one in gpus))


@contextmanager
def open_box(
    place: Path, *cards: Mapping[str, Any], engines: Mapping[int, str] | None = None, **box: Any
) -> Iterator[Box]:
    """A box with these cards; `engines` are the names of ours by pid."""
    lines = place / "scenario"
    publish({"gpu": [dict(one) for one in cards], **box}, lines)
    command = [sys.executable, "-c", LINE, msgspec.json.encode(engines or {}).decode()]
    with started(command, environment(lines)) as process:
        yield Box(lines, process)


@contextmanager
def started(command: list[str], environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process with pipes, killed at the end."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environ)
    with process:
        try:
            yield process
        finally:
            process.kill()


def bare_environ() -> dict[str, str]:
    """The environment without any driver that a simulated box would bring."""
    return {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
