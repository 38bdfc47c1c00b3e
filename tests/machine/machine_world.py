"""What the tests of the machine share: a stage for tables, and the process of the simulated world."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from ipc.errors import Problem
from ipc.snapshot import Applies, Scalar
from ipc.states import EngineState
from supervisor.machine import events as e
from supervisor.machine.clock import deadline
from supervisor.machine.effects import Effect, Happen, Settled
from supervisor.machine.record import By, Record, Role, Settings
from supervisor.machine.step import step

PROBLEM = Problem("Trouble", "the model has none of it", "Try another.")
E = TypeVar("E", bound=Effect)
Order = Literal["load", "unload", "apply", "leave"]


def halve(settings: Settings) -> Settings | None:
    """A ladder for memory with rungs size 4, 2, 1."""
    size = settings.get("size")
    assert isinstance(size, int)
    return {**settings, "size": size // 2} if size > 1 else None


def engine(role: Role = "engine", **settings: Scalar) -> Record:
    """An engine that never started."""
    return Record("writer", "llm", role, {"size": 4, **settings}, halve)


class Stage:
    """One engine, its clock, and what the last event and all events together brought about."""

    def __init__(self, record: Record | None = None, *, at: float = 100.0, pid: int = 1000) -> None:
        self.record = record or engine()
        self.at = at
        self.last: tuple[Effect, ...] = ()
        self.all: list[Effect] = []
        self.pids = iter(range(pid, pid + 1000))

    @property
    def state(self) -> EngineState:
        return self.record.state

    def hear(self, *events: e.Event) -> Stage:
        """Step events; `last` has the effects of all of them."""
        self.last = ()
        for event in events:
            self.at = max(self.at, event.at)
            self.record, effects = step(self.record, event)
            self.last += effects
            self.all += effects
        return self

    def told(self, kind: type[E]) -> list[E]:
        """The effects of this kind that `last` holds."""
        return [effect for effect in self.last if isinstance(effect, kind)]

    def words(self) -> list[str]:
        return [effect.word for effect in self.told(Happen)]

    def answers(self) -> dict[str, Problem | None]:
        return {effect.reach: effect.problem for effect in self.told(Settled)}

    def due(self) -> float:
        """The deadline, which there must be."""
        at = deadline(self.record)
        assert at is not None
        return at

    def wait(self) -> Stage:
        """Let time pass to the deadline, silently."""
        return self.hear(e.Tick(max(self.at, self.due())))

    # ── shorthand ──

    def want(self, by: By = "operator") -> Stage:
        return self.hear(e.WantReady(self.at, by))

    def spawned(self) -> Stage:
        return self.hear(e.Spawned(self.at, next(self.pids)))

    def greeted(self) -> Stage:
        return self.hear(e.Greeted(self.at))

    def loaded(self) -> Stage:
        return self.hear(e.Loaded(self.at, 7 * 2**20))

    def fly(self, flight: int = 1, units: int = 1) -> Stage:
        return self.hear(e.FlightBegan(self.at, flight, units))

    def land(self, flight: int = 1) -> Stage:
        return self.hear(e.FlightEnded(self.at, flight))

    def apply(self, applies: Applies, ticket: int = 1, **changes: Scalar) -> Stage:
        return self.hear(e.WantApply(self.at, changes, applies, ticket))

    def beside(self, ticket: int = 1, /, **changes: Scalar) -> Stage:
        return self.hear(e.WantApply(self.at, changes, "process", ticket, beside=True))

    def stop(self) -> Stage:
        return self.hear(e.WantStopped(self.at, "operator"))

    def exit(
        self, code: int | None = 1, signal: int | None = None, *, oom: bool = False, log: tuple[str, ...] = ()
    ) -> Stage:
        return self.hear(e.Exited(self.at, None if signal else code, signal, oom, log))

    def later(self, seconds: float) -> Stage:
        self.at += seconds
        return self

    def up(self) -> Stage:
        """Spawned, greeted, loaded."""
        return self.spawned().greeted().loaded()


def ready(**settings: Scalar) -> Stage:
    """A stage with a ready engine."""
    return Stage(engine("engine", **settings)).want().up()


@dataclass
class Process:
    """One process: orders it has not read, facts it has not delivered; after `dead` it only delivers."""

    pid: int
    orders: deque[Order] = field(default_factory=deque)
    said: deque[e.LifeFact] = field(default_factory=deque)
    greeted: bool = False
    told_to_leave: int = 0
    terms: int = 0
    outstanding: set[Order] = field(default_factory=set)
    model: bool = False
    """Whether a model is loaded, as the machine may know it: from facts delivered."""
    progress: int = 0
    hung: bool = False
    dead: bool = False
