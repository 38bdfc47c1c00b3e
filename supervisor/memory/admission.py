"""Answers engines that ask for room: appraises, decides, lets victims leave, and only then says yes.

Runs on the loop. An ask ends in `RoomGiven` or `RoomRefused`, unless the engine gives it up first. Work that was
refused asks again every second; so nobody queues here but those whose room is being cleared.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

import anyio

from engines.appraisal import Appraisal
from ipc.errors import Problem
from supervisor.board import Board
from supervisor.machine import effects, events
from supervisor.machine.events import Event
from supervisor.machine.record import By, Choice, Settings
from supervisor.memory import books
from supervisor.memory.ask import Refusal
from supervisor.memory.claims import Claim
from supervisor.memory.decide import Grant
from supervisor.memory.evictions import Evictions
from supervisor.memory.house import House, ghosts
from supervisor.memory.judge import Judge
from supervisor.memory.lessons import Lessons
from supervisor.memory.returns import Returns
from supervisor.memory.victims import Wait
from supervisor.memory.wording import needed, size
from supervisor.slot import Slot

LOOK_AGAIN_SECONDS: Final = 0.1
DRIVER_SECONDS: Final = 10.0
"""How long the driver may take to answer at first, before engines are placed without it."""
TURN_SECONDS: Final = 2.0
"""How long later asks wait for the appraisal of an earlier one."""
LEAVE_SECONDS: Final = 60.0
"""How long an ask waits for engines that make room for it."""


@dataclass
class _Asking:
    slot: Slot
    number: int
    settings: Settings
    by: By
    since: float
    appraisal: Appraisal | None = None
    leaving: tuple[str, ...] = ()
    """Engines that were told to go for it; its claim is in the books already, so that nobody takes what they leave."""
    said: bool = False
    """That it waits for another's load."""
    until: float = math.inf
    """When it is decided anew, whether they are gone or not."""


