"""What a model computes in: what `auto` means on this machine, and the nearest of what it can do to what it cannot."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from engines.contract import CannotLoad
from ipc.errors import Problem

_AUTO_ON_GPU: Final = ("float16", "bfloat16", "int8_float32", "int8", "float32")
_AUTO_ON_CPU: Final = ("int8", "int8_float32", "float32")
_NEAREST: Final = {
    "float16": ("bfloat16", "float32", "int8"),
    "bfloat16": ("float16", "float32", "int8"),
    "int8_float16": ("int8_bfloat16", "int8_float32", "int8", "float32"),
    "int8_bfloat16": ("int8_float16", "int8_float32", "int8", "float32"),
    "int8_float32": ("int8", "float32"),
    "int8": ("int8_float32", "int8_float16", "float32"),
    "float32": (),
}
"""Of the same size before another: that is what was asked for."""


def chosen(wanted: str, supported: Collection[str], *, on_gpu: bool) -> str:
    """The compute type to load in; float32 works everywhere.

    Raises:
        CannotLoad: this machine cannot compute in it, with the nearest that it can.
    """
    if wanted == "auto":
        return next((one for one in (_AUTO_ON_GPU if on_gpu else _AUTO_ON_CPU) if one in supported), "float32")
    if wanted in supported:
        return wanted
    where = "This GPU" if on_gpu else "The CPU of this machine"
    raise CannotLoad(
        Problem(
            "Cannot compute so",
            f"{where} cannot compute in {wanted}; it can in {', '.join(sorted(supported))}.",
            f"Set quantization to {nearest(wanted, supported)}, which is nearest to it, or to auto.",
        )
    )


def nearest(wanted: str, supported: Collection[str]) -> str:
    """Of what can be done."""
    return next((one for one in _NEAREST.get(wanted, ()) if one in supported), "float32")
