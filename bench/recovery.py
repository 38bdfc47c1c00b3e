"""How soon a killed engine is back: `kill -9`, again and again, under a real keeper and supervisor.

    python -m bench.recovery [--kills N] [--kind fake|llm]

What is measured, for each kill of an idle engine that was ready:

    killed    just before `os.kill(pid, SIGKILL)` here
    dead      the killed process's pidfd is readable here: the kernel has taken it down (and given its memory back)
    noticed   the supervisor's own stamp on its happening `engine-died`
    exec'd    the first update with state Starting has arrived here, over the socket. The supervisor publishes it
              after `subprocess.Popen` returned, which it does once `execve` succeeded: so an upper bound of the exec,
              by the time that an update takes to come here
    ready     the update with state Ready(new pid) has arrived here: interpreter, imports, handshake, load, self-test

    peer      before each kill this program, which has slept since the last one, starts the same interpreter by a bare
              `subprocess.Popen`: what exec costs on this machine at this moment, whoever asks for it

`noticed` and the stamps here are of one wall clock, `time.time()`. Between two kills the engine answers one request,
because only then is the next death a first one, which is restarted at once; later ones wait on purpose. Deaths that
were not restarted at once are counted, not measured. Aim on two busy cores: noticed → exec'd, p95 at most 10 ms.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import anyio

from bench.figures import percentile
from bench.room import Room, load_note, open_room
from ipc import control
from ipc.client import Client, connect_unix
from ipc.snapshot import EngineChanged, EngineRow, Happened, Snapshot, Update
from ipc.states import Ready, Starting

ENGINE = "engine"
CONFIGS = {
    "fake": f'[engine.{ENGINE}]\nkind = "fake"\npreload = true\nseconds_per_unit = 0.0\ntokens_per_unit = 1\n',
    "llm": f'[engine.{ENGINE}]\nkind = "llm"\npreload = true\nthreads = 1\nmax_tokens = 1\n',
}


@dataclass(frozen=True)
class Recovery:
    """Wall-clock seconds of one death and return."""

    killed: float
    dead: float
    noticed: float
    executed: float
    ready: float
    at_once: bool
    peer: float
    """Seconds that a bare start of a process took just before."""


async def recoveries(room: Room, kills: int) -> list[Recovery]:
    """Kill the engine so many times."""
    found = []
    async with connect_unix(room.socket) as client, client.stream(control.Watch()) as items:
        updates = _updates(items)
        pid = await _ready_pid(updates)
        for _ in range(kills):
            await _one_answer(client)
            peer = _bare_start()
            recovery, pid = await _kill(updates, pid, peer)
            found.append(recovery)
    return found


async def _kill(updates: AsyncIterator[tuple[float, Update]], old: int, peer: float) -> tuple[Recovery, int]:
    death = os.pidfd_open(old)
    dead = noticed = executed = 0.0
    at_once = False

    async def see_it_die() -> None:
        nonlocal dead
        await anyio.wait_readable(death)
        dead = time.time()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(see_it_die)
            await anyio.lowlevel.checkpoint()
            killed = time.time()
            os.kill(old, signal.SIGKILL)
            async for came, update in updates:
                match update:
                    case Happened(happening) if happening.word == "engine-died" and happening.unix > killed:
                        noticed, at_once = happening.unix, happening.text.endswith("at once")
                    case EngineChanged(EngineRow(state=Starting())) if noticed and not executed:
                        executed = came
                    case EngineChanged(EngineRow(state=Ready(pid))) if pid != old:
                        return Recovery(killed, dead, noticed, executed, came, at_once, peer), pid
    finally:
        os.close(death)
    raise SystemExit("the watch ended")


def _bare_start() -> float:
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", "pass"], start_new_session=True)
    taken = time.perf_counter() - began
    process.wait()
    return taken


async def _one_answer(client: Client) -> None:
    async with client.stream(control.Ask(ENGINE, '{"prompt": "Hello"}')) as items:
        async for _ in items:
            pass


async def _updates(items: AsyncIterator[control.Item]) -> AsyncIterator[tuple[float, Update]]:
    """Each update with the moment of its arrival."""
    async for item in items:
        if isinstance(item, control.UpdateItem):
            yield time.time(), item.update


async def _ready_pid(updates: AsyncIterator[tuple[float, Update]]) -> int:
    async for _, update in updates:
        rows = (
            update.engines
            if isinstance(update, Snapshot)
            else (update.row,)
            if isinstance(update, EngineChanged)
            else ()
        )
        for row in rows:
            if isinstance(row.state, Ready):
                return row.state.pid
    raise SystemExit("the watch ended")


def show(kind: str, found: list[Recovery]) -> None:
    """One line an interval."""
    first = [one for one in found if one.at_once]
    for what, taken in (
        ("killed → dead", [one.dead - one.killed for one in first]),
        ("killed → noticed", [one.noticed - one.killed for one in first]),
        ("noticed → exec'd", [one.executed - one.noticed for one in first]),
        ("killed → exec'd", [one.executed - one.killed for one in first]),
        ("exec'd → ready", [one.ready - one.executed for one in first]),
        ("killed → ready", [one.ready - one.killed for one in first]),
        ("peer: bare exec", [one.peer for one in first]),
    ):
        cells = (percentile(taken, 50), percentile(taken, 95), percentile(taken, 99), max(taken, default=float("nan")))
        print(f"{kind:6} {what:18} {len(first):6} " + " ".join(f"{seconds * 1e3:9.2f}" for seconds in cells))
    if len(first) < len(found):
        print(f"{kind:6} {len(found) - len(first)} of {len(found)} deaths were not restarted at once: not measured")


def main() -> None:
    """Kill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--kind", choices=(*CONFIGS, "all"), default="all")
    options = parser.parse_args()
    print(load_note())
    print(f"{'kind':6} {'interval':18} {'kills':>6} {'p50 ms':>9} {'p95 ms':>9} {'p99 ms':>9} {'max ms':>9}")
    for kind in CONFIGS if options.kind == "all" else (options.kind,):
        with open_room(CONFIGS[kind]) as room:
            show(kind, anyio.run(recoveries, room, options.kills))
    print(load_note())


if __name__ == "__main__":
    main()
