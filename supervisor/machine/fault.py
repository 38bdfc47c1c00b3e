"""Whose fault is a death, and how long to wait after it."""

from __future__ import annotations

import re
import signal
from typing import Final

from ipc.states import Stopping
from supervisor.machine.effects import Verdict
from supervisor.machine.events import Exited
from supervisor.machine.record import Record

CRASHES: Final = frozenset(
    {
        signal.SIGILL,
        signal.SIGTRAP,
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGSEGV,
        signal.SIGPIPE,
        signal.SIGXCPU,
        signal.SIGXFSZ,
        signal.SIGSYS,
    }
)
"""Signals that a process brings upon itself; every other comes from outside."""

HEALTHY_AFTER: Final = 10.0
"""Seconds of being ready that prove it well, so that the next death is a first one again."""

LONGEST_DELAY: Final = 30.0


_NO_KERNEL: Final = "no kernel image is available"
_OUT_OF_MEMORY: Final = re.compile(
    r"CUDA error: out of memory|CUDA out of memory|cudaMalloc failed: out of memory", re.I
)


def judge(record: Record, exit: Exited) -> Verdict:  # noqa: A002 (the word of the domain)
    """Whose fault the death is, by what is known of it and by what we were doing to the process."""
    state, life = record.state, record.life
    if isinstance(state, Stopping) and life.fault is None:
        return "ours"
    if life.out_of_memory or (exit.oom_killed and not _pushed(record)):
        return "memory"
    if life.fault in ("hung", "dying", "load") or _pushed(record):
        return "own"
    number = signal_of(exit)
    if number is not None and number not in CRASHES:
        return "outside"
    return "memory" if any(_OUT_OF_MEMORY.search(line) for line in exit.log_tail) else "own"


def alone(record: Record, verdict: Verdict, *, lowest: bool) -> bool:
    """Whether exactly one unit was at work: then the death is that unit's affair, not the engine's.

    Where memory ran out, only with the settings at their `lowest`. Nothing sets a desk's task aside, so a desk answers
    for itself.
    """
    blamable = verdict == "own" or (verdict == "memory" and lowest)
    match record.life.flights:
        case (flight,):
            return blamable and record.role == "engine" and flight.units == 1 and flight.ended == 0
        case _:
            return False


def has_no_kernel(exit: Exited) -> bool:  # noqa: A002
    """Whether it said that its library was not built for the GPU it was given."""
    return any(_NO_KERNEL in line for line in exit.log_tail)


def describe(record: Record, exit: Exited) -> str:  # noqa: A002
    """How it died, as the rest of a sentence that begins with the engine's name."""
    state, life = record.state, record.life
    if isinstance(state, Stopping) and life.fault is None:
        return f"was stopped: {state.why}"
    if isinstance(state, Stopping) and life.fault in ("hung", "load"):
        return state.why
    if has_no_kernel(exit):
        return "cannot run on this GPU: its library has no code for it (no kernel image)"
    if life.dying is not None:
        return f"died: {life.dying.detail}"
    if exit.oom_killed:
        return "was killed because the host ran out of memory"
    number = signal_of(exit)
    if number is None:
        return f"exited with code {exit.code}"
    if number in CRASHES:
        return f"crashed with {_name(number)}"
    return f"was killed by {_name(number)} from outside"


def signal_of(exit: Exited) -> int | None:  # noqa: A002
    """The signal that ended it, also where a wrapper reports it as exit code 128 + signal."""
    if exit.signal is not None:
        return exit.signal
    if exit.code is not None and 128 < exit.code < 128 + signal.NSIG:
        return exit.code - 128
    return None


def delay(attempt: int) -> float:
    """Seconds before the given attempt to start again: none for the first, then 0.25, 0.5, … up to 30."""
    return 0.0 if attempt <= 1 else min(LONGEST_DELAY, 0.25 * 2.0 ** min(attempt - 2, 10))


def _pushed(record: Record) -> bool:
    """Whether one of our own signals was meant to end it."""
    return isinstance(record.state, Stopping) and record.state.rung != "ask"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
