"""The native library, opened once per process: its log goes to stderr, and what it complained about is kept.

llama.cpp answers a failure with a null pointer; the reason is only in its log.
"""

from __future__ import annotations

import ctypes
import functools
import re
import sys
from collections import deque

import llama_cpp as lib

_WARN, _ERROR, _CONTINUED = 3, 4, 5
"""ggml's log levels as the library uses them; the binding's own table is of an older numbering."""

_MEMORY = re.compile(r"alloc|out of memory|\boom\b", re.IGNORECASE)


class Library:
    """Holds the log callback, which must live as long as the process; get it from `open_library`."""

    def __init__(self) -> None:
        self._complaints: deque[str] = deque(maxlen=20)
        self._level = 0
        self._callback = lib.llama_log_callback(self._log)
        lib.llama_log_set(self._callback, ctypes.c_void_p(0))
        lib.llama_backend_init()

    def forget(self) -> None:
        """Before an attempt: what is complained about from now on belongs to it."""
        self._complaints.clear()

    def complaint(self) -> str:
        """The errors since `forget` as one sentence, or an empty text."""
        return "; ".join(dict.fromkeys(self._complaints))

    def ran_out_of_memory(self) -> bool:
        """Whether a complaint since `forget` speaks of memory."""
        return any(_MEMORY.search(text) for text in self._complaints)

    def has_gpu(self) -> bool:
        """Whether this build of the library can use a GPU."""
        return bool(lib.llama_supports_gpu_offload())

    def _log(self, level: int, text: bytes, _data: object) -> None:
        if level != _CONTINUED:
            self._level = level
        if self._level < _WARN:
            return
        line = text.decode("utf-8", "replace")
        sys.stderr.write(line)
        if self._level == _ERROR and line.strip():
            self._complaints.append(line.strip().rstrip("."))


@functools.cache
def open_library() -> Library:
    """The one library of this process."""
    return Library()
