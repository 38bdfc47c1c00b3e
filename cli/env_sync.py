"""`env sync`: make the environment of an engine kind, or make sure that it works."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Final

from cli import env_json, say
from cli.env_place import engines_configured, place
from cli.environments.here import machine_here
from cli.environments.make import Making, log_of, sync
from cli.environments.packages import Indexes
from cli.environments.progress import Progress
from cli.environments.standing import Standing, standing_of
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, takes_json
from config.errors import did_you_mean
from engines.environments.choose import OTHER_REQUIREMENTS, misfit
from engines.environments.machine import Machine
from engines.environments.present import digests_of
from engines.environments.record import WITHOUT_CUDA, Stored, stored
from engines.environments.requirements import DEVICES, Device, devices_of, kinds, requirements_of
from ipc.errors import Problem, RequestFailed

_SCHEMES: Final = ("https://", "http://", "file://")


def _run(session: Session, arguments: Namespace) -> Exit:
    folder, machine = place(session), machine_here()
    device = device_for(arguments.kind, arguments.device, machine)
    indexes = Indexes(arguments.index, tuple(arguments.extra_index))
    for url in (*([] if indexes.main is None else [indexes.main]), *indexes.more):
        _checked(url)
    progress, wanted = Progress(sys.stderr), requirements_of(arguments.kind, device)
    making = Making(folder, wanted, machine, session.environ, progress, _waits, indexes)
    made = sync(making, rebuild=arguments.rebuild)
    found = stored(folder)
    engines, _ = engines_configured(session)
    told = standing_of(made, found, machine, engines)
    if arguments.json:
        say.document(env_json.environment(told))
    else:
        _tell(told, found, machine)
    assert made.environment is not None
    if made.environment.test.ok:
        return Exit.OK
    say.problem(failed(made))
    return Exit.FAILED


def device_for(kind: str, told: str | None, machine: Machine) -> Device:
    """What to make it for: as told, else for the GPUs where there are any and the kind can use them.

    Raises:
        RequestFailed: an unknown kind, a device that it does not use, or CUDA where no GPU answers.
    """
    possible = devices_of(kind)
    if not possible:
        text = f"There is no engine kind {kind!r} that has an environment."
        raise RequestFailed(Problem("Unknown kind", text, did_you_mean(kind, kinds())))
    if told is None:
        return "cuda" if machine.capabilities and "cuda" in possible else "cpu"
    device = next(one for one in DEVICES if one == told)
    if device not in possible:
        text = f"Engines of kind {kind} do not compute on {device}."
        raise RequestFailed(Problem("No such device", text, f"Use --device {possible[0]}."))
    if device == "cuda" and not machine.capabilities:
        text = "No NVIDIA GPU answers here, so nothing can be made for it, or tested on it."
        raise RequestFailed(Problem("No GPU", text, "See `engineroom doctor`, or use --device cpu."))
    return device


def _checked(url: str) -> None:
    """Raises RequestFailed where that can be no package index: pip would say it of each package, and go on."""
    if not url.startswith(_SCHEMES) or any(map(str.isspace, url)):
        _, _, shown = url.rpartition("@")  # what is before it may be a password
        text = f"{shown!r} is no URL of a package index."
        raise RequestFailed(Problem("No such index", text, f"It begins with one of {', '.join(_SCHEMES)}."))


def _tell(told: Standing, found: tuple[Stored, ...], machine: Machine) -> None:
    environment = told.stored.environment
    assert environment is not None
    say.data(f"{told.stored.name} is {'ready' if environment.test.ok else 'not fit for use'}: {told.stored.folder}")
    say.data(f"self-test: {environment.test.text}")
    if environment.test.ok and environment.test.foreign:
        say.note(f"  not as this CPU would have it: {environment.test.foreign}")
    if told.engines:
        say.note(f"{', '.join(told.engines)} will run in it from the next start on")
    older = [
        one.name
        for one in found
        if one.environment is not None
        and (one.environment.kind, one.environment.device) == (environment.kind, environment.device)
        and one.name != told.stored.name
        and misfit(one.environment, digests_of(environment.kind), machine) in ("", OTHER_REQUIREMENTS)  # of this box
    ]
    for name in older if environment.test.ok else ():
        say.note(f"{name} has the same use; `engineroom env remove {name}` frees what it takes")


def failed(made: Stored) -> Problem:
    """What to say of an environment whose self-test failed."""
    assert made.environment is not None
    kind, device, test = made.environment.kind, made.environment.device, made.environment.test
    hint = f"No engine will use it. All that was printed is in {log_of(made.folder)}."
    if WITHOUT_CUDA in test.text:
        hint = (
            "An index that pip is set to offered the build for CPUs: leave that out (`pip config list` shows it, and"
            f" --index URL goes before it), then `engineroom env sync {kind} --rebuild`. {hint}"
        )
    elif device == "cuda":
        hint = f"Does `nvidia-smi` work? On the CPU it runs after `engineroom env sync {kind} --device cpu`. {hint}"
    return Problem("Self-test failed", f"{made.name}: {test.text.rstrip('.')}.", hint)


def _waits(pid: str) -> None:
    say.note(f"another sync of this environment is under way (pid {pid}); waiting for it")


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("kind", metavar="KIND", help=", ".join(kinds()))
    parser.add_argument("--device", choices=DEVICES, help="default: cuda where a GPU is and the kind can use it")
    parser.add_argument("--index", metavar="URL", help="the package index, in place of the one that pip is set to")
    parser.add_argument(
        "--extra-index", metavar="URL", action="append", default=[], help="another package index besides; repeatable"
    )
    parser.add_argument("--rebuild", action="store_true", help="make it anew, and compile again what is compiled")


VERB = Verb("sync", "make the environment of an engine kind, or test the one that is there", _arguments, _run)
