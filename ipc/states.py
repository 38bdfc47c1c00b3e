"""The states of an engine: each carries only its own data, and travels as it is to every client.

All moments are seconds on the supervisor's monotonic clock; `Snapshot.monotonic` and `Snapshot.unix`
let a client on another host translate them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Why: TypeAlias = Literal["operator", "idle", "evicted", "no room", "replaced", "never started"]
Purpose: TypeAlias = Literal["apply", "unload", "stop", "restart"]
Rung: TypeAlias = Literal["ask", "term", "kill"]


class Stopped(Struct, frozen=True, array_like=True, tag="stopped"):
    """No process. Stopped by the operator stays so; any other reason starts again when work wants it."""

    why: Why


class Starting(Struct, frozen=True, array_like=True, tag="starting"):
    """Spawned, no handshake yet."""

    pid: int


class Cold(Struct, frozen=True, array_like=True, tag="cold"):
    """The process is up with no model; `residue_bytes` is what stayed after an unload."""

    pid: int
    residue_bytes: int


class Loading(Struct, frozen=True, array_like=True, tag="loading"):
    """Reading the model; `fraction` in 0..1, None while the engine cannot tell."""

    pid: int
    fraction: float | None


class Ready(Struct, frozen=True, array_like=True, tag="ready"):
    """The self-test passed: one real token, frame or vector. Busy when `units`, those in the air, are above 0."""

    pid: int
    footprint_bytes: int
    units: int


class Draining(Struct, frozen=True, array_like=True, tag="draining"):
    """Finishing its flights before a change, an unload, a stop or a restart."""

    pid: int
    purpose: Purpose
    units: int


class Stopping(Struct, frozen=True, array_like=True, tag="stopping"):
    """On the stop ladder; `rung` is the strongest step taken so far."""

    pid: int
    rung: Rung
    why: str


class Backoff(Struct, frozen=True, array_like=True, tag="backoff"):
    """Will start again at `until`."""

    attempt: int
    until: float
    cause: str


class Failed(Struct, frozen=True, array_like=True, tag="failed"):
    """Restart intensity exceeded, or it cannot start at all; leaves by the operator."""

    cause: str
    log_tail: tuple[str, ...]


EngineState: TypeAlias = Stopped | Starting | Cold | Loading | Ready | Draining | Stopping | Backoff | Failed


def word(state: EngineState) -> str:
    """The state's name in one lower-case word, as `ps --json` shows it."""
    return type(state).__name__.lower()


def pid_of(state: EngineState) -> int | None:
    """The process id where the state has a process, else None."""
    match state:
        case Stopped() | Backoff() | Failed():
            return None
        case _:
            return state.pid
