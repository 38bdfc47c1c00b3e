"""Engines with two processes: the slot of the other one comes, takes the engine's place or does not, and goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from engines.settings import as_dict
from supervisor.machine import events, succession
from supervisor.machine.effects import Effect
from supervisor.machine.events import Event
from supervisor.machine.record import Settings
from supervisor.slot import Slot, exchange, former_name
from supervisor.slots import make_heir


class Pairs:
    """Over the runner's slots; one engine has one other process at most."""

    def __init__(self, slots: dict[str, Slot], post: Callable[[Slot, Event], None]) -> None:
        self._slots = slots
        self._post = post

    def load_beside(self, slot: Slot, settings: Settings) -> None:
        """Begin with an heir."""
        now = time.monotonic()
        if slot.other is not None:
            self._post(slot, events.HeirLost(now, None, "another process of it is still on its way out"))
            return
        heir = make_heir(slot, settings)
        self._slots[heir.name] = heir
        self._post(heir, events.WantReady(now, "operator"))

    def give_up(self, slot: Slot) -> None:
        """The heir is not wanted any more."""
        if slot.other is not None:
            self._post(slot.other, events.WantStopped(time.monotonic(), "replaced"))

    def look_after(self, other: Slot, engine: Slot) -> None:
        """Forget an other process of which nothing is left, and tell its engine if it was to take its place."""
        if not succession.is_gone(other.record) or self._slots.get(other.name) is not other:
            return
        del self._slots[other.name]
        engine.other = None
        other.gone.set()
        if other.record.role == "heir":
            self._post(engine, events.HeirLost(time.monotonic(), *succession.fate(other.record)))

    def due(self) -> Slot | None:
        """An engine whose place its heir takes now."""
        now = time.monotonic()
        for slot in self._slots.values():
            if slot.other is not None and succession.is_due(slot.record, slot.other.record, now):
                return slot
        return None

    def hand_over(self, slot: Slot) -> tuple[Slot, Mapping[str, str], tuple[Effect, ...]]:
        """Let them change places: the slot of the former process, all new names by the old ones, and the effects."""
        other, former, now = slot.other, former_name(slot.name), time.monotonic()
        assert other is not None
        engine, leaving, effects = succession.hand_over(slot.record, other.record, former)
        names = {slot.name: former, other.name: slot.name}
        exchange(slot, other)
        self._slots[former] = self._slots.pop(other.name)
        other.name, slot.record, other.record = former, engine, leaving
        in_force = as_dict(slot.settings)
        slot.before_steps = {name: was for name, was in slot.before_steps.items() if in_force[name] != was}
        self._post(other, events.WantStopped(now, "replaced"))
        self._post(slot, events.WantReady(now, "work"))  # answers whoever waits for it
        return other, names, effects
