"""What is said of an engine: its state, its reason, what was chosen for it, what becomes of it when idle. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from ipc import states
from ipc.snapshot import FINISHED, EngineRow, JobRow, PoolRow
from tui import measures
from tui.ink import Tone
from tui.ledger import hold_cause, hold_sentence


def row_words(row: EngineRow, monotonic: float) -> tuple[str, str, Tone]:
    """Glyph, words and tone of an engine: of its state, or of what holds its work."""
    glyph, word, tone = state_words(row.state, monotonic)
    return (glyph, f"held · {hold_cause(row.hold)}", "warn") if _waits(row) else (glyph, word, tone)


def state_words(state: states.EngineState, monotonic: float) -> tuple[str, str, Tone]:
    """Glyph, words and tone of a state; `monotonic` is the supervisor's clock now."""
    match state:
        case states.Stopped("never started"):
            return "○", "not started", "dim"
        case states.Stopped(why):
            return "○", f"stopped · {why}", "dim"
        case states.Starting():
            return "◔", "starting", "waiting"
        case states.Cold(_, residue):
            return "◌", f"cold · {measures.size(residue)} left" if residue else "cold", "waiting"
        case states.Loading(_, fraction):
            return "◐", "loading" if fraction is None else f"loading {measures.percent(fraction)}", "waiting"
        case states.Ready(_, _, units):
            return "●", "ready · busy" if units else "ready", "ready"
        case states.Draining(_, purpose, _):
            return "◑", f"drains · {purpose}", "waiting"
        case states.Stopping(_, rung, _):
            return "◒", f"stopping · {rung}", "warn" if rung == "kill" else "waiting"
        case states.Backoff(_, until, _):
            left = round(until - monotonic)
            return "↻", f"again in {left} s" if left > 0 else "again now", "warn"
        case states.Failed():
            return "✕", "failed", "bad"


def units(row: EngineRow) -> str:
    """How many units it computes, of how many it can at once: `12/16`."""
    if not isinstance(row.state, states.Ready | states.Draining):
        return measures.UNKNOWN
    return f"{min(row.state.units, row.parallel)}/{row.parallel}" if row.parallel else f"{row.state.units}/auto"


def reason(row: EngineRow) -> str:
    """Why an engine that does not work is as it is, or what was chosen for it; empty for one that works."""
    if _waits(row):
        return hold_sentence(row.hold)
    match row.state:
        case states.Failed(cause) | states.Backoff(_, _, cause):
            return cause
        case states.Stopped("operator"):
            return row.note or "stays so until you start it"
        case states.Stopped():
            return row.note or "starts on demand"
        case states.Stopping(_, _, why):
            return why
        case states.Cold():
            return row.note or "no model loaded; loads on demand"
        case states.Draining():
            return "finishes its flight first"
        case states.Starting() | states.Loading():
            return choice(row)
        case _:
            return ""


def when_idle(row: EngineRow) -> str:
    """`pinned`, or how far it is unloaded after how long: `exit 5 m`, `model 90 s`; a dash for never."""
    if row.pinned:
        return "pinned"
    after = row.unload_after_seconds
    return f"{row.unload_depth} {measures.idle(after)}" if after else measures.UNKNOWN


def models_of(
    job: JobRow, engines: Mapping[str, EngineRow], pools: Mapping[str, PoolRow], worked: Set[str]
) -> tuple[str, ...]:
    """What the engines of a job that has not ended have loaded, as far as they have: `small int8 on ear`. Of a pool,
    those that worked on it, by name, else all."""
    pool = pools.get(job.engine)
    names: Sequence[str] = job.engine.split(", ") if pool is None else pool.members
    if pool is not None and not worked.isdisjoint(names):
        names = [name for name in names if name in worked]
    rows = [engines[name] for name in names if name in engines]
    return tuple(
        f"{' '.join(filter(None, (row.model, row.quantization)))} on {row.name}"
        for row in rows
        if row.model and job.state not in FINISHED
    )


def choice(row: EngineRow) -> str:
    """What was chosen beside the precision that stands in its own column: `20 of 33 layers`."""
    return " · ".join(part for part in row.chosen.split(" · ") if part != row.quantization)


def beside_model(row: EngineRow) -> tuple[str, ...]:
    """What its other process does, what it says of itself, and what was chosen for it: the first that the room beside
    the model's name has place for stands there."""
    return tuple(filter(None, (row.beside, row.said, choice(row))))


def _waits(row: EngineRow) -> bool:
    """Whether what holds its work is the first thing to know: not while it changes state, nor when it is off."""
    if not row.hold or row.state == states.Stopped("operator"):
        return False
    return isinstance(row.state, states.Ready | states.Cold | states.Stopped)
