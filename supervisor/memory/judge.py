"""Brings appraisal, box and what was learned together for one engine's decision; acts on nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

import anyio

from engines.appraisal import Appraisal, Need, Option
from engines.settings import as_dict, with_changes
from ipc.errors import Problem
from ipc.snapshot import Build, Scalar
from supervisor.memory.appraising import Appraiser
from supervisor.memory.beside import beside
from supervisor.memory.budgets import Budget, within
from supervisor.memory.decide import Case, Grant, Rooms, Verdict, decide
from supervisor.memory.footprints import Footprints
from supervisor.memory.house import House
from supervisor.slot import Slot, heir_name

BUILDS_SECONDS: Final = 20.0
"""How long all engines together may take to be appraised for `builds`."""


class Judge:
    """Asked by the admission for loads, and by whoever wants to know a price."""

    def __init__(
        self,
        house: House,
        appraiser: Appraiser,
        footprints: Footprints,
        wanted: Callable[[], frozenset[str]],
        python: Callable[[Slot], str],
        budgets: Iterable[Budget] = (),
    ) -> None:
        """`wanted` tells which engines units wait for, `python` the interpreter of an engine."""
        self._house = house
        self._appraiser = appraiser
        self._footprints = footprints
        self._wanted = wanted
        self._python = python
        self._budgets = tuple(budgets)

    async def appraise(self, slot: Slot, settings: Mapping[str, Scalar]) -> Appraisal:
        """What these settings take; where that cannot be told, a load that is placed as if it took nothing."""
        said = await self._appraiser.appraise(slot.kind, self._python(slot), settings)
        return _UNKNOWN if isinstance(said, Problem) else said

    def decide(
        self, slot: Slot, settings: Mapping[str, Scalar], appraisal: Appraisal, *, by_work: bool, moves: bool = False
    ) -> tuple[Verdict, bool]:
        """The verdict now, and whether it takes another process: because it `moves`, or finds room elsewhere only."""
        if slot.stands_by is not None:
            return self.beside(slot.stands_by, settings, appraisal), False
        typed = with_changes(slot.settings, settings, slot.name)
        bound = None if moves or slot.child is None else slot.bound
        case = Case(slot.name, slot.kind, typed, appraisal, by_work, bound, slot.unsuited)
        rooms = self._house.rooms(slot.name, time.monotonic(), self._wanted())
        verdict = self._verdict(case, rooms)
        if bound is None or isinstance(verdict, Grant):
            return verdict, moves
        elsewhere = self._verdict(replace(case, bound=None), rooms)
        return (elsewhere, True) if isinstance(elsewhere, Grant) else (verdict, moves)

    def _verdict(self, case: Case, rooms: Rooms) -> Verdict:
        verdict = decide(case, rooms, self._footprints)
        if not self._budgets:
            return verdict
        claims = {slot.name: slot.claim for slot in self._house.engines() if slot.claim is not None}
        return within(verdict, case.engine, self._budgets, claims, rooms.residents)

    def beside(self, slot: Slot, settings: Mapping[str, Scalar], appraisal: Appraisal) -> Verdict:
        """Whether a process with these settings fits beside the engine's own now; see `supervisor.memory.beside`."""
        typed = with_changes(slot.settings, settings, slot.name)
        now, wanted, name = time.monotonic(), self._wanted(), heir_name(slot.name)
        case = Case(slot.name, slot.kind, typed, appraisal, False, None, slot.unsuited)
        alone = self._verdict(case, self._house.rooms(slot.name, now, wanted))
        both = self._verdict(replace(case, engine=name), self._house.rooms(name, now, wanted, slot.name))
        return beside(both, alone)

    async def builds(self) -> tuple[Build, ...]:
        """What each engine's build can use; engines that could not be appraised in time are left out."""
        found: dict[str, Build] = {}
        engines = [slot for slot in self._house.engines() if not slot.is_hidden]

        async def look(slot: Slot) -> None:
            found[slot.name] = _build(
                slot, await self._appraiser.appraise(slot.kind, self._python(slot), as_dict(slot.settings))
            )

        with anyio.move_on_after(BUILDS_SECONDS):
            async with anyio.create_task_group() as tasks:
                for slot in engines:
                    tasks.start_soon(look, slot)
        return tuple(found[slot.name] for slot in engines if slot.name in found)


def _build(slot: Slot, said: Appraisal | Problem) -> Build:
    if isinstance(said, Problem):
        return Build(slot.name, "", "", said)
    wants_gpu = slot.settings.gpu != "cpu" and any(option.need.on_gpu != 0 for option in said.options)
    return Build(slot.name, said.least_capability, said.why_no_gpu, None, wants_gpu)


_UNKNOWN: Final = Appraisal(
    options=(Option({}, "", "", "", None, None, Need(layers=(0,), on_gpu=1, per_gpu_bytes=0, host_bytes=0)),),
    rungs=(),
    least_capability="",
    spread=1,
    layers_knob="",
    why_no_gpu="",
)
