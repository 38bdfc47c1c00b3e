"""Does a second engine help one job? The wall time of a job on two engines of its kind against one.

    python -m bench.share [--units N] [--unit-seconds S] [--rounds N]

One job for any engine of its kind, each round in a room with one engine and in one with two, in turn; wall time from
the submission until the job is over. Once with no engine up, so that the job itself has to wake them, and once with
all of them ready before. How many engines really flew is told: a ratio near 1 with one engine at work is no mystery.
Aim: at most 0.6.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import anyio

from bench.room import Room, load_note, open_room
from ipc import control
from ipc.client import connect_unix, expect
from ipc.snapshot import FINISHED, EngineChanged, EngineRow, JobChanged, JobRow, Snapshot
from ipc.states import Ready

AIM = 0.6


@dataclass(frozen=True)
class Run:
    """One job: its wall time in seconds, and the engines that had a flight."""

    seconds: float
    flew: frozenset[str]


def config(engines: int, unit_seconds: float, *, up: bool) -> str:
    """A room's configuration."""
    return "".join(
        f'[engine.fake{number}]\nkind = "fake"\npreload = {str(up).lower()}\nseconds_per_unit = {unit_seconds}\n'
        for number in range(engines)
    )


async def run_job(room: Room, source: Path, engines: int, *, up: bool) -> Run:
    """Submit it once the engines are as they should be, and wait for its end."""
    async with connect_unix(room.socket) as client:
        if up:
            for number in range(engines):
                await client.ask(control.Start(f"fake{number}"))
        async with client.stream(control.Watch()) as items:
            wish = control.Submit("fake", "", (str(source),), str(room.work / "answers.jsonl"), "")
            began = time.perf_counter()
            await client.ask(wish)
            flew: set[str] = set()
            async for item in items:
                jobs, rows = _rows(expect(item, control.UpdateItem).update)
                flew.update(row.name for row in rows if isinstance(row.state, Ready) and row.state.units)
                if any(job.state in FINISHED for job in jobs):
                    return Run(time.perf_counter() - began, frozenset(flew))
    raise SystemExit("the watch ended")


def _rows(update: object) -> tuple[tuple[JobRow, ...], tuple[EngineRow, ...]]:
    match update:
        case Snapshot():
            return update.jobs, update.engines
        case JobChanged(job):
            return (job,), ()
        case EngineChanged(engine):
            return (), (engine,)
        case _:
            return (), ()


def one(engines: int, units: int, unit_seconds: float, *, up: bool) -> Run:
    """A room, a job, its end."""
    with open_room(config(engines, unit_seconds, up=up)) as room:
        source = room.work / "prompts.jsonl"
        source.write_text("".join(f'{{"prompt": "number {number}"}}\n' for number in range(units)))

        async def run() -> Run:
            return await run_job(room, source, engines, up=up)

        return anyio.run(run)


def main() -> None:
    """Measure in turn, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.share")
    parser.add_argument("--units", type=int, default=200)
    parser.add_argument("--unit-seconds", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    print(load_note())
    print("| engines before | one engine, s | two engines, s | of two flew | ratio |")
    print("|---|---:|---:|---:|---:|")
    for up in (False, True):
        pairs = [
            tuple(one(engines, told.units, told.unit_seconds, up=up) for engines in (1, 2)) for _ in range(told.rounds)
        ]
        alone, both = (statistics.median(pair[which].seconds for pair in pairs) for which in (0, 1))
        ratio = statistics.median(pair[1].seconds / pair[0].seconds for pair in pairs)
        flew = min(len(pair[1].flew) for pair in pairs)
        verdict = "" if ratio <= AIM else f" (aim: {AIM})"
        print(f"| {'ready' if up else 'not up'} | {alone:.2f} | {both:.2f} | {flew} | **{ratio:.2f}**{verdict} |")
    print(load_note())


if __name__ == "__main__":
    main()
