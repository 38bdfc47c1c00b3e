"""The ledger as it stands: readings, claims and what was noticed, turned into books for clients and rooms for policies.

Holds what outlives a second (pressure, heat, what did not come back, alarms) and decides nothing.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace as changed
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import psutil

from config.house import HeatSettings, MemorySettings
from ipc.snapshot import Alarm, Applies, GpuBook, GpuReading, HostReading, Ledger, Pressure
from ipc.states import Cold, Ready, pid_of
from supervisor.gpus.fleet import Fleet
from supervisor.memory import books
from supervisor.memory.books import Facts, Withheld
from supervisor.memory.claims import Claim
from supervisor.memory.decide import Grant, Rooms, Verdict
from supervisor.memory.fleet import HOST, GpuRoom, HostRoom, Resident
from supervisor.memory.heat import Heat
from supervisor.memory.pressure import Thresholds
from supervisor.memory.returning import Held, held_by
from supervisor.memory.room import Room
from supervisor.memory.tiers import Tier, tier_of
from supervisor.memory.told import Holders, told_ledger, told_readings
from supervisor.slot import Slot

V = TypeVar("V")
RELOAD_GUESS_SECONDS: Final = 10.0
"""What a load may take that was never measured."""
_MOMENT_SECONDS: Final = 0.02
_LATELY_SECONDS: Final = 1.0
_BELIEVED: Final = 0.25
"""Of a claim: a difference that is smaller is other processes' wavering."""


