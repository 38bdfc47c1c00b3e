"""What the machine hears: wishes, facts about the process, facts about flights, and the clock.

Each carries `at`, the moment on the monotonic clock. The runner delivers the facts of one process in the order in
which they happened, `Exited` last of all, and answers every `Spawn` with `Spawned` or `SpawnFailed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ipc.errors import Problem
from ipc.snapshot import Applies
from ipc.states import Why
from supervisor.machine.record import By, Choice, Settings

# ── wishes ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class WantReady:
    """Make it ready, whatever it takes. Answered by `Settled("ready", …)`.

    By the operator: a Failed engine gets a clean slate and a Backoff ends at once. By work: an engine that the
    operator stopped, or that is Failed, stays as it is. For a desk, ready means that its process is up.
    """

    at: float
    by: By


@dataclass(frozen=True, slots=True)
class WantCold:
    """Give the model back and keep the process, if there is one; starts none. Answered by `Settled("cold", …)`.

    Work that wants the engine meanwhile gets it after the model has gone. A desk takes it for `WantReady` by work.
    """

    at: float


@dataclass(frozen=True, slots=True)
class WantStopped:
    """Drain within the limit, then stop. Answered by `Settled("stopped", …)`.

    Only the operator's stop holds against work, and only the operator's stop ends Failed. Work that wants an
    evicted engine gets another process once this one has gone; an idle one keeps it if nothing was sent yet.
    """

    at: float
    why: Why


@dataclass(frozen=True, slots=True)
class WantRestart:
    """Drain, stop and start again with a clean slate, by the operator. Answered by `Settled("ready", …)`."""

    at: float


@dataclass(frozen=True, slots=True)
class WantApply:
    """Change these knobs (already validated); `applies` is the dearest among them, `ticket` names the request.

    Answered by `SettingsInForce` or `SettingsRefused` with that ticket. Changes asked for while another waits
    are made together with it. While an heir loads only what applies `now` or to the next `flight` is asked for,
    and of the heir as well: the change before has no outcome yet.
    """

    at: float
    changes: Settings
    applies: Applies
    ticket: int
    choice: Choice | None = None
    """The ledger's, for the settings with these changes; None where it was not asked."""
    beside: bool = False
    """Both processes fit: the one that has them may load beside the one at work."""


@dataclass(frozen=True, slots=True)
class KillsEverything:
    """The book's verdict that the engine, not its units, is at fault: it becomes Failed with this cause."""

    at: float
    cause: str


# ── the ledger's answers ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RoomGiven:
    """The answer to the `AskRoom` of that number: go on. See `supervisor.machine.record.Given`.

    `elsewhere`: not where its process was placed, so that another process must follow.
    """

    at: float
    number: int
    choice: Choice
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class RoomRefused:
    """The answer to `AskRoom`: not now, or not here at all."""

    at: float
    number: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class RoomLost:
    """The GPU that it was given is gone."""

    at: float


# ── the heir's fate ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class HeirLost:
    """The process that loaded beside this one is gone, and its memory with it.

    `problem` is what was wrong with its settings; None where it had to go for another reason, which `why` says.
    """

    at: float
    problem: Problem | None
    why: str


# ── facts about the process ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Spawned:
    """The process that `Spawn` asked for exists."""

    at: float
    pid: int


@dataclass(frozen=True, slots=True)
class SpawnFailed:
    """No process could be made."""

    at: float
    problem: Problem


@dataclass(frozen=True, slots=True)
class Greeted:
    """The handshake is done."""

    at: float


@dataclass(frozen=True, slots=True)
class Beat:
    """The child's loop lives; `progress` grows with each step of work of any sort."""

    at: float
    progress: int


@dataclass(frozen=True, slots=True)
class LoadProgressed:
    """How far the load is, 0..1."""

    at: float
    fraction: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """The self-test passed."""

    at: float
    footprint_bytes: int


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The process is well and has no model; `permanent` when the same settings cannot work again."""

    at: float
    problem: Problem
    out_of_memory: bool
    permanent: bool


@dataclass(frozen=True, slots=True)
class Unloaded:
    """The model is closed."""

    at: float
    residue_bytes: int


@dataclass(frozen=True, slots=True)
class Applied:
    """The change that was sent is in force."""

    at: float


@dataclass(frozen=True, slots=True)
class ApplyFailed:
    """The change that was sent failed and the settings before it are back in force."""

    at: float
    problem: Problem


@dataclass(frozen=True, slots=True)
class DyingSaid:
    """The child's last words before it exits of its own fault."""

    at: float
    problem: Problem
    out_of_memory: bool


@dataclass(frozen=True, slots=True)
class LinkBroke:
    """The link ended or carried what the protocol does not allow, while the process was not known to be dead."""

    at: float
    problem: Problem


@dataclass(frozen=True, slots=True)
class Exited:
    """The process is gone: `code` or `signal` (the other is None); nothing more comes of it."""

    at: float
    code: int | None
    signal: int | None
    oom_killed: bool
    log_tail: tuple[str, ...]


# ── facts about flights (of a desk: its tasks) ────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FlightBegan:
    """A flight was sent; without a process to carry it, it is lost at once."""

    at: float
    flight: int
    units: int


@dataclass(frozen=True, slots=True)
class UnitEnded:
    """One unit of the flight was done or refused: a sign of health."""

    at: float
    flight: int


@dataclass(frozen=True, slots=True)
class FlightEnded:
    """Nothing of the flight is running any more."""

    at: float
    flight: int


# ── the clock ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Tick:
    """`deadline(record)` has come. The runner delivers what it has already received before it ticks."""

    at: float


RoomFact: TypeAlias = RoomGiven | RoomRefused | RoomLost
Wish: TypeAlias = WantReady | WantCold | WantStopped | WantRestart | WantApply | KillsEverything
LifeFact: TypeAlias = (
    Greeted
    | Beat
    | LoadProgressed
    | Loaded
    | LoadFailed
    | Unloaded
    | Applied
    | ApplyFailed
    | DyingSaid
    | LinkBroke
    | Exited
    | UnitEnded
    | FlightEnded
)
"""What only a process at hand can bring; without one it is stale, and ignored."""

Event: TypeAlias = Wish | RoomFact | HeirLost | Spawned | SpawnFailed | FlightBegan | LifeFact | Tick
