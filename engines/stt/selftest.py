"""The self-test of an `stt` environment: CTranslate2 names its devices, and numbers make their way through one."""

from __future__ import annotations

import ctypes
from importlib import import_module
from typing import Final

from engines.environments.cuda_wheels import preload
from engines.environments.record import SelfTest
from engines.environments.requirements import Device

_NEEDED: Final = ("libcublas.so.12", "libcudnn.so.9")
"""What CTranslate2 4 opens by name when it computes on a GPU, and aborts the process without."""


def compute(device: Device) -> SelfTest:
    """Move numbers through the device.

    Raises:
        ImportError, OSError: a library is missing, one of CUDA's too.
        RuntimeError: other numbers come out.
    """
    if device == "cuda":
        preload()
        for name in _NEEDED:
            ctypes.CDLL(name)
    ctranslate2, numpy = import_module("ctranslate2"), import_module("numpy")
    import_module("faster_whisper")
    count = ctranslate2.get_cuda_device_count()
    where: Device = "cuda" if device == "cuda" and count else "cpu"
    there = ctranslate2.Device.cuda if where == "cuda" else ctranslate2.Device.cpu
    numbers = numpy.arange(8, dtype=numpy.float32)
    moved = ctranslate2.StorageView.from_array(numbers).to_device(there).to(ctranslate2.DataType.float16)
    back = numpy.array(moved.to_device(ctranslate2.Device.cpu).to(ctranslate2.DataType.float32))
    if back.tolist() != numbers.tolist():
        raise RuntimeError(f"{numbers.tolist()} came back from {where} as {back.tolist()}")
    kinds = " ".join(sorted(ctranslate2.get_supported_compute_types(where)))
    return SelfTest(True, where, f"CTranslate2 {ctranslate2.__version__} on {_named(where, count)}: {kinds}")


def _named(where: Device, count: int) -> str:
    if where == "cpu":
        return "the CPU"
    return f"{count} GPU{'s' if count != 1 else ''}"
