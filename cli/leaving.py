"""Told to leave: SIGTERM and SIGHUP end a command as ctrl+c does, so that it can tidy up first."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import anyio

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def cancelled_when_told() -> Iterator[anyio.CancelScope]:
    """A scope that SIGTERM and SIGHUP cancel; for the main thread, while it awaits."""
    loop = asyncio.get_running_loop()
    heeded = _heeded(SIGNALS)
    with anyio.CancelScope() as scope:
        for one in heeded:
            loop.add_signal_handler(one, scope.cancel)
        try:
            yield scope
        finally:
            for one in heeded:
                loop.remove_signal_handler(one)


@contextmanager
def interrupted_when_told() -> Iterator[None]:
    """SIGTERM, SIGHUP and ctrl+c raise KeyboardInterrupt at once; for the main thread, while it may be blocked."""
    former = {one: signal.signal(one, _interrupt) for one in _heeded((*SIGNALS, signal.SIGINT))}
    try:
        yield
    finally:
        for one, handler in former.items():
            signal.signal(one, handler)


def _heeded(signals: tuple[signal.Signals, ...]) -> list[signal.Signals]:
    """Those that nobody told us to ignore, as `nohup` does."""
    return [one for one in signals if signal.getsignal(one) is not signal.SIG_IGN]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
