"""The native library, opened once per process: its log goes to stderr, and what it complained about is kept.

llama.cpp answers a failure with a null pointer; the reason is only in its log.
"""

from __future__ import annotations

import ctypes
import functools
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import llama_cpp as lib

_INFO, _WARN, _ERROR, _CONTINUED = 2, 3, 4, 5
"""ggml's log levels as the library uses them; the binding's own table is of an older numbering."""

_MEMORY = re.compile(r"alloc|out of memory|\boom\b", re.IGNORECASE)


class Library:
    """Holds the log callback, which must live as long as the process; get it from `open_library`."""

    def __init__(self) -> None:
        self._complaints: deque[str] = deque(maxlen=20)
        self._level = 0
        self._heard: list[str] | None = None
        self._listen: Callable[[str], None] | None = None
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
        """Whether this build of the library can use a GPU, and this process sees one."""
        return bool(lib.llama_supports_gpu_offload())

    def system_info(self) -> str:
        """What the library was built for and with."""
        return bytes(lib.llama_print_system_info()).decode("ascii", "replace")

    @contextmanager
    def hearing(self, listen: Callable[[str], None] | None = None) -> Iterator[list[str]]:
        """All that is logged meanwhile, debugging aside: sizes and layers are told nowhere else. `listen` hears it at
        once."""
        heard: list[str] = []
        self._heard, self._listen = heard, listen
        try:
            yield heard
        finally:
            self._heard = self._listen = None

    def _log(self, level: int, text: bytes, _data: object) -> None:
        if level != _CONTINUED:
            self._level = level
        if self._level < (_WARN if self._heard is None else _INFO):
            return
        line = text.decode("utf-8", "replace")
        if self._heard is not None:
            self._heard.append(line)
        if self._listen is not None:
            self._listen(line)
        if self._level < _WARN:
            return
        sys.stderr.write(line)
        if self._level == _ERROR and line.strip():
            self._complaints.append(line.strip().rstrip("."))


@functools.cache
def open_library() -> Library:
    """The one library of this process."""
    return Library()
