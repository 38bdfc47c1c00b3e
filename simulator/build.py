"""Builds the simulated libnvidia-ml.so.1 with gcc, once for each state of its sources; prints the folder it lies in."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent / "source"
LIBRARY = "libnvidia-ml.so.1"
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
LINKING = (f"-Wl,-soname,{LIBRARY}", f"-Wl,--version-script={SOURCES / 'exports.map'}")
FLAGS = ("-std=c11", "-O2", "-fPIC", "-shared", "-pthread", *WARNINGS, *LINKING)
_LOOKED_UP = re.compile(r'_nvmlGetFunctionPointer\("(\w+)"\)')


class BuildFailed(RuntimeError):
    """Raised when there is no gcc, no nvidia-ml-py, or gcc refuses the sources."""


def library_folder(cache: Path | None = None) -> Path:
    """The folder to put on LD_LIBRARY_PATH, with the library in it; built at most once for each state of the sources.

    Raises:
        BuildFailed
    """
    sources = sorted(SOURCES.iterdir())
    stubs = _stubs()
    state = hashlib.sha256("\0".join([*FLAGS, stubs, *(path.read_text() for path in sources)]).encode())
    folder = (cache or _user_cache()) / f"nvml-{state.hexdigest()[:16]}"
    if not (folder / LIBRARY).exists():
        _build([path for path in sources if path.suffix == ".c"], stubs, folder)
    return folder


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "engineroom"


def _stubs() -> str:
    """Every call that nvidia-ml-py looks up, as a weak symbol: what nvml.c defines takes its place."""
    client = importlib.util.find_spec("pynvml")  # found, not imported: it is 8,000 lines
    if client is None or client.origin is None:
        raise BuildFailed("nvidia-ml-py is not installed, and its list of calls is needed: pip install nvidia-ml-py")
    names = sorted(set(_LOOKED_UP.findall(Path(client.origin).read_text(encoding="utf-8"))))
    return "".join(f"__attribute__((weak)) int {name}(void) {{ return 3; }}\n" for name in names)


def _build(sources: list[Path], stubs: str, folder: Path) -> None:
    gcc = shutil.which("gcc")
    if gcc is None:
        raise BuildFailed("gcc is not here, and the simulated GPUs are written in C: apt install gcc libc6-dev")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as place:
        stub_file = Path(place, "stubs.c")
        stub_file.write_text(stubs)
        made = Path(place, "made")
        made.mkdir()
        command = [gcc, *FLAGS, "-o", str(made / LIBRARY), *map(str, sources), str(stub_file), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildFailed(f"gcc refuses the simulator's sources:\n{done.stderr}")
        try:
            made.rename(folder)
        except OSError:
            if not (folder / LIBRARY).exists():  # else another process was first
                raise


if __name__ == "__main__":
    print(library_folder())
