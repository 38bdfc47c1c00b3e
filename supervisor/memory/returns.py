"""After each unload: waits until the bytes are back, says so, and acts where they are not.

Back: `freed 5.4 GiB in 0.8 s`. Not back in time: an engine's own processes that still hold some are ended by pid; what
nobody of ours holds is named and withheld from new claims until it does come back.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import anyio
import psutil

from engines.bootstrap import ENGINE
from ipc.snapshot import Alarm, GpuReading
from ipc.states import Cold, Draining, Stopping
from supervisor.board import Board
from supervisor.machine import events
from supervisor.machine.events import Event
from supervisor.memory.books import Withheld
from supervisor.memory.claims import Claim
from supervisor.memory.fleet import HOST
from supervisor.memory.house import House
from supervisor.memory.returning import Held, Rest, rest_of
from supervisor.memory.wording import size
from supervisor.slot import Slot

LOOK_SECONDS: Final = 0.1


@dataclass
class _Return:
    slot: Slot
    uuid: str
    before: Held
    began: float
    began_unix: float
    until: float
    acted: bool = False
    """Its own processes were told to go, and have once more the time to."""


@dataclass
class _Missing:
    """What never came back of one unload; `rest` as last seen."""

    engine: str
    name: str
    """Of the engine's process, for a person."""
    uuid: str
    before: Held
    process_stays: bool
    since_unix: float
    rest: Rest


