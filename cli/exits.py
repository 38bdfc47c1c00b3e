"""How the command line ends; scripts may rely on these numbers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from config.errors import BadConfig
from ipc.errors import ConnectionFailed, EngineDied, EngineRoomError
from ipc.snapshot import JobState


class Exit(IntEnum):
    """The process's exit code."""

    OK = 0
    FAILED = 1
    """The request failed; the sentence on stderr says why."""
    USAGE = 2
    """The arguments or the configuration cannot be used as they are."""
    UNREACHABLE = 3
    """No supervisor answers there."""
    PROBLEMS = 4
    """The job ended, but some of its units were set aside."""
    JOB_FAILED = 5
    """The job failed or was cancelled."""
    ENGINE_DIED = 6
    """The engine died while it answered; what it had said is on stdout."""
    INTERRUPTED = 130
    """Interrupted from the keyboard; jobs and engines go on."""
    CLOSED_OUTPUT = 141
    """Whoever read our output went away."""


def of_error(error: EngineRoomError) -> Exit:
    """How to end after `error`."""
    match error:
        case ConnectionFailed():
            return Exit.UNREACHABLE
        case EngineDied():
            return Exit.ENGINE_DIED
        case BadConfig():
            return Exit.USAGE
        case _:
            return Exit.FAILED


def of_jobs(states: Iterable[JobState]) -> Exit:
    """How to end after waiting for jobs that are now in these states: as the worst of them says."""
    return max(map(_of_job, states), default=Exit.OK)


def _of_job(state: JobState) -> Exit:
    match state:
        case "done":
            return Exit.OK
        case "done with problems":
            return Exit.PROBLEMS
        case "failed" | "cancelled":
            return Exit.JOB_FAILED
        case _:
            return Exit.INTERRUPTED
