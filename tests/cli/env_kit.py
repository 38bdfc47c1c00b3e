"""Environments made for real without any network: an index of what this Python has, and a package that is compiled.

The package's backend says what a compiler would, waits where a test holds it, and notes what it was told.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Final, TextIO

from cli.environments.make import Making
from cli.environments.progress import Progress
from engines.environments.machine import Machine
from engines.environments.requirements import Requirements, requirements_of

NOT_IN_A_WHEEL: Final = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
MACHINE: Final = Machine("cpython 3", "linux", "A CPU", ("avx", "avx2"))

BACKEND = """
import os, pathlib, sys, time, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    notes = pathlib.Path(os.environ["TINY_NOTES"])
    with notes.open("a") as file:
        file.write(os.environ.get("CMAKE_ARGS", "") + "\\n")
    for done in (1, 2, 3):
        print(f"[{done}/3] Building CXX object tiny.cpp.o", flush=True)
    while os.environ.get("TINY_HELD") and pathlib.Path(os.environ["TINY_HELD"]).exists():
        time.sleep(0.02)
    if os.environ.get("TINY_FAILS"):
        print(os.environ["TINY_FAILS"], flush=True)
        raise SystemExit(1)
    name = "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("tiny.pth", os.environ.get("TINY_PTH", ""))
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "tiny.pth,,\\n")
    return name
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


CRASHES_IN_ITS_TEST: Final = (
    "import os, sys, signal; 'selftest' in ' '.join(sys.orig_argv) and os.kill(os.getpid(), signal.SIGILL)\n"
)
"""For TINY_PTH: what is run whenever a Python starts that has such a `tiny`."""


def fill_index(folder: Path) -> Path:
    """A folder with a wheel of every package that an engine's process needs, and the source of `tiny`."""
    folder.mkdir(parents=True)
    for pin in requirements_of("fake", "cpu").wheels:
        _wheel(pin.partition("==")[0], folder)
    with tarfile.open(folder / "tiny-1.tar.gz", "w:gz") as archive:
        texts = {"backend.py": BACKEND, "pyproject.toml": PYPROJECT, "PKG-INFO": "Name: tiny\nVersion: 1\n"}
        for name, text in texts.items():
            entry = tarfile.TarInfo(f"tiny-1/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return folder


def as_index(wheels: Path, folder: Path, *names: str) -> str:
    """A package index with the wheels of these packages, which are taken out of the folder `wheels`; its URL."""
    for name in names:
        page = folder / name / "index.html"
        page.parent.mkdir(parents=True)
        (wheel,) = wheels.glob(f"{name.replace('-', '_')}-*.whl")
        wheel.rename(page.parent / wheel.name)
        page.write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    return folder.as_uri()


def _wheel(name: str, folder: Path) -> None:
    """What is installed here of that package, as the wheel that it came from."""
    found = distribution(name)
    told = (found.read_text("WHEEL") or "").splitlines()
    tag = next(line.removeprefix("Tag: ") for line in told if line.startswith("Tag: "))
    files = [file for file in found.files or () if ".." not in file.parts and "__pycache__" not in file.parts]
    about = next(file.parts[0] for file in files if file.parts[0].endswith(".dist-info"))
    with zipfile.ZipFile(folder / f"{about.removesuffix('.dist-info')}-{tag}.whl", "w") as wheel:
        for file in files:
            if file.name not in NOT_IN_A_WHEEL:
                wheel.write(file.locate(), str(file))
        wheel.writestr(f"{about}/RECORD", "")


def offline(index: Path) -> dict[str, str]:
    """Variables with which pip takes everything from that folder, and nothing from anywhere else."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": os.devnull}


@dataclass
class Workplace:
    """Where the tests of one file make environments of `tiny`."""

    folder: Path
    index: Path

    @property
    def environments(self) -> Path:
        return self.folder / "environments"

    @property
    def notes(self) -> Path:
        return self.folder / "notes"

    def compiled(self) -> list[str]:
        """What each compile was told, oldest first."""
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def await_compiled(self, seconds: float = 60.0) -> None:
        """Until the first compile has begun."""
        deadline = time.monotonic() + seconds
        while not self.compiled():
            assert time.monotonic() < deadline, "nothing is compiled"
            time.sleep(0.01)

    def wheel_by_hand(self, **more: str) -> None:
        """What a user did once: pip compiled `tiny` for whatever, and kept it in its ordinary cache."""
        command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "tiny"]
        subprocess.run(command, env=self.environ(**more), cwd=self.folder, check=True, capture_output=True)

    def environ(self, **more: str) -> dict[str, str]:
        return {
            **os.environ,
            **offline(self.index),
            "PIP_CACHE_DIR": str(self.folder / "cache"),
            "TINY_NOTES": str(self.notes),
            **more,
        }

    def making(self, stream: TextIO, machine: Machine = MACHINE, *, whole: bool = False, **more: str) -> Making:
        """Of `tiny`, and of what its self-test needs where it is `whole`: else it is quickly made, and fails that."""
        wanted = Requirements("fake", "cpu", requirements_of("fake", "cpu").wheels if whole else (), ("tiny==1",))
        return Making(self.environments, wanted, machine, self.environ(**more), Progress(stream), _nobody)


def _nobody(pid: str) -> None:
    raise AssertionError(f"{pid} is at it")
