"""What is known about one engine (or desk) at one moment: everything the machine decides by, and nothing else.

A `Record` is frozen; `supervisor.machine.step.step` returns the next one. What dies with a process is kept in
`Life` and forgotten as a whole when the process exits. All moments are seconds on the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from ipc.errors import Problem
from ipc.snapshot import Applies, Scalar
from ipc.states import EngineState, Rung, Stopped, Why

Settings: TypeAlias = Mapping[str, Scalar]
Lower: TypeAlias = Callable[[Settings], Settings | None]
"""One rung down the ladder for memory: the settings to try after these, None at the bottom. Pure."""

Role: TypeAlias = Literal["engine", "desk", "heir"]
"""An heir is the process that loads beside an engine's own, to take its place: it has one try."""
Fault: TypeAlias = Literal["hung", "broken", "dying", "load"]
"""Why a process is on the stop ladder through its own doing."""


class Limits(Struct, frozen=True):
    """The knobs the machine acts on, as `engines.settings.EngineSettings` declares them; seconds unless named."""

    hang_after: float = 10.0
    stall_after: float = 120.0
    start_limit: float = 60.0
    stop_limit: float = 5.0
    drain_limit: float = 30.0
    restarts: int = 3
    restarts_within: float = 60.0
    unload_after: float = 0.0
    unload_depth: Literal["model", "exit"] = "exit"
    deterministic: bool = False

    @staticmethod
    def of(settings: Settings) -> Limits:
        """The limits among all knobs of a kind; what is not there has its default."""
        return msgspec.convert(settings, Limits)


@dataclass(frozen=True, slots=True)
class BeReady:
    """A process with its model loaded; for a desk, which has no model, a process."""


@dataclass(frozen=True, slots=True)
class BeCold:
    """A process with no model."""


@dataclass(frozen=True, slots=True)
class BeStopped:
    """No process. Work may call it back unless `why` is the operator."""

    why: Why


Goal: TypeAlias = BeReady | BeCold | BeStopped


@dataclass(frozen=True, slots=True)
class NoRoom:
    """Nothing was asked of the ledger."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The ledger was asked for room for these settings, and has not answered yet."""

    settings: Settings
    number: int
    """Of the ask: an answer to an earlier one is none."""


@dataclass(frozen=True, slots=True)
class Given:
    """Room for these settings, held over restarts until there is no use for it.

    `chosen` is what the ledger chose where they leave it open; `rungs` are the settings below, one after the other, for
    when memory does not suffice all the same.
    """

    settings: Settings
    chosen: Settings
    rungs: tuple[Settings, ...]


Room: TypeAlias = NoRoom | Asked | Given
By: TypeAlias = Literal["operator", "work"]


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight in the air: how many units it took along, and how many of them have ended."""

    id: int
    units: int
    ended: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What the ledger chose for settings where they leave it open, and the rungs below."""

    chosen: Settings
    rungs: tuple[Settings, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Settings asked for and not yet in force: only the knobs that change, and the dearest `applies` among them.

    `tickets` are the requests that wait for the outcome.
    """

    changes: Settings
    applies: Applies
    tickets: tuple[int, ...]
    choice: Choice | None = None
    """The ledger's, for the settings with these changes; None where it was not asked."""
    beside: bool = False
    """The process that has them may load beside the one at work."""


@dataclass(frozen=True, slots=True)
class Life:
    """The process at hand, from its spawn to its exit."""

    greeted: bool = False
    heard: float = 0.0
    """When its loop last gave a sign of life."""
    progress: int = 0
    moved: float = 0.0
    """When its progress counter last moved, or when it became busy."""
    idle_since: float = 0.0
    """When it became ready, ended its last flight or was last wanted."""
    ready_at: float | None = None
    footprint_bytes: int = 0
    model: bool = False
    """A model is loaded, or being loaded."""
    flights: tuple[Flight, ...] = ()
    unload: bool = False
    """The model at hand must go, whatever the goal says next."""
    unloading: bool = False
    """An unload was sent and not yet answered."""
    applying: Change | None = None
    """This change was sent and not yet answered."""
    replace: bool = False
    """The process must go; the goal decides whether another follows."""
    ask_again: bool = False
    """The process that follows asks for room anew."""
    cancelled: bool = False
    """The flights in the air were told to stop, because the drain took too long."""
    due: float = 0.0
    """The deadline of the state itself: handshake, drain or rung."""
    rungs: tuple[Rung, ...] = ()
    """What is left of the stop ladder."""
    fault: Fault | None = None
    dying: Problem | None = None
    """What the process said of its own death."""
    out_of_memory: bool = False

    @property
    def units(self) -> int:
        """In the air."""
        return sum(flight.units - flight.ended for flight in self.flights)


@dataclass(frozen=True, slots=True)
class Record:
    """One engine or desk. `state` is what clients see; `settings` are in force, or used by the next load."""

    name: str
    kind: str
    role: Role
    settings: Settings
    lower: Lower
    rationed: bool = False
    """It asks the ledger for room before it spawns or loads."""
    state: EngineState = Stopped("never started")
    goal: Goal = BeStopped("never started")
    life: Life = Life()
    wanted_by: By = "work"
    """Who wanted it ready last."""
    room: Room = NoRoom()
    asks: int = 0
    """How many times the ledger was asked, ever."""
    refusal: Problem | None = None
    """Why the ledger has no room for it, since it last asked; of an heir, why it failed."""
    refused_at: float = 0.0
    spawning: bool = False
    """A spawn was asked for and has neither happened nor failed yet."""
    change: Change | None = None
    """The next change, not yet sent or adopted."""
    heir: Change | None = None
    """The change with which another process loads beside this one; see `supervisor.machine.succession`."""
    proven: Settings | None = None
    """The last settings that a model was ready with."""
    trial: tuple[int, ...] | None = None
    """The tickets of a change adopted over a reload, until the reload proves it or `proven` comes back."""
    condemned: str = ""
    """Why it must end as Failed once its process is gone; empty if it need not."""
    deaths: tuple[float, ...] = ()
    """When it died of its own fault, within the window for restarts."""
    attempt: int = 0
    """How many times in a row it was started again without doing well."""
    restarts: int = 0
    """How many times it was started again after a death, ever."""

    @property
    def resolved(self) -> Settings:
        """The settings as they go to the process: with what the ledger chose where they leave it open."""
        return {**self.settings, **self.room.chosen} if isinstance(self.room, Given) else self.settings

    @property
    def limits(self) -> Limits:
        """The limits as the settings in force have them."""
        return Limits.of(self.resolved)
