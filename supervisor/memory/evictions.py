"""Tells idle engines to go, each named with its reason before it does, and knows when they are gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from supervisor.board import Board
from supervisor.machine import events
from supervisor.machine.events import Event
from supervisor.machine.record import BeReady
from supervisor.memory.house import House
from supervisor.memory.returns import Returns
from supervisor.memory.thrash import Swap, Swaps, Thrash
from supervisor.slot import Slot


class Post(Protocol):
    """Hands an event to the runner; `then` is called once the machine has heard it."""

    def __call__(self, slot: Slot, event: Event, then: Callable[[], None] = ...) -> None: ...


class Evictions:
    """Remembers who made room for whom."""

    def __init__(self, house: House, returns: Returns, board: Board, post: Post) -> None:
        self._house = house
        self._returns = returns
        self._board = board
        self._post = post
        self._swaps = Swaps()
        self._told: set[str] = set()
        """Victims whose machines have heard of it."""

    def evict(self, victims: Iterable[str], why: str, into: str = "") -> None:
        """Tell them to go; `into` is the engine that they make room for, if it is for one."""
        now = time.monotonic()
        for name in victims:
            slot = self._house.slots[name]
            heir = slot.record.role == "heir"
            resting = "is given up" if heir else f"is unloaded: idle {_words(now - slot.record.life.idle_since)}"
            slot.note = f"{name} {resting}{':' if heir else ','} {why}"
            self._board.happen("info", slot.engine, "engine-evicted", slot.note)
            self._house.leaving.add(name)
            self._told.discard(name)
            self._post(slot, events.WantStopped(now, "evicted"), partial(self._told.add, name))
            if into and not heir:
                lost = self._house.slots[into].load_seconds or 0.0
                self._swaps = self._swaps.noted(Swap(now, name, into, lost))

    def gone(self, victims: Iterable[str]) -> bool:
        """Whether all of them have no process any more, and what they held came back or is known not to."""
        slots = [self._house.slots[name] for name in victims if name in self._house.slots]
        held = any(slot.claim or slot.child for slot in slots)
        return not held and not any(self._returns.pending(name) for name in victims)

    def stays(self, victims: Iterable[str]) -> bool:
        """Whether one of them is wanted ready again, though it was told to go."""
        told = self._told.intersection(victims)
        there = [self._house.slots[name] for name in told if name in self._house.slots]
        wanted = {slot.name for slot in there if isinstance(slot.record.goal, BeReady)}
        self._house.leaving -= wanted
        return bool(wanted)

    def thrash(self, monotonic: float) -> Thrash | None:
        """The pair that takes turns too often, if there is one."""
        return self._swaps.alarm(monotonic)


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
