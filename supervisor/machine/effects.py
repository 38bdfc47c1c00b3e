"""What the machine asks the runner to do, in this order, right after the step.

Effects towards the process are sent only while there is one, so the runner needs no check of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ipc.errors import Problem
from ipc.snapshot import Severity
from supervisor.machine.record import By, Settings

Verdict: TypeAlias = Literal["outside", "memory", "own", "ours"]
"""Whose fault a death is: a stranger's signal, memory, the process's own, or our stop ladder."""

Reach: TypeAlias = Literal["ready", "cold", "stopped"]

Word: TypeAlias = Literal[
    "engine-starting",
    "engine-ready",
    "engine-unloading",
    "engine-unloaded",
    "engine-stopping",
    "engine-stopped",
    "engine-died",
    "engine-hung",
    "engine-failed",
    "engine-held",
    "load-failed",
    "settings-applied",
    "settings-refused",
    "stepped-down",
    "successor-loading",
    "successor-given-up",
    "handed-over",
]


# ── to the process ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a process with these knobs in its environment; answer with `Spawned` or `SpawnFailed`."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class SendLoad:
    """Send `work.Load`."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class SendUnload:
    """Send `work.Unload`; during a load it cancels the load."""


@dataclass(frozen=True, slots=True)
class SendApply:
    """Send `work.Apply` with all knobs."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class SendLeave:
    """Send `work.Leave`: the rung `ask`."""


@dataclass(frozen=True, slots=True)
class SendTerm:
    """SIGTERM to the group."""


@dataclass(frozen=True, slots=True)
class SendKill:
    """SIGKILL to the group."""


@dataclass(frozen=True, slots=True)
class DumpStacks:
    """SIGUSR1 to the process: every stack goes into its log."""


@dataclass(frozen=True, slots=True)
class CancelFlights:
    """Send `work.CancelFlight` for these: the drain took too long. They still end, or are lost."""

    flights: tuple[int, ...]


# ── to the heir ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LoadBeside:
    """Load another process with these settings beside this one.

    Once it is ready it takes this one's place (`succession.hand_over`); else `HeirLost` tells when it is gone.
    """

    settings: Settings


@dataclass(frozen=True, slots=True)
class GiveUpHeir:
    """The heir is not wanted any more. No answer is needed."""


# ── to the ledger ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AskRoom:
    """Ask for room for these settings; answer with `RoomGiven` or `RoomRefused` of that number, at any time."""

    number: int
    settings: Settings
    by: By


@dataclass(frozen=True, slots=True)
class GiveUpRoom:
    """What was asked for or given is not needed any more.

    `unsuited`: the library that the engine uses was not built for the GPUs it was given.
    """

    unsuited: bool = False


# ── to the jobs, the operator and those who wait ──────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LoseFlights:
    """The units of these flights that have not ended must fly again.

    `own` makes them suspects that fly alone; with `alone` (one flight of one unit) the death counts against it.
    """

    flights: tuple[int, ...]
    verdict: Verdict
    alone: bool
    cause: str
    log_tail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingsInForce:
    """These knobs are in force, or will be used by the next load where no model is loaded. Answers the tickets."""

    settings: Settings
    tickets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SettingsRefused:
    """The change did not work; `settings` are in force again. Answers the tickets."""

    settings: Settings
    tickets: tuple[int, ...]
    problem: Problem


@dataclass(frozen=True, slots=True)
class StepDown:
    """Memory did not suffice: from now on these knobs, one rung down, and never the former again.

    `tried` is what ran out, as it was sent to the process; `changes` is what the rung changes. `host`: it was the
    host's memory, for which the kernel killed the process.
    """

    settings: Settings
    tried: Settings
    changes: Settings
    host: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """Answers everyone who waits for `reach`: it is so, or why it cannot be now.

    The runner notes who waits before it steps the wish, because the answer may come in the same step.
    """

    reach: Reach
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Happen:
    """A decision or fact with its reason, one sentence, for screen, log and recording."""

    severity: Severity
    word: Word
    text: str


ToProcess: TypeAlias = (
    Spawn | SendLoad | SendUnload | SendApply | SendLeave | SendTerm | SendKill | DumpStacks | CancelFlights
)
ToHeir: TypeAlias = LoadBeside | GiveUpHeir
ToLedger: TypeAlias = AskRoom | GiveUpRoom
Effect: TypeAlias = (
    ToProcess | ToHeir | ToLedger | LoseFlights | SettingsInForce | SettingsRefused | StepDown | Settled | Happen
)
