"""The compilers that a build needs, found before it begins; and what it is told through its environment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from engines.environments.machine import Machine
from engines.environments.requirements import Device
from ipc.errors import Problem, RequestFailed

_CPP: Final = ("c++", "g++", "clang++")
_C: Final = ("cc", "gcc", "clang")
_TOOLKITS: Final = ("CUDA_HOME", "CUDA_PATH")
_USUAL: Final = Path("/usr/local/cuda")


def build_environ(device: Device, machine: Machine, environ: Mapping[str, str]) -> dict[str, str]:
    """What is added to the environment of a compile.

    CMAKE_ARGS are ours alone: others would make something else of what is kept under one key.

    Raises:
        RequestFailed: no compiler, or none for CUDA; says what to install.
    """
    path = environ.get("PATH", os.defpath)
    if _found(environ.get("CXX", ""), _CPP, path) is None or _found(environ.get("CC", ""), _C, path) is None:
        raise RequestFailed(
            Problem(
                "No compiler",
                "llama.cpp is compiled for this machine, and no C and C++ compiler was found.",
                "Install them: apt install build-essential, or dnf install gcc-c++.",
            )
        )
    if device == "cpu":
        return {"CMAKE_ARGS": "-DGGML_NATIVE=on -DGGML_CUDA=off"}
    nvcc = _nvcc(environ, path)
    if nvcc is None:
        raise RequestFailed(
            Problem(
                "No nvcc",
                "llama.cpp is compiled for these GPUs, and NVIDIA's compiler nvcc was not found.",
                "Install the CUDA toolkit, set CUDA_HOME to it, or use the CPU: --device cpu.",
            )
        )
    architectures = ";".join(one.replace(".", "") for one in machine.capabilities)
    return {
        "CMAKE_ARGS": f"-DGGML_NATIVE=on -DGGML_CUDA=on -DCMAKE_CUDA_ARCHITECTURES={architectures}",
        "CUDACXX": nvcc,
    }


def _found(told: str, usual: Sequence[str], path: str) -> str | None:
    """The compiler that the user told (with its options behind it), or the first of the usual ones."""
    names = told.split()[:1] or usual
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def _nvcc(environ: Mapping[str, str], path: str) -> str | None:
    toolkits = [Path(environ[name]) for name in _TOOLKITS if environ.get(name)]
    folders = os.pathsep.join((*(str(one / "bin") for one in toolkits), path, str(_USUAL / "bin")))
    return _found(environ.get("CUDACXX", ""), ("nvcc",), folders)
