"""Batches decoded at the same time: so many threads, each waiting for the library."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from engines.contract import OutOfMemory
from engines.stt.aboard import Part
from engines.stt.trouble import memory_told

R = TypeVar("R")


@dataclass(frozen=True)
class Made(Generic[R]):
    """What was made for some parts, and in how many seconds; or that there was too little memory for it."""

    parts: tuple[Part, ...]
    result: R | OutOfMemory
    seconds: float


class Streams:
    """Ended by `close`. What is made goes to `news`, as does what went wrong."""

    def __init__(self, count: int, news: SimpleQueue[Any]) -> None:
        self._count = count
        self._news = news
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="stream")
        self._begun: dict[tuple[Part, ...], float] = {}

    @property
    def free(self) -> bool:
        """Whether one more can begin at once."""
        return len(self._begun) < self._count

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._begun)

    def alive(self, most_seconds: Callable[[int], float]) -> bool:
        """Whether something is under way, and nothing for longer than may be for so many parts."""
        now = time.monotonic()
        return self.busy and all(now - since < most_seconds(len(parts)) for parts, since in self._begun.items())

    def begin(self, parts: tuple[Part, ...], make: Callable[[], object]) -> None:
        """Make something for these parts."""
        self._begun[parts] = time.monotonic()
        self._pool.submit(self._make, parts, make)

    def over(self, made: Made[Any]) -> None:
        """The loop has taken it from `news`."""
        del self._begun[made.parts]

    def close(self) -> None:
        """Waits for what is under way: the library frees nothing that it computes with."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, parts: tuple[Part, ...], make: Callable[[], object]) -> None:
        started = time.monotonic()
        try:
            with memory_told():
                result = make()
        except OutOfMemory as error:
            self._news.put(Made(parts, error, time.monotonic() - started))
        except BaseException as error:  # noqa: BLE001 (outermost of this thread: the loop raises it)
            self._news.put(error)
        else:
            self._news.put(Made(parts, result, time.monotonic() - started))
