"""Learns what loads take: measured once readings are newer than the load, kept for every load after."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from supervisor.memory.claims import Claim
from supervisor.memory.decide import key_of
from supervisor.memory.footprints import Footprints, Key
from supervisor.memory.house import House
from supervisor.slot import Slot

FRESH_SECONDS: Final = 2.0
"""So long after a load every reading is of the loaded model."""


@dataclass
class _Lesson:
    fresh_at: float
    seconds: float
    learned: bool = False


class Lessons:
    """One per supervisor."""

    def __init__(self, house: House, footprints: Footprints) -> None:
        self._house = house
        self._footprints = footprints
        self._open: dict[str, _Lesson] = {}
        """By engine with a model."""

    def begin(self, slot: Slot, seconds: float) -> None:
        """A model was loaded in so many seconds, or its settings changed."""
        self._open[slot.name] = _Lesson(time.monotonic() + FRESH_SECONDS, seconds)

    def end(self, slot: Slot) -> None:
        """The model is gone."""
        self._open.pop(slot.name, None)

    def renamed(self, names: Mapping[str, str]) -> None:
        """Processes changed places."""
        self._open = {names.get(name, name): lesson for name, lesson in self._open.items()}

    def second(self, monotonic: float) -> None:
        """Once a second: the highest that each loaded engine was measured to hold."""
        for slot in self._house.engines():
            claim, lesson = slot.claim, self._open.get(slot.name)
            if claim is None or lesson is None or not claim.option.model or monotonic < lesson.fresh_at:
                continue
            count = self._measured(slot, monotonic)
            if not count:
                continue
            key = self._key(slot, monotonic)
            if not lesson.learned:
                lesson.learned = True
                self._footprints.loaded(key, claim.option.name, claim.option.quantization, count, lesson.seconds)
            self._footprints.measured(key, count)

    def peak_bytes(self, slot: Slot, monotonic: float) -> int | None:
        """The most that its load was ever measured to take, on all its GPUs together; None before that."""
        if slot.claim is None or slot.name not in self._open:
            return None
        return self._footprints.peak_bytes(self._key(slot, monotonic))

    def load_seconds(self, slot: Slot, claim: Claim, monotonic: float) -> float | None:
        """What such a load took last: this supervisor's own, else what an earlier one learned; None where unknown."""
        if slot.load_seconds is not None:
            return slot.load_seconds
        models = [one.name for one in self._house.gpus_of(claim, monotonic)]
        return self._footprints.load_seconds(key_of(slot.kind, claim, models))

    def ran_out(self, slot: Slot, *, host: bool) -> None:
        """Memory did not suffice for it there (or in the `host`): never the same again."""
        claim = slot.claim
        if claim is None or not claim.option.model:
            return
        gpus = () if host else self._house.gpus_of(claim, time.monotonic())
        for model in {one.name for one in gpus} or {""}:
            self._footprints.note_ran_out(Key(slot.kind, claim.option.model, claim.asked, model))

    def _measured(self, slot: Slot, monotonic: float) -> int:
        """Bytes on the GPUs of its claim; of the host's memory where it is placed on none."""
        if slot.claim is None or not slot.claim.uuids:
            return slot.rss_bytes or 0
        return sum(self._house.measured(slot.claim, monotonic).values())

    def _key(self, slot: Slot, monotonic: float) -> Key:
        assert slot.claim is not None
        models = [one.name for one in self._house.gpus_of(slot.claim, monotonic)]
        return key_of(slot.kind, slot.claim, models)
