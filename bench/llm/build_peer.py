"""Build llama.cpp's own programs against the libraries installed here, so that all compute with the same code.

    python -m bench.llm.build_peer [--into FOLDER]

The sources come with llama-cpp-python's source distribution of the installed version (77 MB), the libraries from its
wheel; only the programs themselves are compiled, in two minutes of one niced core. Needs pip, a C++ compiler and cmake.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

import llama_cpp

from bench.llm.server import BATCHED, SERVER
from ipc.places import xdg_base

LIBRARIES = ("mtmd", "llama-common", "llama", "ggml", "ggml-base")


def default_folder() -> Path:
    """Where the programs are looked for unless told: outside the repository, by version."""
    cache = xdg_base(os.environ, "XDG_CACHE_HOME", ".cache")
    return cache / "engineroom" / f"llama-cpp-{version('llama-cpp-python')}"


def build(folder: Path) -> None:
    """Put both programs into `folder`.

    Raises:
        SystemExit: something is missing; says what.
    """
    libraries = Path(llama_cpp.__file__).parents[1] / "lib"
    if missing := [name for name in LIBRARIES if not (libraries / f"lib{name}.so").exists()]:
        sys.exit(f"{libraries} has no lib{missing[0]}.so: this wheel was built without it")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="er-peer-") as place:
        sources = _sources(Path(place))
        _link(sources, folder / BATCHED, [*(sources / "tools" / "batched-bench").glob("*.cpp")], libraries)
        server = [*(sources / "tools" / "server").glob("*.cpp"), sources / "vendor" / "cpp-httplib" / "httplib.cpp"]
        _link(sources, folder / SERVER, [*server, _page(sources, Path(place) / "ui")], libraries)


def _sources(place: Path) -> Path:
    wanted = f"llama-cpp-python=={version('llama-cpp-python')}"
    _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", wanted], place)
    [archive] = place.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(place, filter="data")
    [tools] = place.glob("*/vendor/llama.cpp/tools")
    return tools.parent


def _page(sources: Path, place: Path) -> Path:
    """The server's page in a browser, as an empty one."""
    told = {"UI_SOURCE_DIR": sources / "tools" / "ui", "UI_BINARY_DIR": place, "LLAMA_SOURCE_DIR": sources}
    off = ("HF_ENABLED", "BUILD_UI", "LLAMA_UI_GZIP")
    options = [*(f"-D{name}={value}" for name, value in told.items()), *(f"-D{name}=OFF" for name in off)]
    place.mkdir()
    _run(["cmake", *options, "-P", str(sources / "scripts" / "ui-assets.cmake")], place)
    return place / "ui.cpp"


def _link(sources: Path, program: Path, files: list[Path], libraries: Path) -> None:
    print(f"{program.name}: {len(files)} files", flush=True)
    within = ("common", "include", "ggml/include", "vendor", "src", "tools/mtmd", "tools/server", ".")
    folders = [f"-I{sources / name}" for name in within] + [f"-I{file.parent}" for file in files]
    _run(
        [
            "nice", "-n", "19", "c++", "-std=c++17", "-O2", "-w", "-DLLAMA_SUBPROCESS", *dict.fromkeys(folders),
            *map(str, files), "-o", str(program), f"-L{libraries}", *(f"-l{name}" for name in LIBRARIES), "-lpthread",
            f"-Wl,--disable-new-dtags,-rpath,{libraries}",
        ],
        sources,
    )  # fmt: skip


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit(f"there is no {command[0]}")
    if done.returncode != 0:
        sys.exit(f"{' '.join(command[:4])}… ended with {done.returncode}:\n{done.stderr[-4000:]}")


def main() -> None:
    """Build."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.llm.build_peer", description=__doc__.split("\n")[0] if __doc__ else None
    )
    parser.add_argument("--into", type=Path, default=default_folder())
    folder: Path = parser.parse_args().into
    build(folder.absolute())
    print(f"{SERVER} and {BATCHED} are in {folder}")


if __name__ == "__main__":
    main()
