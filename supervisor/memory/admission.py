"""Answers engines that ask for room: appraises, decides, lets victims leave, and only then says yes.

Runs on the loop. An ask ends in `RoomGiven` or `RoomRefused`, unless the engine gives it up first. Work that was
refused asks again every second; so nobody queues here but those whose room is being cleared.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import anyio

from engines.appraisal import Appraisal, Need, Option
from engines.settings import as_dict, with_changes
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Applies, Build, Scalar
from ipc.states import Loading, Starting
from supervisor.board import Board
from supervisor.machine import effects, events
from supervisor.machine.events import Event
from supervisor.machine.record import BeReady, By, Settings
from supervisor.memory import books
from supervisor.memory.appraising import Appraiser
from supervisor.memory.ask import Refusal
from supervisor.memory.claims import widened
from supervisor.memory.decide import Case, Grant, Verdict, decide, key_of
from supervisor.memory.footprints import Footprints, Key
from supervisor.memory.house import House, ghosts
from supervisor.memory.returns import Returns
from supervisor.memory.room import Room
from supervisor.memory.victims import Wait
from supervisor.memory.wording import needed, size
from supervisor.slot import Slot

LOOK_AGAIN_SECONDS: Final = 0.1
DRIVER_SECONDS: Final = 10.0
"""How long the driver may take to answer at first, before engines are placed without it."""


LEAVE_SECONDS: Final = 60.0
"""How long a change of settings waits for engines that make room for it."""
FRESH_SECONDS: Final = 2.0
"""So long after a load every reading is of the loaded model."""
BUILDS_SECONDS: Final = 20.0
"""How long all engines together may take to be appraised for `builds`."""
BUILDS_AT_ONCE: Final = 2
"""Each appraisal is a process that may bring in a model library."""
NO_ROOM_NOW: Final = "No room now"


class Post(Protocol):
    """Hands an event to the runner."""

    def __call__(self, slot: Slot, event: Event) -> None: ...


@dataclass
class _Asking:
    slot: Slot
    settings: Settings
    by: By
    appraisal: Appraisal | None = None
    leaving: frozenset[str] = field(default_factory=frozenset)
    """Engines that were told to go for it; its claim is in the books already, so that nobody takes what they leave."""
    grant: Grant | None = None


@dataclass
class _Lesson:
    """A load, or a change of settings, of which to learn what it takes."""

    fresh_at: float
    """From then on readings are of it."""
    seconds: float
    """What the load took."""
    learned: bool = False


class Admission:
    """Implements `supervisor.runner.Rooms`; `run` beside the rest."""

    def __init__(
        self,
        house: House,
        appraiser: Appraiser,
        footprints: Footprints,
        returns: Returns,
        board: Board,
        post: Post,
        wanted: Callable[[], frozenset[str]],
        on_swap: Callable[[str, str, float], None],
    ) -> None:
        """`wanted` tells which engines units wait for; `on_swap` hears who made room for whom, and seconds lost."""
        self._house = house
        self._appraiser = appraiser
        self._footprints = footprints
        self._returns = returns
        self._board = board
        self._post = post
        self._wanted = wanted
        self._on_swap = on_swap
        self._asking: dict[str, _Asking] = {}
        self._new: deque[_Asking] = deque()
        self._to_learn: dict[str, _Lesson] = {}
        """By engine with a model."""
        self._clearing: list[tuple[frozenset[str], anyio.Event]] = []
        """Engines that leave for a change of settings, and who waits for that."""
        self._wake = anyio.Event()
        self._patient_until = time.monotonic() + DRIVER_SECONDS

    async def run(self) -> None:
        """Answer, until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                while self._new:
                    tasks.start_soon(self._appraise, self._new.popleft())
                for asking in list(self._asking.values()):
                    self._decide(asking)
                for victims, cleared in self._clearing:
                    if self.gone(victims):
                        cleared.set()
                self._wake = anyio.Event()
                with anyio.move_on_after(LOOK_AGAIN_SECONDS if self._asking or self._clearing else math.inf):
                    await self._wake.wait()

    # ── what the runner tells ─────────────────────────────────────────────────────────────────────────────

    def ask(self, slot: Slot, settings: Settings, by: By) -> None:
        """The engine wants to load with these settings."""
        asking = self._asking[slot.name] = _Asking(slot, settings, by)
        self._new.append(asking)
        self._wake.set()

    def give_up(self, slot: Slot, *, unsuited: bool) -> None:
        """The engine has no use any more for what it asked for or was given."""
        self._asking.pop(slot.name, None)
        claim, slot.claim = slot.claim, None
        self._to_learn.pop(slot.name, None)
        if unsuited and claim is not None:
            slot.unsuited |= dict.fromkeys(claim.uuids, "its library has no code for it (no kernel image)")
        if claim is not None:
            self._returns.begin(slot, claim)
        self._wake.set()

    def loaded(self, slot: Slot, seconds: float) -> None:
        """A model is loaded: what it takes is learned as soon as it was measured."""
        self._to_learn[slot.name] = _Lesson(time.monotonic() + FRESH_SECONDS, seconds)

    def stepped_down(self, slot: Slot, step: effects.StepDown) -> None:
        """Settings ran out of memory: remembered for this model and GPU; the strangers there are named."""
        claim = slot.claim
        if claim is None:
            return
        if claim.option.model:
            self._footprints.note_ran_out(self._key(slot))
        gpus = self._house.gpus_of(claim, time.monotonic())
        strangers = [
            f"{one.name or 'pid'}({one.pid}) {size(one.used_bytes)} on GPU {gpu.index}"
            for gpu in gpus
            for one in gpu.processes
            if not one.engine and one.used_bytes
        ]
        if strangers:
            text = f"{slot.name} would have more room if these were closed: {', '.join(strangers)}"
            self._board.happen("info", slot.name, "memory-strangers", text)

    # ── for the housekeeping and the wishes ───────────────────────────────────────────────────────────────

    def learn(self, monotonic: float) -> None:
        """Once a second: the highest that each loaded engine was measured to hold, once readings are newer than it."""
        for slot in self._house.engines():
            claim, lesson = slot.claim, self._to_learn.get(slot.name)
            if claim is None or lesson is None or not claim.option.model or monotonic < lesson.fresh_at:
                continue
            if count := sum(self._measured(slot).values()):
                key = self._key(slot)
                if not lesson.learned:
                    lesson.learned = True
                    option = claim.option
                    self._footprints.loaded(key, option.name, option.quantization, count, lesson.seconds)
                self._footprints.measured(key, count)

    async def room_for(self, slot: Slot, changes: Mapping[str, Scalar], applies: Applies) -> Room:
        """What would be decided if the engine asked now with these changes. Nothing is done."""
        settings = {**as_dict(slot.settings), **changes}
        appraisal = await self._appraised(slot, settings)
        bound = None if applies == "process" else slot.bound
        case = self._case(slot, settings, appraisal, by_work=False, bound=bound)
        verdict = self._judged(case)
        if bound is not None and not isinstance(verdict, Grant):
            elsewhere = self._judged(replace(case, bound=None))
            if isinstance(elsewhere, Grant):
                verdict, applies = elsewhere, "process"
        return self._house.room(slot, verdict, applies, time.monotonic())

    async def make_room(self, slot: Slot, room: Room) -> Mapping[str, Scalar]:
        """Let those leave who must, and widen the engine's claim to the larger of both; what the ledger chose.

        Raises:
            RequestFailed: there is no room.
        """
        verdict = room.verdict
        if not isinstance(verdict, Grant):
            title = verdict.title if isinstance(verdict, Refusal) else NO_ROOM_NOW
            raise RequestFailed(Problem(title, verdict.reason, verdict.help))
        if verdict.victims:
            self.evict(verdict.victims, slot.name, f"{slot.name} needs its memory for new settings")
            clearing = (frozenset(verdict.victims), anyio.Event())
            self._clearing.append(clearing)
            self._wake.set()
            with anyio.move_on_after(LEAVE_SECONDS):
                await clearing[1].wait()
            self._clearing.remove(clearing)
        if room.applies != "process" and slot.claim is not None:
            slot.claim = widened(verdict.claim, slot.claim)
        return verdict.claim.chosen

    def settle(self, slot: Slot, room: Room | None, *, worked: bool) -> None:
        """The change is in force, or taken back: claim what is needed now."""
        if room is None or room.applies == "process" or slot.claim is None or not isinstance(room.verdict, Grant):
            return
        if worked:
            slot.claim = room.verdict.claim
            self.loaded(slot, slot.load_seconds or 0.0)
        elif room.before is not None:
            slot.claim = room.before

    async def forget_ladder(self, slot: Slot) -> None:
        """Forget which settings of its models ran out of memory."""
        appraisal = await self._appraised(slot, {**as_dict(slot.settings), **slot.before_steps})
        models = {option.model for option in (*appraisal.options, *appraisal.rungs)}
        forgotten = sum(self._footprints.forget_ran_out(slot.kind, model) for model in models)
        text = f"{slot.name} forgets {forgotten} settings that ran out of memory, and starts from the configured ones"
        self._board.happen("info", slot.name, "ladder-reset", text)

    async def builds(self) -> tuple[Build, ...]:
        """What each engine's build can use; engines that could not be appraised in time are left out."""
        found: dict[str, Build] = {}
        turns = anyio.Semaphore(BUILDS_AT_ONCE)

        async def look(slot: Slot) -> None:
            async with turns:
                said = await self._appraiser.appraise(slot.kind, slot.interpreter, as_dict(slot.settings))
            found[slot.name] = _build(slot, said)

        with anyio.move_on_after(BUILDS_SECONDS):
            async with anyio.create_task_group() as tasks:
                for slot in self._house.engines():
                    tasks.start_soon(look, slot)
        return tuple(found[slot.name] for slot in self._house.engines() if slot.name in found)

    def evict(self, victims: tuple[str, ...], for_whom: str, why: str) -> None:
        """Tell idle engines to go, named before they are."""
        now = time.monotonic()
        for name in victims:
            slot = self._house.slots[name]
            idle = now - slot.record.life.idle_since
            self._board.happen("info", name, "engine-evicted", f"{name} is unloaded: idle {_short(idle)}, {why}")
            self._post(slot, events.WantStopped(now, "evicted"))
            if for_whom:
                self._on_swap(name, for_whom, slot.load_seconds or 0.0)

    def gone(self, victims: frozenset[str]) -> bool:
        """Whether all of them hold nothing any more, and what they held came back or is known not to."""
        return not any(self._house.slots[name].claim is not None or self._returns.pending(name) for name in victims)

    # ── deciding ──────────────────────────────────────────────────────────────────────────────────────────

    async def _appraise(self, asking: _Asking) -> None:
        appraisal = await self._appraised(asking.slot, asking.settings)
        asking.appraisal = appraisal
        self._wake.set()

    async def _appraised(self, slot: Slot, settings: Settings) -> Appraisal:
        said = await self._appraiser.appraise(slot.kind, slot.interpreter, settings)
        return _unknown() if isinstance(said, Problem) else said

    def _case(
        self, slot: Slot, settings: Settings, appraisal: Appraisal, *, by_work: bool, bound: tuple[str, ...] | None
    ) -> Case:
        typed = with_changes(slot.settings, settings, slot.name)
        return Case(slot.name, slot.kind, typed, appraisal, by_work, bound, slot.unsuited)

    def _judged(self, case: Case) -> Verdict:
        rooms = self._house.rooms(case.engine, time.monotonic(), self._wanted())
        return decide(case, rooms, self._footprints)

    def _decide(self, asking: _Asking) -> None:
        slot = asking.slot
        if self._asking.get(slot.name) is not asking or asking.appraisal is None or not self._settled():
            return
        if asking.leaving and not self._left(asking):
            return
        bound = slot.bound if slot.child is not None else None
        case = self._case(slot, asking.settings, asking.appraisal, by_work=asking.by == "work", bound=bound)
        verdict = self._judged(case)
        if bound is not None and not isinstance(verdict, Grant):
            # Where its process is there is no room; another process may find some elsewhere.
            verdict = self._judged(replace(case, bound=None))
        match verdict:
            case Grant(_, ()):
                if not self._must_wait(slot, verdict):
                    self._give(asking, verdict)
            case Grant(claim, victims):
                slot.claim = claim
                asking.leaving = frozenset(victims)
                whole = sum(one.bytes for one in claim.placement.slices) or claim.placement.ram_bytes
                what = needed(whole, estimated=claim.placement.estimated)
                self.evict(victims, slot.name, f"{slot.name} needs {what} on {claim.placement.words}")
            case Wait(reason, help_):
                self._refuse(asking, Problem(NO_ROOM_NOW, reason, help_))
            case Refusal(title, reason, help_):
                self._refuse(asking, Problem(title, reason, help_))

    def _settled(self) -> bool:
        return self._house.fleet.settled() or time.monotonic() > self._patient_until

    def _left(self, asking: _Asking) -> bool:
        """Whether those told to go are gone, or changed their minds: then it is decided anew."""
        if self.gone(asking.leaving):
            asking.leaving = frozenset()
            return True
        stays = any(_is_wanted(self._house.slots[name]) for name in asking.leaving)
        if stays:
            asking.leaving = frozenset()
        return stays

    def _must_wait(self, slot: Slot, grant: Grant) -> bool:
        """Whether another load must end first: where process ids are hidden, nothing would tell the two apart."""
        readings = self._house.readings(time.monotonic())
        gone = ghosts(readings)
        hidden = [one for one in readings if books.is_hidden(one, gone) and grant.claim.touches(one)]
        loading = [other for other in self._house.engines() if isinstance(other.record.state, Starting | Loading)]
        return any(
            other.claim.touches(one)
            for other in loading
            if other is not slot and other.claim is not None
            for one in hidden
        )

    def _give(self, asking: _Asking, grant: Grant) -> None:
        slot, claim = asking.slot, grant.claim
        del self._asking[slot.name]
        slot.claim = claim
        self._house.before_load(claim, time.monotonic())
        slot.gpus = tuple(one.index for one in self._house.gpus_of(claim, time.monotonic()))
        elsewhere = slot.bound is not None and set(slot.bound) != set(claim.uuids)
        whole = sum(one.bytes for one in claim.placement.slices) or claim.placement.ram_bytes
        amount = f": {needed(whole, estimated=claim.placement.estimated)}" if whole else ""
        chosen = f", as {claim.words}" if claim.words else ""
        text = f"{slot.name} goes to {claim.placement.words}{amount}{chosen}"
        self._board.happen("info", slot.name, "engine-placed", text)
        self._post(slot, events.RoomGiven(time.monotonic(), claim.chosen, grant.rungs, elsewhere))

    def _refuse(self, asking: _Asking, problem: Problem) -> None:
        del self._asking[asking.slot.name]
        asking.slot.claim = None
        self._post(asking.slot, events.RoomRefused(time.monotonic(), problem))

    def _measured(self, slot: Slot) -> dict[str, int]:
        """Bytes on each GPU of its claim; the host's where it is placed on none."""
        claim = slot.claim
        if claim is None or not claim.uuids:
            return {"": slot.rss_bytes or 0}
        return self._house.measured(claim, time.monotonic())

    def _key(self, slot: Slot) -> Key:
        assert slot.claim is not None
        models = [one.name for one in self._house.gpus_of(slot.claim, time.monotonic())]
        return key_of(slot.kind, slot.claim, models)


def _is_wanted(slot: Slot) -> bool:
    """Whether somebody wants it ready again, though it was told to go."""
    return isinstance(slot.record.goal, BeReady)


def _short(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _build(slot: Slot, said: Appraisal | Problem) -> Build:
    if isinstance(said, Problem):
        return Build(slot.name, "", "", said)
    wants_gpu = slot.settings.gpu != "cpu" and any(option.need.on_gpu != 0 for option in said.options)
    return Build(slot.name, said.least_capability, said.why_no_gpu, None, wants_gpu)


def _unknown() -> Appraisal:
    """Of a load that cannot be appraised: placed like one that takes nothing, it will say itself what is wrong."""
    need = Need(layers=(0,), on_gpu=1, per_gpu_bytes=0, host_bytes=0)
    return Appraisal((Option({}, "", "", "", None, None, need),), (), "", 1, "", "")