class House:
    """Mutated by the admission and the housekeeping only, on the loop."""

    def __init__(
        self,
        slots: Mapping[str, Slot],
        fleet: Fleet,
        memory: MemorySettings,
        heat: HeatSettings,
        host: Callable[[], HostReading],
    ) -> None:
        self.slots = slots
        self.fleet = fleet
        self.memory = memory
        self.heat_rule = heat
        self._host = host
        self.pressure: dict[str, Pressure] = {}
        self.heat: dict[str, Heat] = {}
        self.holds: dict[str, str] = {}
        self.withheld: dict[str, Withheld] = {}
        self.by_difference: dict[tuple[str, str], int] = {}
        self.alarms: tuple[Alarm, ...] = ()
        self._held: dict[tuple[str, str], Held] = {}
        """By engine and UUID, as last seen."""
        self._used_before: dict[tuple[str, str], int] = {}
        """What was in use by nobody named when an engine's load was decided."""
        self.threads = _threads()
        self.leaving: set[str] = set()
        """Engines that were told to go and have not left yet."""
        self._left_unix = 0.0
        self._left_until = self._lately_until = 0.0
        self._readings: tuple[GpuReading, ...] = ()
        self._ours: dict[int, str] = {}
        self._read_at = -math.inf

    @property
    def thresholds(self) -> Thresholds:
        """Where pressure begins."""
        return Thresholds(self.memory.medium, self.memory.high, self.memory.critical)

    def engines(self) -> tuple[Slot, ...]:
        """Every engine, in the order of the configuration."""
        return tuple(slot for slot in self.slots.values() if not slot.is_desk)

    def readings(self, monotonic: float) -> tuple[GpuReading, ...]:
        """Every GPU's latest, with our engines' names on their processes; the same for all who look in one moment."""
        ours = {slot.child.pid: slot.name for slot in self.slots.values() if slot.child is not None}
        if monotonic - self._read_at > _MOMENT_SECONDS or ours != self._ours:
            self._readings = self.fleet.readings(ours, monotonic)
            self._ours, self._read_at = ours, monotonic
        return self._readings

    def left(self, engine: str) -> None:
        """Its process or its model is gone: what was read before says too much, for a moment."""
        self.leaving.discard(engine)
        self._left_unix, now = time.time(), time.monotonic()
        self._left_until, self._lately_until = now + self.memory.return_limit, now + _LATELY_SECONDS
        self.fleet.hurry(self._left_until)

    def lately_left(self, monotonic: float) -> bool:
        """Whether an engine left a moment ago: what it held may not be free yet, of the host's memory as well."""
        return monotonic < self._lately_until

    def is_fresh(self, monotonic: float) -> bool:
        """Whether every GPU that answers was read since the last engine left, or has had the time to."""
        if monotonic >= self._left_until:
            return True
        return all(one.stale or one.unix > self._left_unix for one in self.readings(monotonic))

    def last_pids(self, engine: str, uuid: str) -> frozenset[int]:
        """The engine's processes there, when last seen."""
        held = self._held.get((engine, uuid))
        return held.pids if held is not None else frozenset()

    def take_held(self, engine: str, uuid: str) -> Held:
        """What the engine held there when last seen; asked for once, when it is to come back."""
        return self._held.pop((engine, uuid), Held(0, frozenset(), 0))

    def gpus_of(self, claim: Claim, monotonic: float) -> tuple[GpuReading, ...]:
        """The GPUs that a claim is on, whole or in part; none for the CPU."""
        return tuple(one for one in self.readings(monotonic) if claim.touches(one))

    def measured(self, claim: Claim, monotonic: float) -> dict[str, int]:
        """Bytes that its engine holds on each of its GPUs now; also where only the difference tells."""
        found = {one.uuid: books.measured(one).get(claim.engine) for one in self.gpus_of(claim, monotonic)}
        return {
            uuid: self.by_difference.get((claim.engine, uuid), 0) if count is None else count
            for uuid, count in found.items()
        }

    def before_load(self, claim: Claim, monotonic: float) -> None:
        """Remember what is in use on its GPUs by nobody seen: what comes on top during the load is the engine's."""
        for one in self.gpus_of(claim, monotonic):
            self._used_before[claim.engine, one.uuid] = books.strange(one, ghosts((one,)))
            self.by_difference.pop((claim.engine, one.uuid), None)

    def renamed(self, names: Mapping[str, str]) -> None:
        """Processes changed places: what one of them holds, or held, goes along with it."""
        self.by_difference = _renamed(self.by_difference, names)
        self._held = _renamed(self._held, names)
        self._used_before = _renamed(self._used_before, names)
        self.leaving -= names.keys()
        self._read_at = -math.inf

    def look(self, readings: tuple[GpuReading, ...], monotonic: float) -> None:
        """Once a second: who holds what, for when it is to come back and for whom it cannot be seen."""
        for slot in self.engines():
            if slot.claim is None:
                continue
            for one in readings:
                if slot.claim.touches(one) and not one.stale:
                    self._held[slot.name, one.uuid] = held_by(slot.name, one)
                    self._note_difference(slot, one, monotonic)

    def _note_difference(self, slot: Slot, reading: GpuReading, monotonic: float) -> None:
        key, ready_at = (slot.name, reading.uuid), slot.record.life.ready_at
        if slot.claim is None or ready_at is None or slot.name in books.measured(reading):
            self.by_difference.pop(key, None)
        elif key not in self.by_difference and monotonic - (time.time() - reading.unix) > ready_at:
            now = books.strange(reading, ghosts((reading,)))
            grown = now - self._used_before.get(key, now)
            self.by_difference[key] = grown if grown > slot.claim.bytes_on(reading) * _BELIEVED else 0

    def indexes(self, uuids: tuple[str, ...], monotonic: float) -> tuple[int, ...]:
        """The indexes of these GPUs, or of those that have these MIG devices."""
        return tuple(one.index for one in self.readings(monotonic) if {one.uuid, *one.mig} & set(uuids))

    def facts(self, monotonic: float) -> Facts:
        """What the books are made from now."""
        gpus = self.readings(monotonic)
        return Facts(
            gpus=gpus,
            host=_with_memory_now(self._host()),
            claims={slot.name: slot.claim for slot in self.engines() if slot.claim is not None},
            # Read at the same moment as the host's memory: what is in both must not count twice.
            rss={slot.name: rss for slot in self.engines() if slot.reading and (rss := slot.reading.rss_bytes())},
            reserve_bytes=self.memory.reserve,
            host_reserve_bytes=self.memory.host_reserve,
            threads=self.threads,
            pressure=self.pressure,
            holds=self.holds,
            withheld=self.withheld,
            by_difference=self.by_difference,
            limits={one.uuid: self.residents_limit(one) for one in gpus},
        )

    def ledger(self, monotonic: float) -> Ledger:
        """As clients see it."""
        facts = self.facts(monotonic)
        gpus = tuple(books.gpu_book(facts, one) for one in facts.gpus)
        return told_ledger(Ledger(gpus, books.host_book(facts), self.alarms), self._holders())

    def told(self, readings: tuple[GpuReading, ...]) -> tuple[GpuReading, ...]:
        """Readings as clients see them."""
        return told_readings(readings, self._holders())

    def _holders(self) -> Holders:
        return {slot.name: (slot.engine, slot.role) for slot in self.slots.values() if slot.is_hidden}

    def rooms(self, engine: str, monotonic: float, wanted: frozenset[str], beside: str = "") -> Rooms:
        """For a decision about `engine`; `wanted` are the engines that units wait for.

        `beside` is the engine whose place it takes: that keeps its memory meanwhile, and shares its threads.
        """
        facts = self.facts(monotonic)
        facts = changed(facts, claims={name: claim for name, claim in facts.claims.items() if name != engine})
        threads = {name: claim.threads for name, claim in facts.claims.items() if name != beside and claim.threads}
        book_of = {one.uuid: books.gpu_book(facts, one) for one in facts.gpus}
        host = books.host_book(facts)
        own_rss = facts.rss.get(engine, 0)
        return Rooms(
            tuple(
                self._without(engine, books.room_of(book_of[one.uuid], one), book_of[one.uuid]) for one in facts.gpus
            ),
            HostRoom(host.total_bytes, host.free_bytes + own_rss, host.pressure),
            tuple(
                self._resident(slot, book_of, facts, monotonic, wanted)
                for slot in self.engines()
                if slot.name != engine and (slot.claim is not None or pid_of(slot.record.state) is not None)
            ),
            threads_free=self.threads - 1 - sum(threads.values()),
            thresholds=self.thresholds,
            threads_fair=(self.threads - 1) // (1 + len(threads)),
        )

    def room(self, slot: Slot, verdict: Verdict, applies: Applies, monotonic: float) -> Room:
        """What a verdict about this engine means in bytes."""
        rooms = self.rooms(slot.name, monotonic, frozenset())
        on_gpus = verdict.claim.uuids if isinstance(verdict, Grant) else ()
        free = [gpu.free_bytes for gpu in rooms.gpus if gpu.uuid in on_gpus]
        own = slot.claim
        if own is None:
            held = 0
        elif own.uuids:
            measured = sum(self.measured(own, monotonic).values())
            held = max(measured, sum(one.bytes for one in own.placement.slices))
        else:
            held = max(slot.rss_bytes or 0, own.placement.ram_bytes)
        victims = verdict.victims if isinstance(verdict, Grant) else ()
        leaving = {
            one.engine: sum(count for uuid, count in one.held.items() if (uuid != HOST) == bool(on_gpus))
            for one in rooms.residents
            if one.engine in victims
        }
        whole = sum(free) if on_gpus else rooms.host.free_bytes
        same_side = own is not None and bool(own.uuids) == bool(on_gpus)
        left = None if not on_gpus and rooms.gpus else whole - (held if same_side else 0)
        gpus = tuple(gpu.index for gpu in rooms.gpus if gpu.uuid in on_gpus)
        return Room(verdict, applies, held, gpus, left, own, leaving)

    def _without(self, engine: str, room: GpuRoom, book: GpuBook) -> GpuRoom:
        """As if the engine held nothing there: what it asks for takes the place of that."""
        own = next((share for share in book.shares if share.engine == engine), None)
        back = self.by_difference.get((engine, room.uuid), 0) if own is None else own.measured_bytes or 0
        resident = own is not None or back > 0
        return changed(
            room,
            free_bytes=room.free_bytes + back,
            residents=max(0, room.residents - 1) if resident else room.residents,
        )

    def tier(self, total_bytes: int | None) -> Tier | None:
        """What a GPU of that size suggests; None where the size is unknown."""
        return None if total_bytes is None else tier_of(total_bytes)

    def residents_limit(self, reading: GpuReading) -> int:
        """How many engines may have a model on it."""
        tier = self.tier(reading.memory_total_bytes)
        return self.memory.residents or (tier.residents if tier else 64)

    def _resident(
        self, slot: Slot, book_of: Mapping[str, GpuBook], facts: Facts, monotonic: float, wanted: frozenset[str]
    ) -> Resident:
        state, life, settings = slot.record.state, slot.record.life, slot.effective
        held = {
            uuid: max(share.measured_bytes or 0, share.claimed_bytes)
            for uuid, book in book_of.items()
            for share in book.shares
            if share.engine == slot.name
        }
        ram = max(facts.rss.get(slot.name, 0), slot.claim.placement.ram_bytes if slot.claim else 0)
        resting = isinstance(state, Ready) and not life.flights
        parked = isinstance(state, Cold) and slot.claim is None
        leaving = slot.name in self.leaving
        resident = Resident(
            engine=slot.name,
            held={**held, HOST: ram},
            busy=leaving or not (resting or parked),
            wanted=slot.name in wanted,
            pinned=settings.pinned,
            priority=settings.priority,
            idle_seconds=monotonic - (life.idle_since if resting else life.moved),
            resident_seconds=monotonic - life.ready_at if life.ready_at is not None else settings.min_residency,
            min_residency=settings.min_residency,
            reload_seconds=0.01 if parked else slot.load_seconds or RELOAD_GUESS_SECONDS,
        )
        return _yielding(resident, leaving=leaving) if slot.record.role == "heir" else resident


