"""From a wish to a job: is there such a kind and engine, and do the paths make sense?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from config.errors import did_you_mean
from engines.catalog import KINDS, Kind
from engines.settings import EngineSettings, as_dict, with_changes
from ipc.control import Submit
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Scalar
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


def check_kind(wish: Submit, floor: Floor, pools: Pools) -> Kind:
    """The kind of work. Raises RequestFailed: there is no such kind, or nobody here does it."""
    if wish.kind not in KINDS:
        try:
            kind, _ = find_engine(floor, pools, wish.kind)
            hint = f"{wish.kind} does {kind}: submit {kind} … --engine {wish.kind}."
        except RequestFailed:
            hint = did_you_mean(wish.kind, KINDS)
        raise RequestFailed(Problem("Unknown kind", f"There is no kind of work {wish.kind!r}.", hint))
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


def check_own(own: Mapping[str, Scalar], kind: Kind) -> dict[str, Scalar]:
    """The settings that a job is given for itself, as their types are. Raises RequestFailed: it cannot have them."""
    for name in own:
        if name not in kind.own:
            hint = did_you_mean(name, kind.own) if kind.own else ""
            if name in as_dict(kind.settings()):
                hint = f"`engineroom set ENGINE {name}=…` changes it for all work of an engine."
            raise RequestFailed(
                Problem("No setting of a job", f"A job of kind {kind.name} has no setting {name!r} of its own.", hint)
            )
    checked = as_dict(with_changes(kind.settings(), own, "the job"))
    return {name: checked[name] for name in own}


def check_forms(kind: Kind, inputs: int, outputs: tuple[str, ...], settings: EngineSettings) -> tuple[str, ...]:
    """The files that are written beside these outputs.

    Raises:
        RequestFailed: one output would hold what comes of several inputs, in a form that cannot.
    """
    beside = tuple(path for output in outputs for path in settings.beside(output))
    for path in (*outputs, *beside) if inputs > len(outputs) else ():
        if Path(path).suffix.lower() in kind.apart:
            raise RequestFailed(
                Problem(
                    "One output for each",
                    f"{Path(path).name} would hold what comes of {inputs:,} inputs, and its times begin with one.",
                    "Name a folder, with / at its end, that gets a file for each: -o out/.",
                )
            )
    return beside


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
