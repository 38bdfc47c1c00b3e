"""What a key asks of the supervisor for a job or one of its units, and what would be lost. Pure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeGuard

from ipc.control import (
    CancelJob,
    ClearJobs,
    MoveJob,
    PauseJob,
    PrioritizeJob,
    RedoUnits,
    ReleaseJob,
    ResumeJob,
    RetryJob,
)
from ipc.snapshot import FINISHED, JobRow, UnitProblem, UnitRow
from tui import measures
from tui.wishes import Target, Wish

LEAST_PRIORITY, MOST_PRIORITY = 1, 9


def pause_or_resume(target: Target) -> Wish | None:
    """Pause a job that is not finished; a paused one goes on."""
    if not _goes_on(target):
        return None
    if target.state == "paused":
        return Wish("resume", ResumeJob(target.id))
    return Wish("pause", PauseJob(target.id))


def cancel(target: Target) -> Wish | None:
    """Cancel a job; always asks."""
    if not isinstance(target, JobRow) or target.state in FINISHED:
        return None
    done, total = target.units_done, target.units_total
    kept = f"{measures.plural(done, 'finished unit')} stay{'s' if done == 1 else ''} stored"
    if total is None:
        rest = "the rest, still uncounted, will not be done"
    else:
        rest = f"{measures.plural(total - done - target.units_failed, 'unit')} will not be done"
    return Wish("cancel", CancelJob(target.id), f"Cancel {target.id}? {kept}; {rest}.")


def retry(target: Target) -> Wish | None:
    """All that was set aside once more; a failed or cancelled job goes on."""
    if isinstance(target, JobRow) and (target.units_failed or target.state in ("failed", "cancelled")):
        return Wish("retry", RetryJob(target.id))
    return None


def sooner(target: Target) -> Wish | None:
    """One step up."""
    return _prioritized(target, 1, "sooner")


def later(target: Target) -> Wish | None:
    """One step down."""
    return _prioritized(target, -1, "later")


def release(target: Target) -> Wish | None:
    """Begin without the jobs that it waits for; a job that has begun waits for none."""
    if not _goes_on(target) or not target.after or target.units_done or target.units_failed or target.units_flying:
        return None
    return None if target.state == "running" else Wish("release", ReleaseJob(target.id))


def move(target: Target, engine: str) -> Wish | None:
    """What is left of it goes to this engine of its kind; empty is any."""
    return Wish("move", MoveJob(target.id, engine)) if _goes_on(target) and target.engine != engine else None


def movable(targets: Sequence[Target]) -> list[JobRow]:
    """Those that another engine could go on with."""
    return [target for target in targets if _goes_on(target)]


def clear(target: Target) -> Wish | None:
    """Forget a finished job; always asks."""
    return next(iter(clearing([target])), None)


def clearing(targets: Sequence[Target]) -> list[Wish]:
    """Forget all finished ones of these, with one question; results that exist nowhere else only where it says so."""
    over = [target for target in targets if isinstance(target, JobRow) and target.state in FINISHED]
    last = [row for row in over if row.state in ("failed", "cancelled") and row.units_done]
    others = [row for row in over if row not in last]
    asks = _what_clearing_loses(over, last)
    lots = ((others, False), (last, True))
    commands = [ClearJobs(tuple(row.id for row in rows), force) for rows, force in lots if rows]
    return [Wish("clear", command, "" if index else asks) for index, command in enumerate(commands)]


def again(job: JobRow, chosen: UnitProblem | UnitRow) -> Wish | None:
    """One unit once more: at once where it failed; after a question where it has a result."""
    if isinstance(chosen, UnitProblem):
        name = chosen.unit if chosen.index is None else f"#{chosen.index}"
        return Wish("retry it", RetryJob(job.id, (name,))) if name else None
    name = f"#{chosen.index}"
    if chosen.state in ("failed", "quarantined"):
        return Wish("retry it", RetryJob(job.id, (name,)))
    return (
        Wish("redo it", RedoUnits(job.id, (name,)), _what_a_redo_does(job, chosen)) if chosen.state == "done" else None
    )


def _goes_on(target: Target) -> TypeGuard[JobRow]:
    return isinstance(target, JobRow) and target.state not in FINISHED and target.state != "assembling"


def _prioritized(target: Target, by: int, word: str) -> Wish | None:
    if not isinstance(target, JobRow) or target.state in FINISHED:
        return None
    wanted = target.priority + by
    return Wish(word, PrioritizeJob(target.id, wanted)) if LEAST_PRIORITY <= wanted <= MOST_PRIORITY else None


def _what_clearing_loses(rows: Sequence[JobRow], last: Sequence[JobRow]) -> str:
    """Bytes that come free, and results that are the last copy."""
    if not rows:
        return ""
    frees = f"That frees {measures.size(sum(row.result_bytes for row in rows))}"
    if len(rows) == 1:
        said = f"Clear {rows[0].id}? {frees}"
        outputs = os.path.basename(rows[0].output.rstrip("/"))
    else:
        said = f"Clear {len(rows):,} finished jobs? {frees}"
        outputs = "their outputs"
    stay = f"; {outputs} stay{'s' if len(rows) == 1 else ''}" if len(rows) > len(last) else ""
    results = measures.plural(sum(row.units_done for row in last), "result")
    were = "was" if len(last) == 1 else "were"
    of = "" if len(rows) == 1 else f" of {measures.plural(len(last), 'job')} that failed or {were} cancelled"
    lost = f" {results}{of} exist nowhere else and will be lost." if last else ""
    return f"{said}{stay}.{lost}"


def _what_a_redo_does(job: JobRow, unit: UnitRow) -> str:
    name = f"#{unit.index} ({unit.name or unit.where})"
    into = os.path.basename(job.output.rstrip("/"))
    then = f"then {into} is written again" if job.state in FINISHED else f"{into} gets the new one"
    return f"Do {name} of {job.id} again? Its result stays until there is a new one; {then}."
