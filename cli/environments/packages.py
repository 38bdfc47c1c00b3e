"""What pip does in an environment: install what is pinned, compile what is not published for this box."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.environments import failures
from cli.environments.complaints import faults
from cli.environments.program import Output, Programs
from cli.environments.progress import Progress
from cli.environments.python import pip_command
from ipc.errors import RequestFailed

_BEGUN: Final = re.compile(r"^(?:Collecting |Processing \S*/)([\w.]+(?:-(?!\d)[\w.]+)*)")
_UNPACKS: Final = re.compile(r"^Installing collected packages: ")
_FETCHED: Final = re.compile(r"^\s+Downloading (\S+) \(([\d.]+ [MG]B)\)")
_NINJA: Final = re.compile(r"^\s*\[\s*(\d+)/(\d+)\]")
_MAKE: Final = re.compile(r"^\s*\[\s*(\d+)%\]")
_QUIET: Final = ("--disable-pip-version-check", "--no-input", "--no-color")


@dataclass(frozen=True)
class Indexes:
    """Where packages come from, as URLs: `main` in place of the index that pip is set to, where it is told; `more`
    besides all that pip is set to."""

    main: str | None = None
    more: tuple[str, ...] = ()

    def environ(self) -> dict[str, str]:
        """Variables that tell pip `main`."""
        return {} if self.main is None else {"PIP_INDEX_URL": self.main}

    def options(self, work: Path) -> tuple[str, ...]:
        """What tells pip of `more`, by a file in the folder `work`. Raises OSError.

        A variable would take the place of those that pip's configuration names, and everybody can read a command line.
        """
        if not self.more:
            return ()
        file = work / "indexes.txt"
        file.touch(mode=0o600)
        file.write_text("".join(f"--extra-index-url {shlex.quote(url)}\n" for url in self.more))
        return ("--requirement", str(file))


class Packages:
    """pip of the environment in `folder`; what lies in the folder `work` is thrown away in the end.

    Each of its words raises RequestFailed or OSError where it cannot.
    """

    def __init__(
        self, folder: Path, work: Path, programs: Programs, progress: Progress, log: Path, indexes: Indexes
    ) -> None:
        self._folder, self._programs, self._progress, self._log = folder, programs, progress, log
        self._pip, self._indexes = pip_command(folder), indexes
        self._work = work

    def install(self, pins: Sequence[str], stage: str, *, target: Path | None = None) -> None:
        """These and nothing else; into `target`, where nobody else looks, or the environment itself."""
        if not pins:
            return
        self._progress.stage(stage)
        begun = 0

        def hears(line: str) -> None:
            nonlocal begun
            if name := _BEGUN.match(line):
                begun += 1
                self._progress.step(begun, len(pins), name[1])
            elif fetched := _FETCHED.match(line):
                self._progress.step(begun, len(pins), f"{fetched[1]} ({fetched[2]})")
            elif _UNPACKS.match(line):
                self._progress.stage(f"{stage}: unpacking")

        where = ("--target", str(target)) if target else ()
        command = (
            "install",
            *_QUIET,
            "--progress-bar",
            "off",
            "--no-deps",
            *self._indexes.options(self._work),
            *where,
            *pins,
        )
        output = self._programs.run([*self._pip, *command], more=self._indexes.environ(), hears=hears)
        if output.code:
            raise RequestFailed(failures.of_output(output, stage, self._folder, self._log))

    def uninstall(self, pin: str) -> None:
        """That one package."""
        self._programs.run([*self._pip, "uninstall", *_QUIET, "--yes", pin.partition("==")[0]])

    def compile(self, pin: str, tools: Sequence[str], environ: Mapping[str, str]) -> Path:
        """A wheel of that package among what is thrown away, made from its source; nobody's cache is read or written.

        pip knows a wheel that it compiled by the source alone, not by what it was compiled for: the ordinary cache
        could hand us one for another CPU or without CUDA, and would hand ours to others.
        """
        name = pin.partition("==")[0]
        kit, wheels = self._work / "tools", self._work / "wheels"
        if tools:
            self.install(tools, "installing the tools to compile", target=kit)
        self._progress.stage(f"compiling {name}")

        def hears(line: str) -> None:
            if ninja := _NINJA.match(line):
                self._progress.step(int(ninja[1]), int(ninja[2]))
            elif make := _MAKE.match(line):
                self._progress.step(int(make[1]), 100)

        indexes = self._indexes.options(self._work)
        command = ("wheel", *_QUIET, "--verbose", "--progress-bar", "off", "--no-deps", "--no-cache-dir", "--no-binary",
                   name, "--no-build-isolation", "--wheel-dir", str(wheels), *indexes, pin)  # fmt: skip
        path = f"{kit / 'bin'}:{self._programs.environ.get('PATH', '')}"
        more = {**environ, **self._indexes.environ(), "PYTHONPATH": str(kit), "PATH": path}
        output = self._programs.run([*self._pip, *command], more=more, hears=hears, behind=True)
        made = sorted(wheels.glob("*.whl"))
        if output.code or not made:
            raise RequestFailed(failures.of_build(output, name, self._folder, self._log))
        return made[0]

    def kept_by_pip(self, pin: str) -> Path | None:
        """The wheel of that package that pip itself compiled once and kept, whatever for."""
        name, _, version = pin.partition("==")
        output = self._programs.run([*self._pip, "cache", "list", "--format", "abspath", name])
        paths = [Path(line) for line in output.lines if line.endswith(".whl")] if not output.code else []
        return next((one for one in paths if one.name.startswith(f"{name}-{version}-") and one.is_file()), None)

    def check(self, unkept: Sequence[str]) -> None:
        """That every package has what it says it needs, but for those whose own pins are knowingly not kept."""
        output = self._programs.run([*self._pip, "check", "--disable-pip-version-check"])
        if output.code and (wrong := faults(output.lines, unkept)):
            told = Output(output.code, wrong)
            raise RequestFailed(failures.of_output(told, "checking the packages", self._folder, self._log))
