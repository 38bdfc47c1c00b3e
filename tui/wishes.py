"""What a key asks of the supervisor for an engine, or for everything, and what would be lost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ipc import states
from ipc.control import Down, OneAnswer, Restart, Start, Stop, Unload
from ipc.snapshot import FINISHED, EngineRow, JobRow, Ledger
from tui import measures
from tui.ledger import held_words

Target: TypeAlias = EngineRow | JobRow
TALKING = "llm"
"""The kind that one can talk with."""


@dataclass(frozen=True)
class Wish:
    """A command with the word the footer shows for it. `asks` is the question put first; empty means do it at once."""

    word: str
    command: OneAnswer
    asks: str = ""


def start_or_stop(target: Target) -> Wish | None:
    """Start what has no process, stop what has one; only a busy engine is worth a question."""
    if not isinstance(target, EngineRow):
        return None
    if states.pid_of(target.state) is None and not isinstance(target.state, states.Backoff):
        return Wish("start", Start(target.name))
    return Wish("stop", Stop(target.name), _what_a_stop_loses(target))


def question(wish: Wish, ledger: Ledger) -> str:
    """What is put first; of a stop also what it gives back on GPUs."""
    held = held_words(ledger, wish.command.engine) if isinstance(wish.command, Stop) else ""
    return f"{wish.asks} That frees {held}." if wish.asks and held else wish.asks


def restart(target: Target) -> Wish | None:
    """Restart an engine that has, or is about to have, a process."""
    if not isinstance(target, EngineRow) or isinstance(target.state, states.Stopped):
        return None
    return Wish("restart", Restart(target.name))


def load_or_unload(target: Target) -> Wish | None:
    """Give the model back where there is one, or is about to be."""
    if isinstance(target, EngineRow) and isinstance(target.state, states.Ready | states.Loading):
        return Wish("unload", Unload(target.name))
    if isinstance(target, EngineRow) and isinstance(target.state, states.Cold):
        return Wish("load", Start(target.name))
    return None


def talking(targets: Sequence[Target]) -> list[EngineRow]:
    """Those that one can talk with."""
    return [target for target in targets if isinstance(target, EngineRow) and target.kind == TALKING]


def stop_everything(engines: list[EngineRow], jobs: list[JobRow]) -> Wish:
    """End the supervisor and every engine; always asks."""
    running = [row for row in engines if states.pid_of(row.state) is not None]
    busy = [row.name for row in running if _units(row)]
    waiting = [row for row in jobs if row.state not in FINISHED]
    said = [f"{measures.plural(len(running), 'engine')} will stop, and the supervisor with them."]
    if busy:
        said.append(f"Units in flight on {', '.join(busy)} will be done again.")
    if waiting:
        said.append(f"{measures.plural(len(waiting), 'job')} will wait, nothing lost, until the next `engineroom up`.")
    return Wish("stop all", Down(), f"Stop everything? {' '.join(said)}")


def _what_a_stop_loses(row: EngineRow) -> str:
    upto = _units(row)
    if not upto:
        return ""
    units = "1 unit in flight" if upto == 1 else f"{upto} units in flight"
    lost = f"Stop {row.name}? It first gets time to finish {units}; what does not finish will be done again."
    held = row.state.footprint_bytes if isinstance(row.state, states.Ready) and not row.gpus else 0
    return f"{lost} That frees ~{measures.size(held)}." if held else lost


def _units(row: EngineRow) -> int:
    return row.state.units if isinstance(row.state, states.Ready | states.Draining) else 0
