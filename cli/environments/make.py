"""Make an environment, or find it made: step by step, so that it is whole or not there.

In the folder of the name that its makings give it: a virtual environment, what was compiled for it, and last of all
the record. Until that is written nobody uses it, and the next sync begins it anew.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from cli.environments import failures
from cli.environments.lock import locked
from cli.environments.packages import Indexes, Packages
from cli.environments.program import Programs
from cli.environments.progress import Progress
from cli.environments.python import venv_command
from cli.environments.retire import retire
from cli.environments.testing import self_test
from cli.environments.toolchain import build_environ
from config.durable import replace_whole
from engines.environments.key import build_key, name_of
from engines.environments.machine import Machine
from engines.environments.record import BUILT, RECORD, Environment, SelfTest, Stored, read_record, stored
from engines.environments.requirements import Requirements
from ipc.errors import Problem, RequestFailed

_WORK: Final = "work"
"""Of the folders in an environment, the one for what is thrown away."""
_PASSING: Final = ("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PYTHONHOME", "PYTHONPATH")
"""Variables that would make pip put packages elsewhere; PIP_INDEX_URL and its like stay."""


@dataclass(frozen=True)
class Making:
    """What is to be made, and where; `waits` is told the pid of another sync that has begun the same."""

    environments: Path
    requirements: Requirements
    machine: Machine
    environ: Mapping[str, str]
    progress: Progress
    waits: Callable[[str], None]
    indexes: Indexes = Indexes()

    @property
    def name(self) -> str:
        return name_of(self.requirements, self.machine)

    @property
    def folder(self) -> Path:
        return self.environments / self.name

    @property
    def log(self) -> Path:
        return log_of(self.folder)


def log_of(folder: Path) -> Path:
    """What the last sync of that environment printed."""
    return folder.with_name(f"{folder.name}.log")


def lock_of(folder: Path) -> Path:
    """Held while that environment is made or removed."""
    return folder.with_name(f"{folder.name}.lock")


def sync(making: Making, *, rebuild: bool = False) -> Stored:
    """The environment, made where it was not whole (or all anew with `rebuild`), and tested now.

    A test that failed is written down with it; see `Environment.test`.

    Raises:
        RequestFailed: it could not be made, and what was begun is cleared away; or it is used.
    """
    try:
        making.environments.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(lock_of(making.folder), making.waits) as descriptor, making.log.open("a", encoding="utf-8") as log:
            environ = {name: value for name, value in making.environ.items() if name not in _PASSING}
            programs = Programs({**environ, "PYTHONUNBUFFERED": "1"}, log, descriptor)
            if rebuild:
                retire(making.folder)
            known = read_record(making.folder)
            if known is not None:
                made = _tested(making, known, programs)
            else:
                log.truncate(0)
                with _cleared(making.folder, rebuild=rebuild):
                    made = _make(making, programs, rebuild=rebuild)
            _write(making.folder, made)
    except OSError as error:
        raise RequestFailed(failures.of_system(error, making.environments)) from error
    finally:
        making.progress.end()
    return Stored(making.folder, made)


def _tested(making: Making, known: Environment, programs: Programs) -> Environment:
    test = _test(making, programs)
    if known.test.ok and test.later:  # engines go on using it
        text = f"{making.name} could not be tested: {test.text.rstrip('.')}."
        raise RequestFailed(Problem("No memory now", text, "It stays in use. Unload an engine, and try again."))
    return msgspec.structs.replace(known, test=test, tested_unix=time.time())


def _make(making: Making, programs: Programs, *, rebuild: bool) -> Environment:
    began, folder, wanted = time.monotonic(), making.folder, making.requirements
    work = folder / _WORK
    work.mkdir(parents=True)
    # What is unpacked and compiled lies beside the rest: /tmp may be small, and it is cleared with it.
    programs = Programs({**programs.environ, "TMPDIR": str(work)}, programs.log, programs.descriptor)
    making.progress.stage(f"making {making.name}: Python")
    output = programs.run(venv_command(folder))
    if output.code:
        raise RequestFailed(failures.of_output(output, "making a virtual environment", folder, making.log))
    packages = Packages(folder, work, programs, making.progress, making.log, making.indexes)
    # Before anything large is fetched: what is to be compiled lies somewhere, or can be compiled.
    sources = [_source(making, pin, packages, rebuild=rebuild) for pin in wanted.built]
    packages.install(wanted.wheels, "installing packages")
    origin, test = "", None
    for source in sources:
        origin, test = _compiled(making, source, packages, programs)
    packages.check(wanted.unkept)
    if test is None:
        test = _test(making, programs)
    shutil.rmtree(work)
    return Environment(
        kind=wanted.kind,
        device=wanted.device,
        requirements=wanted.digest,
        build=build_key(wanted, making.machine),
        instructions=making.machine.instructions if wanted.built else (),
        capabilities=making.machine.capabilities if wanted.device == "cuda" else (),
        platform=making.machine.platform,
        python=making.machine.python,
        origin=origin,
        made_unix=time.time(),
        made_seconds=time.monotonic() - began,
        tested_unix=time.time(),
        test=test,
    )


@dataclass(frozen=True)
class _Source:
    """Where a package that is compiled comes from: a wheel that was made here `before`, one that was `kept` by pip and
    may be as good, or a compile."""

    pin: str
    before: Path | None = None
    kept: Path | None = None


def _source(making: Making, pin: str, packages: Packages, *, rebuild: bool) -> _Source:
    """Raises RequestFailed where there is no such wheel, and nothing to compile with."""
    if not rebuild and (before := _compiled_before(making, pin)) is not None:
        return _Source(pin, before=before)
    # What pip compiled it for is written nowhere; with CUDA there are too many ways to tell them apart.
    kept = packages.kept_by_pip(pin) if making.requirements.device == "cpu" and not rebuild else None
    if kept is None:
        _build_environ(making)
    return _Source(pin, kept=kept)


def _build_environ(making: Making) -> dict[str, str]:
    return build_environ(making.requirements.device, making.machine, making.environ)


def _compiled(making: Making, source: _Source, packages: Packages, programs: Programs) -> tuple[str, SelfTest | None]:
    """Put in a package that is compiled here; where it came from, as words, and the test if it was made already."""
    into, pin = making.folder / BUILT, source.pin
    if source.before is not None:
        if source.before.parent != into:
            _keep(source.before, into)
        packages.install([str(source.before)], f"installing {pin}, compiled before")
        return "compiled before", None
    if source.kept is not None:
        packages.install([str(source.kept)], f"trying {pin} from pip's cache")
        test = _test(making, programs)
        if test.ok and not test.foreign:  # it says itself that this CPU would get the same
            _keep(source.kept, into)
            return "from pip's cache, compiled for a CPU like this one", test
        packages.uninstall(pin)
    environ, began = _build_environ(making), time.monotonic()
    wheel = packages.compile(pin, making.requirements.tools, environ)
    packages.install([str(_keep(wheel, into))], f"installing {pin}")
    return f"compiled here in {time.monotonic() - began:.0f} s", None


def _keep(wheel: Path, into: Path) -> Path:
    """A copy of it, which is whole when it has its name."""
    into.mkdir(exist_ok=True)
    part = into / f"{wheel.name}.part"
    shutil.copy2(wheel, part)
    return part.replace(into / wheel.name)


def _compiled_before(making: Making, pin: str) -> Path | None:
    """A wheel of that package that was made here for the same CPU and GPUs, in this folder or another's."""
    pattern = f"{pin.replace('==', '-')}-*.whl"
    mine = sorted((making.folder / BUILT).glob(pattern))
    key = build_key(making.requirements, making.machine)
    others = [
        wheel
        for one in stored(making.environments)
        if one.environment is not None and one.environment.build == key
        for wheel in sorted((one.folder / BUILT).glob(pattern))
    ]
    return next(iter([*mine, *others]), None)


def _test(making: Making, programs: Programs) -> SelfTest:
    making.progress.stage("self-test")
    return self_test(making.folder, making.requirements.kind, making.requirements.device, programs)


def _write(folder: Path, environment: Environment) -> None:
    replace_whole(folder / RECORD, msgspec.json.format(msgspec.json.encode(environment)))


@contextmanager
def _cleared(folder: Path, *, rebuild: bool) -> Iterator[None]:
    """Nothing of an earlier attempt is there at the beginning, and nothing of this one after a failure, but what it
    compiled: that may have taken a quarter of an hour."""
    try:
        _clear(folder, keep=() if rebuild else (BUILT,))
        yield
    except BaseException:
        with suppress(OSError):
            _clear(folder, keep=(BUILT,))
        raise


def _clear(folder: Path, *, keep: tuple[str, ...] = ()) -> None:
    (folder / RECORD).unlink(missing_ok=True)  # first: a folder that is half gone must not look whole
    if not folder.exists():
        return
    for entry in folder.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    with suppress(OSError):
        folder.rmdir()