def _yielding(one: Resident, *, leaving: bool) -> Resident:
    """An heir goes before anybody else: its engine works on without it."""
    return changed(one, busy=leaving, pinned=False, idle_seconds=math.inf, min_residency=0.0, reload_seconds=0.01)


def _renamed(known: Mapping[tuple[str, str], V], names: Mapping[str, str]) -> dict[tuple[str, str], V]:
    """What is known by engine and UUID, under the new names; of an earlier bearer of one of them nothing is left."""
    stays = {key: value for key, value in known.items() if key[0] in names or key[0] not in names.values()}
    return {(names.get(name, name), uuid): value for (name, uuid), value in stays.items()}


def _with_memory_now(host: HostReading) -> HostReading:
    """The host as read within the last second, its memory as it is at this moment."""
    memory = psutil.virtual_memory()
    return msgspec.structs.replace(host, ram_used_bytes=memory.total - memory.available)


def ghosts(readings: Iterable[GpuReading]) -> frozenset[int]:
    """Process ids on GPUs that nothing here has: ended and not given back, or of another container."""
    strange = {process.pid for one in readings for process in one.processes if not process.engine}
    return frozenset(pid for pid in strange if not Path(f"/proc/{pid}").exists())


def _threads() -> int:
    """CPU threads worth giving out: one a physical core that we may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, psutil.cpu_count(logical=False) or usable))