class Returns:
    """`run` beside the rest; the others return at once."""

    def __init__(self, house: House, board: Board, post: Callable[[Slot, Event], None]) -> None:
        self._house = house
        self._board = board
        self._post = post
        self._pending: list[_Return] = []
        self._missing: list[_Missing] = []
        self._wake = anyio.Event()

    async def run(self) -> None:
        """Look often while something is to come back, until cancelled."""
        while True:
            if not self._pending:
                self._wake = anyio.Event()
                await self._wake.wait()
            await anyio.sleep(LOOK_SECONDS)
            self._look(time.monotonic())

    def begin(self, slot: Slot, claim: Claim) -> None:
        """The engine's model, or its process, is gone."""
        now, limit = time.monotonic(), self._house.memory.return_limit
        for gpu in self._house.gpus_of(claim, now):
            before = self._house.take_held(slot.name, gpu.uuid)
            self._pending.append(_Return(slot, gpu.uuid, before, now, time.time(), now + limit))
        if claim.uuids:
            self._house.fleet.hurry(now + limit)
        self._wake.set()

    def forget(self, slot: Slot) -> None:
        """It loads again: what it held before and what it will hold cannot be told apart."""
        self._pending = [one for one in self._pending if one.slot is not slot]

    def any_pending(self) -> bool:
        """Whether something of any engine is still to come back."""
        return bool(self._pending)

    def pending(self, engine: str) -> bool:
        """Whether something of this engine is still to come back."""
        return any(one.slot.name == engine for one in self._pending)

    def pending_on(self, uuid: str) -> bool:
        """Whether something is still to come back there, or about to: an engine there is on its way out."""
        going = [slot for slot in self._house.engines() if isinstance(slot.record.state, Draining | Stopping)]
        if uuid == HOST and going:
            return True
        claims = [slot.claim for slot in going if slot.claim is not None]
        leaving = any(uuid == gpu.uuid for claim in claims for gpu in self._house.gpus_of(claim, time.monotonic()))
        return leaving or any(one.uuid == uuid for one in self._pending)

    def second(self) -> tuple[Alarm, ...]:
        """Once a second: what is withheld, anew; the alarms about it."""
        readings = {one.uuid: one for one in self._house.readings(time.monotonic())}
        for one in self._missing:
            reading = readings.get(one.uuid)
            if reading is not None and not reading.stale:
                one.rest = rest_of(one.before, reading, process_stays=one.process_stays)
            if not one.rest.bytes:
                text = f"what {one.name} had left on {_name(readings, one.uuid)} came back"
                self._board.happen("info", one.engine, "memory-came-back", text)
        self._missing = [one for one in self._missing if one.rest.bytes]
        withheld: dict[str, Withheld] = {}
        for one in self._missing:
            known = withheld.get(one.uuid, Withheld(0, ""))
            why = f"did not come back {time.strftime('%H:%M', time.localtime(one.since_unix))}"
            pids = known.pids | one.rest.by_pids.keys()
            withheld[one.uuid] = Withheld(known.bytes + one.rest.bytes, why, pids)
        self._house.withheld = withheld
        return tuple(_alarm(one, _name(readings, one.uuid)) for one in self._missing)

    def _look(self, now: float) -> None:
        readings = {one.uuid: one for one in self._house.readings(now)}
        for one in list(self._pending):
            reading = readings.get(one.uuid)
            fresh = reading is not None and not reading.stale and reading.unix > one.began_unix
            if reading is not None and fresh:
                rest = rest_of(one.before, reading, process_stays=_stays(one.slot))
                if not rest.bytes:
                    self._pending.remove(one)
                    self._came_back(one, reading, now)
                elif now >= one.until:
                    self._act(one, rest, reading, now)
            elif now >= one.until:
                self._pending.remove(one)  # a card that is silent tells nothing, and its return is news of its own

    def _came_back(self, one: _Return, reading: GpuReading, now: float) -> None:
        kept = sum(process.used_bytes or 0 for process in reading.processes if process.pid in one.before.pids)
        freed = one.before.bytes - kept
        if freed > 0:
            stays = f"; its process keeps {size(kept)}" if kept else ""
            text = f"{one.slot.name} freed {size(freed)} on GPU {reading.index} in {now - one.began:.1f} s{stays}"
            self._board.happen("info", one.slot.engine, "memory-freed", text)

    def _act(self, one: _Return, rest: Rest, reading: GpuReading, now: float) -> None:
        reborn = one.slot.child is not None and not _stays(one.slot)
        ours = [] if reborn else [pid for pid in rest.by_pids if belongs_to(pid, one.slot.engine)]
        if one.acted or not ours:
            self._pending.remove(one)
            missing = _Missing(
                one.slot.engine, one.slot.name, one.uuid, one.before, _stays(one.slot), one.began_unix, rest
            )
            self._missing.append(missing)
            self._board.happen("error", one.slot.engine, "memory-leaked", _alarm(missing, _gpu(reading)).text)
            return
        one.acted, one.until = True, now + self._house.memory.return_limit
        self._house.fleet.hurry(one.until)
        text = f"{one.slot.name} still holds {size(rest.bytes)} on GPU {reading.index} after its unload"
        if _stays(one.slot):
            self._board.happen("warning", one.slot.engine, "memory-kept", f"{text}: its process is ended")
            self._post(one.slot, events.WantStopped(now, "evicted"))
        else:
            self._board.happen("warning", one.slot.engine, "memory-kept", f"{text}: killed {', '.join(map(str, ours))}")
            for pid in ours:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)


def belongs_to(pid: int, engine: str) -> bool:
    """Whether that process still is, or descends from, the engine: its pid may have passed to somebody else."""
    try:
        return psutil.Process(pid).environ().get(ENGINE) == engine
    except (psutil.Error, OSError):
        return False


def _stays(slot: Slot) -> bool:
    """Whether the process lives on without its model."""
    return isinstance(slot.record.state, Cold)


def _alarm(one: _Missing, gpu: str) -> Alarm:
    rest = one.rest
    held = [f"pid {pid} ({size(count)})" for pid, count in rest.by_pids.items()]
    if rest.unaccounted_bytes:
        held.append(f"nobody that can be seen ({size(rest.unaccounted_bytes)})")
    text = f"{size(rest.bytes)} on {gpu} did not come back after {one.name} was unloaded: held by {', '.join(held)}"
    help_ = "end that process" if rest.by_pids else "the driver gives it back at the latest when the GPU is reset"
    return Alarm(one.engine, "leak", "error", one.since_unix, text, help_)


def _gpu(reading: GpuReading) -> str:
    return f"GPU {reading.index}"


def _name(readings: Mapping[str, GpuReading], uuid: str) -> str:
    reading = readings.get(uuid)
    return uuid if reading is None else _gpu(reading)
