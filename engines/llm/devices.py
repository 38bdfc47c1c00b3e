"""The GPUs that the native library itself sees, by the names it has for them."""

from __future__ import annotations

import ctypes
from typing import Final

from llama_cpp import llama_cpp as binding

_GPU: Final = (1, 2)
"""ggml's types of a device with its own memory, and of one that shares the host's."""


def gpu_names() -> tuple[str, ...]:
    """In the library's order; none for a build that uses no GPU, or where none is seen."""
    ggml = binding._lib  # the binding has no words for these functions
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.argtypes, ggml.ggml_backend_dev_get.restype = [ctypes.c_size_t], ctypes.c_void_p
    ggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    ggml.ggml_backend_dev_description.argtypes = [ctypes.c_void_p]
    ggml.ggml_backend_dev_description.restype = ctypes.c_char_p
    devices = [ggml.ggml_backend_dev_get(index) for index in range(ggml.ggml_backend_dev_count())]
    return tuple(
        ggml.ggml_backend_dev_description(device).decode("utf-8", "replace")
        for device in devices
        if ggml.ggml_backend_dev_type(device) in _GPU
    )
