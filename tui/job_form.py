"""What was typed into the form of a new job, as the command that submits it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ipc.control import Submit
from ipc.snapshot import EngineRow, PoolRow
from tui.job_wishes import LEAST_PRIORITY, MOST_PRIORITY


@dataclass(frozen=True)
class Typed:
    """The fields as they are."""

    engine: str
    inputs: str
    output: str
    priority: str = ""
    after: str = ""


def submission(typed: Typed, engines: Mapping[str, EngineRow | PoolRow], jobs: Collection[str]) -> Submit:
    """The command; the name of an engine or a pool means only that one, a kind any of it.

    Raises:
        ValueError: with a sentence for the operator.
    """
    row = engines.get(typed.engine)
    inputs = paths(typed.inputs)
    after = tuple(job_id(told, jobs) for told in typed.after.replace(",", " ").split())
    for path in (*inputs, typed.output):
        if not Path(path).is_absolute():
            raise ValueError(f"{path} is not an absolute path: the supervisor has another current folder.")
    if not inputs and not after:
        raise ValueError("Without an input it needs jobs to come after: their outputs are its inputs then.")
    kind, name = (row.kind, row.name) if row else (typed.engine, "")
    return Submit(kind, name, inputs, typed.output, "", _priority(typed.priority), after)


def missing(typed: Typed) -> str | None:
    """The first field that must be filled and is not; inputs may be the outputs of other jobs."""
    needed = {"engine": typed.engine, "inputs": typed.inputs or typed.after, "output": typed.output}
    return next((name for name, text in needed.items() if not text.strip()), None)


def paths(text: str) -> tuple[str, ...]:
    """Paths and patterns, separated by spaces and quoted where they hold some."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ValueError("A quotation mark has no partner.") from error


def pasted(text: str) -> str:
    """What was copied: several lines are a path each, spaces and all; one line is as it would be typed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return shlex.join(lines) if len(lines) > 1 else "".join(lines)


def job_id(told: str, jobs: Collection[str]) -> str:
    """`41` is the job whose id ends so, where that is one; else the supervisor says whether there is such a job."""
    if not told.isdecimal():
        return told
    found = [one for one in jobs if one.rpartition("-")[2] == told]
    return found[0] if len(found) == 1 else told


def _priority(text: str) -> int:
    told = text.strip() or "5"
    if not told.isdecimal() or not LEAST_PRIORITY <= int(told) <= MOST_PRIORITY:
        raise ValueError(f"The priority is {LEAST_PRIORITY} to {MOST_PRIORITY}, not {told}.")
    return int(told)
