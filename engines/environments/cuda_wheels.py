"""CUDA's libraries that came as wheels, brought in before a library looks for them by name.

They lie in `nvidia/*/lib` of the environment, where the loader does not search; one that is loaded is found again.
"""

from __future__ import annotations

import ctypes
import site
from contextlib import suppress
from pathlib import Path
from typing import Final

_WANTED: Final = (
    "libcudart.", "libnvJitLink.", "libnvrtc.", "libcublasLt.", "libcublas.", "libcufft.", "libcurand.", "libcudnn.",
)  # fmt: skip
"""Beginnings of their names; the parts of cuDNN are found by itself, and nvBLAS would put itself before numpy's."""


def preload() -> tuple[str, ...]:
    """Load all that can be loaded, and tell their names; without a GPU's driver, or without such wheels, fewer or none.

    Call it before the model library is imported.
    """
    waiting = [
        file
        for folder in site.getsitepackages()
        for file in sorted(Path(folder).glob("nvidia/**/lib/lib*.so*"))
        if file.name.startswith(_WANTED)
    ]
    loaded: list[str] = []
    while waiting:
        left = [file for file in waiting if not _load(file)]
        loaded += [file.name for file in waiting if file not in left]
        if len(left) == len(waiting):  # what is left needs something that is not here
            break
        waiting = left
    return tuple(loaded)


def _load(file: Path) -> bool:
    with suppress(OSError):
        ctypes.CDLL(str(file))
        return True
    return False
