"""Once a second over the whole house: pressure, heat, holds, whether GPUs are really used, and the alarms.

What it decides comes from the pure policies beside it; what it does is to tell, to hold flights and to unload idle
engines, each with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from ipc.snapshot import Alarm, GpuReading, Pressure, Severity
from ipc.states import Backoff, Cold, Ready, Stopped
from supervisor.board import Board
from supervisor.machine import events
from supervisor.machine.events import Event
from supervisor.memory.books import measured
from supervisor.memory.claims import Claim
from supervisor.memory.evictions import Evictions
from supervisor.memory.fleet import HOST
from supervisor.memory.heat import Heat, HeatRule, heat_of
from supervisor.memory.holding import flight_hold
from supervisor.memory.house import House
from supervisor.memory.lessons import Lessons
from supervisor.memory.pressure import pressure_of
from supervisor.memory.returns import Returns
from supervisor.memory.usage import Observation, Usage
from supervisor.memory.victims import relief
from supervisor.memory.wording import size
from supervisor.slot import Slot

_WORSE: Final = ("high", "critical")


class Housekeeping:
    """`second` once a second, on the loop."""

    def __init__(
        self,
        house: House,
        evictions: Evictions,
        returns: Returns,
        lessons: Lessons,
        board: Board,
        post: Callable[[Slot, Event], None],
        wanted: Callable[[], frozenset[str]],
    ) -> None:
        self._house = house
        self._evictions = evictions
        self._returns = returns
        self._lessons = lessons
        self._board = board
        self._post = post
        self._wanted = wanted
        self._usage: dict[str, Usage] = {}
        self._since: dict[tuple[str, str], float] = {}
        """Since when there is an alarm: by what it is about and its word."""

    def second(self, monotonic: float) -> None:
        """Look, tell and act."""
        readings = self._house.readings(monotonic)
        self._house.look(readings, monotonic)
        for reading in readings:
            self._heat(reading)
        self._pressure(readings, monotonic)
        self._usage = {name: usage for name, usage in self._usage.items() if name in self._house.slots}
        for slot in self._house.engines():
            slot.hold = self._hold(slot, readings, monotonic)
            self._observe(slot, readings, monotonic)
            self._check_gpu(slot, readings, monotonic)
        self._lessons.second(monotonic)
        self._house.alarms = self._told([*self._returns.second(), *self._alarms(readings, monotonic)])

    # ── heat ──────────────────────────────────────────────────────────────────────────────────────────────

    def _heat(self, reading: GpuReading) -> None:
        rule = self._house.heat_rule
        before = self._house.heat.get(reading.uuid)
        now = heat_of(
            None if reading.stale else reading.temperature_celsius,
            reading.slowdown_celsius,
            before,
            HeatRule(rule.warn, rule.hold, rule.resume_below),
        )
        self._house.heat[reading.uuid] = now
        gpu, degrees = f"gpu {reading.index}", f"{reading.temperature_celsius or 0:.0f} °C"
        resume = f"{now.limit_celsius - rule.resume_below:.0f}"
        if now.held:
            self._house.holds[reading.uuid] = f"heat: {degrees}, resumes at {resume}"
        else:
            self._house.holds.pop(reading.uuid, None)
        if now.held and not (before and before.held):
            text = f"GPU {reading.index} is held: {degrees}, limit {now.limit_celsius:.0f}; no flight begins there"
            self._board.happen("warning", gpu, "gpu-held", text)
        elif before and before.held and not now.held:
            self._board.happen("info", gpu, "gpu-resumed", f"GPU {reading.index} has cooled to {degrees}: work goes on")
        elif now.warm and not (before and before.warm):
            self._board.happen("warning", gpu, "gpu-warm", f"GPU {reading.index} is warm: {degrees}")

    # ── pressure ──────────────────────────────────────────────────────────────────────────────────────────

    def _pressure(self, readings: tuple[GpuReading, ...], monotonic: float) -> None:
        ledger = self._house.ledger(monotonic)
        for book, reading in zip(ledger.gpus, readings, strict=True):
            if book.total_bytes and book.others_bytes is not None and not reading.stale:
                used = book.others_bytes + sum(share.measured_bytes or 0 for share in book.shares)
                reserved = reading.memory_reserved_bytes or 0
                self._level(book.uuid, f"GPU {book.index}", (used + reserved) / book.total_bytes)
                self._relieve(book.uuid, f"GPU {book.index}", book.total_bytes, monotonic)
        if ledger.host is not None:
            host = ledger.host
            used = host.others_bytes + sum(share.measured_bytes or 0 for share in host.shares)
            self._level(HOST, "the host's memory", used / host.total_bytes)
            self._relieve(HOST, "the host's memory", host.total_bytes, monotonic)

    def _level(self, uuid: str, name: str, share: float) -> None:
        before: Pressure = self._house.pressure.get(uuid, "low")
        now = pressure_of(share, before, self._house.thresholds)
        self._house.pressure[uuid] = now
        if now != before:
            severity: Severity = "warning" if now in _WORSE else "info"
            about = "supervisor" if uuid == HOST else name.lower()
            self._board.happen(severity, about, "pressure", f"{name} is {share:.0%} full: pressure {before} → {now}")

    def _relieve(self, uuid: str, name: str, total_bytes: int, monotonic: float) -> None:
        level = self._house.pressure[uuid]
        if level not in _WORSE or self._returns.pending_on(uuid):  # those who leave already may suffice
            return
        rooms = self._house.rooms("", monotonic, self._wanted())
        victims = relief(rooms.residents, uuid, total_bytes, level, self._house.thresholds)
        self._evictions.evict(victims, f"{name} is under {level} pressure")

    # ── holding flights ───────────────────────────────────────────────────────────────────────────────────

    def _hold(self, slot: Slot, readings: tuple[GpuReading, ...], monotonic: float) -> str:
        if slot.record.refusal is not None and isinstance(slot.record.state, Stopped | Cold):
            refusal = slot.record.refusal
            return f"memory: {refusal.detail} {refusal.hint}".strip()
        if slot.claim is None:
            return ""
        for one in readings:
            if not slot.claim.touches(one):
                continue
            if hot := self._house.holds.get(one.uuid):
                return f"heat: GPU {one.index} is {hot.removeprefix('heat: ')}"
            resting = isinstance(slot.record.state, Ready) and not slot.record.life.flights
            if resting and not one.stale and (why := self._too_little_left(slot, slot.claim, one, monotonic)):
                return f"memory: GPU {one.index}: {why}"
        return ""

    def _too_little_left(self, slot: Slot, claim: Claim, gpu: GpuReading, monotonic: float) -> str:
        """Why the engine's next flight would not fit on that GPU, as far as its peak was measured before."""
        peak = self._lessons.peak_bytes(slot, monotonic)
        whole = sum(one.bytes for one in claim.placement.slices)
        if peak is None or not whole:
            return ""
        return flight_hold(measured(gpu).get(slot.name), peak * claim.bytes_on(gpu) // whole, _free(gpu))

    # ── is the GPU used, is it there ──────────────────────────────────────────────────────────────────────

    def _observe(self, slot: Slot, readings: tuple[GpuReading, ...], monotonic: float) -> None:
        claim = slot.claim
        if claim is None or not isinstance(slot.record.state, Ready):
            self._usage.pop(slot.name, None)
            return
        mine = [one for one in readings if claim.touches(one) and not one.stale]
        held = [measured(one).get(slot.name, self._house.by_difference.get((slot.name, one.uuid))) for one in mine]
        busy = [one.utilisation_percent for one in mine if one.utilisation_percent is not None]
        on_gpu, whole = slot.layers or (None, None)
        asked = min(claim.placement.on_gpu, whole) if whole is not None and claim.uuids else None
        now = Observation(
            at=monotonic,
            placed_bytes_held=sum(count for count in held if count is not None)
            if any(count is not None for count in held)
            else None,
            claimed_bytes=sum(one.bytes for one in claim.placement.slices),
            layers_asked=asked,
            layers_on_gpu=on_gpu,
            gpu_utilisation=max(busy) if busy and len(busy) == len(mine) else None,
            busy=bool(slot.record.life.flights),
        )
        self._usage[slot.name] = self._usage.get(slot.name, Usage()).observed(now)

    def _check_gpu(self, slot: Slot, readings: tuple[GpuReading, ...], monotonic: float) -> None:
        """An engine that waits to start again on a GPU that is lost asks for room anew."""
        if slot.claim is None or not isinstance(slot.record.state, Backoff | Cold):
            return
        if any(one.stale for one in readings if slot.claim.touches(one)):
            self._post(slot, events.RoomLost(monotonic))

    # ── alarms ────────────────────────────────────────────────────────────────────────────────────────────

    def _alarms(self, readings: tuple[GpuReading, ...], monotonic: float) -> Iterator[Alarm]:
        now = time.time()
        for name, usage in self._usage.items():
            for word, text in usage.alarms():
                help_ = "l shows its log; is its library built for this GPU?"
                yield Alarm(self._house.slots[name].engine, word, "error", now, f"{name} {text}", help_)
        if (thrash := self._evictions.thrash(monotonic)) is not None:
            help_ = "pin one, give them different GPUs, or raise min_residency"
            yield Alarm(thrash.first, "thrash", "warning", now, thrash.text(), help_)
        for one in readings:
            level = self._house.pressure.get(one.uuid, "low")
            if level in _WORSE and not one.stale and measured(one) and not self._alone(one, level):
                most = max(one.processes, key=lambda process: process.used_bytes or 0)
                who = most.engine or f"{most.name or 'pid'}({most.pid})"
                text = f"GPU {one.index} is under {level} memory pressure: {who} holds {size(most.used_bytes or 0)}"
                yield Alarm(f"gpu {one.index}", "pressure", "warning", now, text, "d shows who holds it")
            if (hot := self._house.heat.get(one.uuid)) and (hot.warm or hot.held):
                yield _heat_alarm(one, hot, now, self._house.heat_rule.resume_below)
        if (level := self._house.pressure.get(HOST, "low")) in _WORSE:
            text = f"the host's memory is under {level} pressure"
            yield Alarm("supervisor", "pressure", "warning", now, text, "close what is not needed")

    def _alone(self, reading: GpuReading, level: Pressure) -> bool:
        """Whether one engine's own bytes make the level: a normal day."""
        mark = self._house.thresholds.begins[level] - self._house.thresholds.hysteresis
        most = max(measured(reading).values(), default=0)
        return most >= mark * (reading.memory_total_bytes or 0) > 0

    def _told(self, alarms: list[Alarm]) -> tuple[Alarm, ...]:
        """With the moment since when each has been there; new ones are told."""
        found: dict[tuple[str, str], Alarm] = {}
        for one in alarms:
            key = (one.about, one.word)
            if key not in self._since and one.word in ("not-on-gpu", "fewer-layers", "gpu-idle", "thrash"):
                self._board.happen(one.severity, one.about, one.word, one.text)
            since = self._since.setdefault(key, one.since_unix)
            found[key] = Alarm(one.about, one.word, one.severity, since, one.text, one.help)
        self._since = {key: since for key, since in self._since.items() if key in found}
        return tuple(found.values())


def _free(reading: GpuReading) -> int | None:
    if reading.memory_total_bytes is None or reading.memory_used_bytes is None:
        return None
    return reading.memory_total_bytes - reading.memory_used_bytes - (reading.memory_reserved_bytes or 0)


def _heat_alarm(reading: GpuReading, heat: Heat, unix: float, resume_below: float) -> Alarm:
    degrees = f"GPU {reading.index} is {reading.temperature_celsius or 0:.0f} °C"
    slowed = [reason for reason in reading.throttle if "thermal" in reason]
    slower = f"; it runs slower: {', '.join(slowed)}" if slowed else ""
    if heat.held:
        text = f"{degrees}: no flight begins there until {heat.limit_celsius - resume_below:.0f}{slower}"
        return Alarm(f"gpu {reading.index}", "heat", "error", unix, text, "look at its fan and its neighbours")
    text = f"{degrees}, work is held from {heat.limit_celsius:.0f} on{slower}"
    return Alarm(f"gpu {reading.index}", "heat", "warning", unix, text, "p pauses a job, d shows who works there")