class Admission:
    """Implements `supervisor.runner.Rooms`; `run` beside the rest."""

    def __init__(
        self,
        house: House,
        judge: Judge,
        evictions: Evictions,
        returns: Returns,
        lessons: Lessons,
        board: Board,
        post: Callable[[Slot, Event], None],
    ) -> None:
        self._house = house
        self._judge = judge
        self._evictions = evictions
        self._returns = returns
        self._lessons = lessons
        self._board = board
        self._post = post
        self._asking: dict[str, _Asking] = {}
        self._new: deque[_Asking] = deque()
        self._squeezed: dict[str, Claim] = {}
        """Engines that stepped down and have not been given room since, with what did not suffice."""
        self._closed = False
        self._wake = anyio.Event()
        self._patient_until = time.monotonic() + DRIVER_SECONDS

    async def run(self) -> None:
        """Answer, until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                # Which environment one starts in, and so what its library can use, depends on the GPUs that are here.
                while self._new and self._driver_answered():
                    tasks.start_soon(self._appraise, self._new.popleft())
                for asking in self._in_turn():
                    self._decide(asking)
                self._wake = anyio.Event()
                with anyio.move_on_after(LOOK_AGAIN_SECONDS if self._asking else math.inf):
                    await self._wake.wait()

    def _in_turn(self) -> list[_Asking]:
        """First come, first served: nobody goes before one that is still being appraised, unless that takes long."""
        due = time.monotonic() - TURN_SECONDS
        return list(takewhile(lambda asking: asking.appraisal is not None or asking.since < due, self._asking.values()))

    # ── what the runner tells ─────────────────────────────────────────────────────────────────────────────

    def ask(self, slot: Slot, wish: effects.AskRoom) -> None:
        """The engine wants to load."""
        asking = self._asking[slot.name] = _Asking(slot, wish.number, wish.settings, wish.by, time.monotonic())
        self._new.append(asking)
        self._wake.set()

    def give_up(self, slot: Slot, *, unsuited: bool) -> None:
        """The engine has no use any more for what it asked for or was given."""
        self._asking.pop(slot.name, None)
        claim, slot.claim, slot.blocked_by = slot.claim, None, ()
        self._lessons.end(slot)
        self._house.left(slot.name)
        if unsuited and claim is not None:
            slot.unsuited |= dict.fromkeys(claim.uuids, "its library has no code for it (no kernel image)")
        if claim is not None:
            self._returns.begin(slot, claim)
        self._wake.set()

    def exited(self, slot: Slot) -> None:
        """Its process is gone: readings from before say too much."""
        self._house.left(slot.name)
        self._wake.set()

    def renamed(self, names: Mapping[str, str]) -> None:
        """Processes changed places: what is known of one under its former name is known under its new one."""
        for former in names:
            self._asking.pop(former, None)
            self._squeezed.pop(former, None)
        for slot in self._house.engines():
            if slot.claim is not None:
                slot.claim = replace(slot.claim, engine=slot.name)
        self._house.renamed(names)
        self._lessons.renamed(names)

    def close(self) -> None:
        """The supervisor ends: nobody is given anything any more."""
        self._closed = True

    def loaded(self, slot: Slot, seconds: float) -> None:
        """A model is loaded: what it takes is learned as soon as it was measured."""
        self._lessons.begin(slot, seconds)

    def stepped_down(self, slot: Slot, step: effects.StepDown) -> None:
        """Settings ran out of memory: remembered for this model and GPU."""
        if slot.claim is not None:
            self._lessons.ran_out(slot, host=step.host)
            self._squeezed[slot.name] = slot.claim

    # ── deciding ──────────────────────────────────────────────────────────────────────────────────────────

    async def _appraise(self, asking: _Asking) -> None:
        asking.appraisal = await self._judge.appraise(asking.slot, asking.settings)
        self._wake.set()

    def _decide(self, asking: _Asking) -> None:
        slot = asking.slot
        if self._closed or self._asking.get(slot.name) is not asking or asking.appraisal is None:
            return
        if self._is_waiting(asking) or not self._settled() or slot.other is not None:
            return  # an other process of it takes its memory along, once it has gone
        asking.leaving = ()
        self._name_strangers(slot)
        verdict, _ = self._judge.decide(slot, asking.settings, asking.appraisal, by_work=asking.by == "work")
        if not isinstance(verdict, Grant) and self._house.lately_left(time.monotonic()):
            return
        match verdict:
            case Grant(_, ()):
                if not (first := self._must_wait(slot, verdict)):
                    self._give(asking, verdict)
                elif not asking.said:
                    asking.said = True
                    text = f"{slot.name} waits until {first} is loaded: there, process ids are hidden from us"
                    self._board.happen("info", slot.engine, "engine-held", text)
            case Grant(claim, victims):
                slot.claim = claim
                asking.leaving, asking.until = victims, time.monotonic() + LEAVE_SECONDS
                why = f"{slot.name} needs {_amount(verdict)} ({claim.placement.words})"
                self._evictions.evict(victims, why, slot.name)
            case Wait(reason, help_, engines):
                slot.blocked_by = engines
                self._refuse(asking, Problem("No room now", reason, help_))
            case Refusal(title, reason, help_):
                slot.blocked_by = ()
                self._refuse(asking, Problem(title, reason, help_))

    def _name_strangers(self, slot: Slot) -> None:
        """After memory did not suffice: who else was on those GPUs, by readings that are newer than that."""
        claim = self._squeezed.pop(slot.name, None)
        strangers = [
            f"{one.name or 'pid'}({one.pid}) {size(one.used_bytes)} on GPU {gpu.index}"
            for gpu in (self._house.gpus_of(claim, time.monotonic()) if claim else ())
            for one in gpu.processes
            if not one.engine and one.used_bytes and one.pid not in self._house.last_pids(slot.name, gpu.uuid)
        ]
        if strangers:
            text = f"{slot.name} would have more room if these were closed: {', '.join(strangers)}"
            self._board.happen("info", slot.engine, "memory-strangers", text)

    def _is_waiting(self, asking: _Asking) -> bool:
        """Whether those who were told to go for it are on their way."""
        if not asking.leaving or time.monotonic() >= asking.until:
            return False
        return not (self._evictions.gone(asking.leaving) or self._evictions.stays(asking.leaving))

    def _driver_answered(self) -> bool:
        """Whether it is known which GPUs are here, or nobody waits for that any more."""
        return self._house.fleet.settled() or time.monotonic() > self._patient_until

    def _settled(self) -> bool:
        """Whether readings are newer than the last that left, and what that held is back, or had its time."""
        now = time.monotonic()
        if not self._house.fleet.settled():
            return self._driver_answered()
        return not self._returns.any_pending() and self._house.is_fresh(now)

    def _must_wait(self, slot: Slot, grant: Grant) -> str:
        """Whose load must end first: where process ids are hidden, nothing would tell the two apart."""
        readings = self._house.readings(time.monotonic())
        gone = ghosts(readings)
        hidden = [one for one in readings if books.is_hidden(one, gone) and grant.claim.touches(one)]
        for other in self._house.engines():
            loading = other.record.life.ready_at is None and other.name not in self._asking
            if loading and other is not slot and other.claim and any(other.claim.touches(one) for one in hidden):
                return other.name
        return ""

    def _give(self, asking: _Asking, grant: Grant) -> None:
        slot, claim, now = asking.slot, grant.claim, time.monotonic()
        del self._asking[slot.name]
        slot.claim, slot.blocked_by = claim, ()
        self._returns.forget(slot)
        self._house.before_load(claim, now)
        slot.gpus = tuple(one.index for one in self._house.gpus_of(claim, now))
        elsewhere = slot.bound is not None and set(slot.bound) != set(claim.uuids)
        amount, chosen = _amount(grant), f", as {claim.words}" if claim.words else ""
        text = f"{slot.name} goes to {claim.placement.words}{amount and f': {amount}'}{chosen}"
        self._board.happen("info", slot.engine, "engine-placed", text)
        self._post(slot, events.RoomGiven(now, asking.number, Choice(claim.chosen, grant.rungs), elsewhere))

    def _refuse(self, asking: _Asking, problem: Problem) -> None:
        del self._asking[asking.slot.name]
        asking.slot.claim = None
        self._post(asking.slot, events.RoomRefused(time.monotonic(), asking.number, problem))


def _amount(grant: Grant) -> str:
    """What it takes of GPUs, or of the host's memory where it is on none; empty for nothing."""
    whole = grant.claim.whole_bytes
    return needed(whole, estimated=grant.claim.placement.estimated) if whole else ""
