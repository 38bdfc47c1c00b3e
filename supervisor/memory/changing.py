"""Room for changed settings of a loaded model, and the price of changes and loads before they are made."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import anyio

from engines.settings import as_dict
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Applies, Scalar
from ipc.states import Ready
from supervisor.board import Board
from supervisor.machine.record import Choice
from supervisor.memory.ask import Refusal
from supervisor.memory.claims import Claim, widened
from supervisor.memory.decide import Grant
from supervisor.memory.evictions import Evictions
from supervisor.memory.footprints import Footprints
from supervisor.memory.house import House
from supervisor.memory.judge import Judge
from supervisor.memory.lessons import Lessons
from supervisor.memory.room import Room
from supervisor.slot import Slot

LEAVE_SECONDS: Final = 60.0
"""How long a change waits for engines that make room for it."""
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Made:
    """Room that was made for a change; `claim` is held while it is under way, None where another process will ask."""

    room: Room
    choice: Choice
    claim: Claim | None


class Changing:
    """What `set`, `load --dry-run` and the like need to know of memory, and do about it."""

    def __init__(
        self,
        house: House,
        judge: Judge,
        evictions: Evictions,
        lessons: Lessons,
        footprints: Footprints,
        board: Board,
    ) -> None:
        self._house = house
        self._judge = judge
        self._evictions = evictions
        self._lessons = lessons
        self._footprints = footprints
        self._board = board

    async def room_for(self, slot: Slot, changes: Mapping[str, Scalar], applies: Applies) -> Room:
        """What would be decided if the engine asked now with these changes. Nothing is done."""
        settings = {**as_dict(slot.settings), **changes}
        appraisal = await self._judge.appraise(slot, settings)
        verdict, moves = self._judge.decide(slot, settings, appraisal, by_work=False, moves=applies == "process")
        now = time.monotonic()
        room = self._house.room(slot, verdict, "process" if moves else applies, now)
        if not isinstance(verdict, Grant):
            return room
        room = replace(room, load_seconds=self._lessons.load_seconds(slot, verdict.claim, now))
        if room.applies != "process" or not isinstance(slot.record.state, Ready):
            return room
        both = self._judge.beside(slot, settings, appraisal)
        return replace(room, beside=both if isinstance(both, Grant) else None)

    async def make_room(self, slot: Slot, changes: Mapping[str, Scalar], room: Room) -> Made:
        """Claim the larger of both, let those leave who must, and look once more.

        Raises:
            RequestFailed: there is no room, or it did not become free in time.
        """
        grant = _granted(room)
        if room.applies == "process" or slot.claim is None:
            return Made(room, Choice(grant.claim.chosen, grant.rungs), None)
        before = slot.claim
        claim = slot.claim = widened(grant.claim, before)
        self._lessons.end(slot)
        try:
            if grant.victims:
                self._evictions.evict(grant.victims, f"{slot.name} needs its memory for new settings", slot.name)
                await self._until_gone(grant.victims)
                room = await self.room_for(slot, changes, room.applies)
                grant = _granted(room)
                if grant.victims:
                    raise RequestFailed(
                        Problem("No room now", f"{', '.join(grant.victims)} would not leave in time.", "Try again.")
                    )
        except BaseException:
            self._put_back(slot, claim, before)
            raise
        return Made(replace(room, before=before), Choice(grant.claim.chosen, grant.rungs), claim)

    def settle(self, slot: Slot, made: Made | None, *, worked: bool) -> None:
        """The change is in force, or taken back: claim what is needed now, unless the engine has asked anew since."""
        if made is None or made.claim is None or slot.claim is not made.claim:
            return
        if worked:
            slot.claim = _granted(made.room).claim
            self._lessons.begin(slot, slot.load_seconds or 0.0)
        elif made.room.before is not None:
            self._put_back(slot, made.claim, made.room.before)

    def _put_back(self, slot: Slot, claim: Claim, before: Claim) -> None:
        if slot.claim is claim:
            slot.claim = before
            self._lessons.begin(slot, slot.load_seconds or 0.0)

    async def forget_ladder(self, slot: Slot) -> None:
        """Forget which settings of its models ran out of memory."""
        appraisal = await self._judge.appraise(slot, {**as_dict(slot.settings), **slot.before_steps})
        models = {option.model for option in (*appraisal.options, *appraisal.rungs)}
        forgotten = sum(self._footprints.forget_ran_out(slot.kind, model) for model in models)
        text = f"{slot.name} forgets {forgotten} settings that ran out of memory, and starts from the configured ones"
        self._board.happen("info", slot.name, "ladder-reset", text)

    async def _until_gone(self, victims: tuple[str, ...]) -> None:
        with anyio.move_on_after(LEAVE_SECONDS):
            while not (self._evictions.gone(victims) or self._evictions.stays(victims)):  # noqa: ASYNC110 (a driver says nothing when memory is back)
                await anyio.sleep(LOOK_SECONDS)


def _granted(room: Room) -> Grant:
    verdict = room.verdict
    if isinstance(verdict, Grant):
        return verdict
    title = verdict.title if isinstance(verdict, Refusal) else "No room now"
    raise RequestFailed(Problem(title, verdict.reason, verdict.help))
