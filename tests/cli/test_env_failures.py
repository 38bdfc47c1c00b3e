"""What went wrong while an environment was made, by what pip and compilers print; and compilers that are not there."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from cli.environments import toolchain
from cli.environments.failures import of_build, of_output, of_system
from cli.environments.program import Output
from cli.environments.toolchain import build_environ
from engines.environments.machine import Machine
from ipc.errors import RequestFailed

FOLDER, LOG = Path("/data/environments/llm-cpu-1"), Path("/data/environments/llm-cpu-1.log")
BOX = Machine("cpython 3.11", "linux-x86_64", "A CPU", ("avx2",), ("8.6", "12.0"))


UNREACHED = """\
WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...): Failed to establish a new \
connection: [Errno -3] Temporary failure in name resolution')': /simple/anyio/
ERROR: No matching distribution found for anyio==4.16.0"""


@pytest.mark.parametrize(
    ("line", "title", "says"),
    [
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "Disk full", str(FOLDER)),
        ("OSError: [Errno 122] Disk quota exceeded: '/data'", "Disk full", "ENGINEROOM_DATA"),
        (UNREACHED, "No package index", "--index URL"),
        ("ERROR: No matching distribution found for onnxruntime-gpu==1.31.1", "Not offered", "onnxruntime-gpu==1.31.1"),
        (
            "ERROR: No matching distribution found for torch==2.13.0+cpu; sys_platform == 'linux'",
            "Not offered",
            "Add PyTorch's own index for CPUs (pytorch.org shows its address): --extra-index URL.",
        ),
        ("The virtual environment was not created because ensurepip is not available.", "No ensurepip", "apt"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\nmore", "Environment not made", "DO NOT MATCH"),
        ("", "Environment not made", "it ended with 1"),
    ],
)  # fmt: skip
def test_what_pip_prints(line: str, title: str, says: str) -> None:
    problem = of_output(Output(1, tuple(line.split("\n"))), "installing packages", FOLDER, LOG)
    assert problem.title == title
    assert says in f"{problem.detail} {problem.hint}"
    assert problem.hint


@pytest.mark.parametrize(
    ("lines", "title", "says"),
    [
        (("[3/9] c++ a.cpp", "a.cpp:7:9: error: no member", "ninja: build stopped"), "Not compiled", "a.cpp:7:9"),
        (("CMake Error at CMakeLists.txt:9 (find_package):",), "Not compiled", "CMake Error at CMakeLists.txt:9"),
        (("nvcc fatal   : Unsupported gpu architecture", "FAILED: ggml-cuda.o"), "Not compiled", "FAILED: ggml-cuda.o"),
        (("a.cpp: error: x", "fatal error: /tmp/a.s: No space left on device"), "Disk full", "Make room"),
        (("ERROR: No matching distribution found for llama_cpp_python",), "Not offered", "llama_cpp_python"),
    ],
)  # fmt: skip
def test_what_compilers_print(lines: tuple[str, ...], title: str, says: str) -> None:
    problem = of_build(Output(1, lines), "llama_cpp_python", FOLDER, LOG)
    assert problem.title == title
    assert says in f"{problem.detail} {problem.hint}"


def test_what_the_system_says() -> None:
    assert of_system(OSError(errno.ENOSPC, "No space left on device", "/data"), FOLDER).title == "Disk full"
    problem = of_system(PermissionError(errno.EACCES, "Permission denied", "/data/environments"), FOLDER)
    assert problem.detail == "/data/environments: Permission denied."
    assert "ENGINEROOM_DATA" in problem.hint


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for programs, the only one that is looked into."""
    monkeypatch.setattr(toolchain, "_USUAL", tmp_path / "usual")
    return tmp_path


def program(path: Path) -> str:
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o755)
    return str(path)


def test_without_a_compiler_it_says_what_to_install(tools: Path) -> None:
    with pytest.raises(RequestFailed) as refused:
        build_environ("cpu", BOX, {"PATH": str(tools)})
    assert (refused.value.problem.title, "build-essential" in refused.value.problem.hint) == ("No compiler", True)
    program(tools / "cc")
    with pytest.raises(RequestFailed):
        build_environ("cpu", BOX, {"PATH": str(tools)})
    program(tools / "c++")
    told = build_environ("cpu", BOX, {"PATH": str(tools), "CMAKE_ARGS": "-DGGML_CUDA=on"})
    assert "GGML_CUDA=off" in told["CMAKE_ARGS"]
    with pytest.raises(RequestFailed):
        build_environ("cpu", BOX, {"PATH": str(tools), "CXX": "icpx -O3"})


def test_without_nvcc_it_says_what_to_install_or_leave(tools: Path) -> None:
    environ = {"PATH": str(tools), "CC": program(tools / "cc"), "CXX": program(tools / "c++")}
    with pytest.raises(RequestFailed) as refused:
        build_environ("cuda", BOX, environ)
    assert refused.value.problem.title == "No nvcc"
    assert "--device cpu" in refused.value.problem.hint


def test_nvcc_is_found_where_people_have_it_and_told_every_card(tools: Path) -> None:
    environ = {"PATH": str(tools), "CC": program(tools / "cc"), "CXX": program(tools / "c++")}
    (tools / "usual").mkdir()
    usual = program(tools / "usual" / "bin" / "nvcc")
    found = build_environ("cuda", BOX, environ)
    assert found["CUDACXX"] == usual
    assert found["CMAKE_ARGS"].endswith("-DGGML_CUDA=on -DCMAKE_CUDA_ARCHITECTURES=86;120")
    told = program(tools / "toolkit-nvcc")
    assert build_environ("cuda", BOX, {**environ, "CUDACXX": told})["CUDACXX"] == told
