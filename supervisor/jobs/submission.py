"""From a wish to a job: is there such a kind and engine, and do the paths make sense?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from config.errors import did_you_mean
from engines.catalog import KINDS
from ipc.control import Submit
from ipc.errors import Problem, RequestFailed
from supervisor.jobs.floor import EngineView, Floor
from supervisor.jobs.job import Spec


def find_engine(floor: Floor, name: str) -> tuple[str, EngineView]:
    """The engine of that name, after its kind. Raises RequestFailed: there is none."""
    known = {engine.name: (kind, engine) for kind in KINDS for engine in floor.engines_of(kind)}
    if name not in known:
        raise RequestFailed(Problem("Unknown engine", f"There is no engine {name!r}.", did_you_mean(name, known)))
    return known[name]


def specify(wish: Submit, floor: Floor, *, number: int, host: str, unix: float) -> Spec:
    """The job that the wish comes down to.

    Raises:
        RequestFailed: no such kind, no such engine, an engine of another kind, or paths that make no sense.
    """
    if wish.kind not in KINDS:
        raise RequestFailed(
            Problem("Unknown kind", f"There is no kind of work {wish.kind!r}.", did_you_mean(wish.kind, KINDS))
        )
    engines = floor.engines_of(wish.kind)
    names = [engine.name for engine in engines]
    if not engines:
        raise RequestFailed(
            Problem(
                "No engine", f"No engine of kind {wish.kind} is configured.", "Add one to engineroom.toml, then `up`."
            )
        )
    if wish.engine and wish.engine not in names:
        find_engine(floor, wish.engine)
        raise RequestFailed(
            Problem("Wrong engine", f"{wish.engine} does not do {wish.kind} work.", f"These do: {', '.join(names)}.")
        )
    _check_paths(wish.inputs, wish.output)
    return Spec(
        number=number,
        id=f"{host}-{number}",
        kind=wish.kind,
        engine=wish.engine,
        inputs=wish.inputs,
        output=wish.output,
        on_done=wish.on_done,
        settings=floor.settings_of(wish.engine or names[0]),
        submitted_unix=unix,
    )


def check_output(spec: Spec, others: Iterable[Spec]) -> None:
    """Refuse an output that another unfinished job will write. Raises RequestFailed."""
    for other in others:
        if other.output == spec.output:
            raise RequestFailed(
                Problem("Output taken", f"{other.id} is going to write {spec.output}.", "Name another output.")
            )


def _check_paths(inputs: tuple[str, ...], output: str) -> None:
    if not inputs:
        raise RequestFailed(Problem("No input", "A job needs at least one input.", "Name a file."))
    for path in (*inputs, output):
        if not Path(path).is_absolute() or "\0" in path:
            raise RequestFailed(
                Problem("Bad path", f"{path!r} is no absolute path.", "The supervisor has a working folder of its own.")
            )
    if not Path(output).name:
        raise RequestFailed(Problem("Bad path", f"{output!r} is a folder.", "Name a file in it."))
