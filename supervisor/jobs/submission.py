"""From a wish to a job: is there such a kind and engine, and do the paths make sense?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from config.errors import did_you_mean
from engines.catalog import KINDS, Kind
from ipc.control import Submit
from ipc.errors import Problem, RequestFailed
from supervisor.jobs.floor import EngineView, Floor
from supervisor.jobs.job import Spec
from supervisor.jobs.routes import Pools, answering

PRIORITIES = range(1, 10)


def find_engine(floor: Floor, pools: Pools, name: str) -> tuple[str, EngineView]:
    """The engine of that name, or the one that answers for the pool of that name; after its kind.

    Raises:
        RequestFailed: there is neither.
    """
    known = {engine.name: (kind, engine) for kind in KINDS for engine in floor.engines_of(kind)}
    if name in known:
        return known[name]
    pool = pools.named(name)
    answers = None if pool is None else answering(pool, floor.engines_of(pool.kind))
    if pool is None or answers is None:
        names = [*known, *(other for kind in KINDS for other in pools.names(kind))]
        raise RequestFailed(Problem("Unknown engine", f"There is no engine {name!r}.", did_you_mean(name, names)))
    return pool.kind, answers


def check_kind(wish: Submit, floor: Floor) -> Kind:
    """The kind of work. Raises RequestFailed: there is no such kind, or nobody here does it."""
    if wish.kind not in KINDS:
        raise RequestFailed(
            Problem("Unknown kind", f"There is no kind of work {wish.kind!r}.", did_you_mean(wish.kind, KINDS))
        )
    if not floor.engines_of(wish.kind):
        raise RequestFailed(
            Problem(
                "No engine", f"No engine of kind {wish.kind} is configured.", "Add one to engineroom.toml, then `up`."
            )
        )
    return KINDS[wish.kind]


def check_engine(engine: str, kind: str, floor: Floor, pools: Pools) -> None:
    """Refuse an engine or pool that is not there or does other work; empty means any. Raises RequestFailed."""
    names = [*pools.names(kind), *(one.name for one in floor.engines_of(kind))]
    if engine and engine not in names:
        find_engine(floor, pools, engine)
        raise RequestFailed(
            Problem("Wrong engine", f"{engine} does not do {kind} work.", f"These do: {', '.join(names)}.")
        )


def check_priority(priority: int) -> None:
    """Raises RequestFailed: it is not between 1 and 9."""
    if priority not in PRIORITIES:
        raise RequestFailed(
            Problem("Bad priority", f"{priority} is no priority.", "It goes from 1 to 9; the higher, the sooner.")
        )


def check_hook(command: str) -> None:
    """Raises RequestFailed: no shell can be given this command."""
    if "\0" in command:
        raise RequestFailed(Problem("Bad command", "The --on-done command holds a NUL character.", "Leave it out."))


def check_paths(inputs: Iterable[str], output: str) -> None:
    """Raises RequestFailed: paths that make no sense."""
    for path in (*inputs, output):
        if not Path(path).is_absolute() or "\0" in path:
            raise RequestFailed(
                Problem("Bad path", f"{path!r} is no absolute path.", "The supervisor has a working folder of its own.")
            )
    if not Path(output).name:
        raise RequestFailed(Problem("Bad path", f"{output!r} is a folder.", "Name a file or a folder in it."))


def check_outputs(outputs: tuple[str, ...], others: Iterable[Spec]) -> None:
    """Refuse an output that another unfinished job will write. Raises RequestFailed."""
    wanted = set(outputs)
    for other in others:
        for path in other.outputs:
            if path in wanted:
                raise RequestFailed(
                    Problem("Output taken", f"{other.id} is going to write {path}.", "Name another output.")
                )
