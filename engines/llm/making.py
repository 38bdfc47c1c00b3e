"""Has a level made that has no file yet: once, by a process that can be ended at any time, or not at all."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import psutil

from engines.contract import CannotLoad, LoadCancelled, Progress
from engines.llm.cache import Made, entry_of, look, publish, sweep, workshop
from engines.llm.files import ModelFile
from engines.llm.order import Finished, GaveUp, Line, Order, Step
from engines.llm.quantizer import not_written
from engines.llm.wanted import MADE, ToMake
from ipc.errors import Problem

_LOOK_SECONDS: Final = 0.1
"""How soon a cancel is heard."""
_ROOT = Path(__file__).parents[2]
_UNQUANTIZED = {"F32", "F16", "BF16"}
_log = logging.getLogger(__name__)


def make(wish: ToMake, threads: int, report: Progress) -> ModelFile:
    """The file, from the cache if another process has just made it; `report` hears how far it is, 0..1.

    Raises:
        CannotLoad: it cannot be made, or not be kept.
        LoadCancelled: `report` said so; nothing is left.
    """
    sweep()
    try:
        with workshop(wish.entry, lambda: _wait(report)) as new:
            made = look(wish.entry)
            if made is not None:
                return made
            if caution := warning(wish.source, wish.level):
                _log.warning("%s", caution)
            _log.warning("making %s of %s, once", MADE[wish.level][1], wish.source.path.name)
            record = _spawned(wish, new / wish.file_name, threads, report)
            if entry_of(wish.source, wish.level) != wish.entry:
                raise _replaced(wish)
            publish(new, wish.entry, record)
    except OSError as error:
        raise CannotLoad(not_written(wish.entry.parent, error.strerror or str(error))) from error
    made = look(wish.entry)
    if made is None:
        raise CannotLoad(not_written(wish.entry, "what was made cannot be read again"))
    return made


def warning(source: ModelFile, level: str) -> str:
    """What a person should know before a level is made of that source; mostly nothing."""
    was = source.header.quantization or source.header.level
    if was in _UNQUANTIZED or source.header.level in ("q16", "q32"):
        return ""
    return f"{source.path.name} is {was}, quantized already: {level} made of it is worse than {level} made of F16"


def _spawned(wish: ToMake, target: Path, threads: int, report: Progress) -> Made:
    order = Order(
        source=str(wish.source.path),
        identity=wish.source.identity(),
        target=str(target),
        level=wish.level,
        file_type=wish.file_type,
        threads=threads,
        parent=os.getpid(),
    )
    with _process(order) as process:
        for line in _lines(process, report):
            match line:
                case Step(fraction):
                    report.loading(fraction)
                case Finished(made):
                    return made
                case GaveUp(problem):
                    raise CannotLoad(problem)
        code = process.wait()
    raise CannotLoad(_ended(wish, code))


@contextmanager
def _process(order: Order) -> Iterator[subprocess.Popen[bytes]]:
    """Runs while the block lasts, at most."""
    environment: Mapping[str, str] = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH")))),
        # It computes on the CPU: nothing was claimed for it on a GPU.
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    command = [sys.executable, "-P", "-m", "engines.llm.quantizer", msgspec.json.encode(order).decode()]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def _lines(process: subprocess.Popen[bytes], report: Progress) -> Iterator[Line]:
    """What it says until it ends; its CPU time counts as a step, for one tensor may take long."""
    assert process.stdout is not None
    descriptor, rest, used = process.stdout.fileno(), b"", -1.0
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            if report.cancelled():
                raise LoadCancelled
            if selector.select(_LOOK_SECONDS):
                data = os.read(descriptor, 65536)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    yield msgspec.json.decode(line, type=Line)
            elif (now := _cpu_seconds(process.pid)) > used:
                used = now
                report.step()


def _cpu_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _wait(report: Progress) -> None:
    """While another process makes it: its own supervisor sees to it that it does not hang."""
    if report.cancelled():
        raise LoadCancelled
    report.step()
    time.sleep(_LOOK_SECONDS)


def _ended(wish: ToMake, code: int) -> Problem:
    how = f"signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"code {code}"
    memory = " The host's memory may not have sufficed." if code == -signal.SIGKILL else ""
    return Problem(
        "Level not made",
        f"The process that made {wish.level} of {wish.source.path.name} ended with {how}.{memory}",
        "Its last words are in the engine's log; try again, or choose another level.",
    )


def _replaced(wish: ToMake) -> CannotLoad:
    return CannotLoad(
        Problem("Source replaced", f"{wish.source.path} changed while {wish.level} was made of it.", "Load it again.")
    )
