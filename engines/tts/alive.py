"""Signs of life while a library works for minutes without telling how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_EACH_SECONDS: Final = 5.0
_MOST_SECONDS: Final = 1800.0
"""What takes longer hangs, and should be found to."""


@contextmanager
def alive(
    step: Callable[[], None], each_seconds: float = _EACH_SECONDS, most_seconds: float = _MOST_SECONDS
) -> Iterator[None]:
    """Call `step`, from a thread, each few seconds while the block runs, for half an hour at most."""
    over = threading.Event()

    def beat() -> None:
        for _ in range(int(most_seconds / each_seconds)):
            if over.wait(each_seconds):
                return
            step()

    thread = threading.Thread(target=beat, name="alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
