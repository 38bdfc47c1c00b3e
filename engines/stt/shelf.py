"""Recordings that are being planned, kept open: a desk plans one in many stretches, and decodes it once.

Who plans takes one and gives it back; what nobody takes for a while is closed, for its job may be paused or gone.
"""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from engines.contract import nothing
from engines.stt.audio.recording import Recording, stamp
from engines.stt.pages import Pages
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE, Span
from engines.stt.vad.silero import Silero

_MOST: Final = 64
_FILES_EACH: Final = 4
"""Of the files that the process may have open, one in so many is a recording."""
_IDLE_SECONDS: Final = 900.0
"""A slow engine takes so long before more must be planned, and to begin anew costs less then."""
_MOST_MEASURED: Final = 600 * RATE
"""A recording that does not say how long it is is read through up to here."""


class Key(NamedTuple):
    """A file as it is now, and the settings that decide what is found in it."""

    path: str
    stamp: str
    vad: bool
    gate_db: float


class _Kept(NamedTuple):
    pages: Pages
    since: float


class Shelf:
    """From threads too: its own closes what is idle."""

    def __init__(self, most: int, idle_seconds: float) -> None:
        self._most = most
        self._idle_seconds = idle_seconds
        self._kept: dict[Key, _Kept] = {}
        """The one that waits longest first."""
        self._lock = threading.Lock()
        self._closer: threading.Timer | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, key: Key) -> Pages | None:
        """What is kept of it: whoever takes it gives it back or closes it. None where there is nothing."""
        with self._lock:
            self._close([old for old in self._kept if old.path == key.path and old.stamp != key.stamp])
            kept = self._kept.pop(key, None)
            return None if kept is None else kept.pages

    def give_back(self, key: Key, pages: Pages) -> None:
        """It is to be planned on."""
        with self._lock:
            if key in self._kept:  # of another job, at another place
                self._close([key])
            self._kept[key] = _Kept(pages, time.monotonic())
            self._close(list(self._kept)[: -self._most])
            if self._closer is None:
                self._close_in(self._idle_seconds)

    def _close_in(self, seconds: float) -> None:
        self._closer = threading.Timer(seconds, self._close_idle)
        self._closer.daemon = True
        self._closer.start()

    def _close_idle(self) -> None:
        """In the timer's thread."""
        with self._lock:
            late = time.monotonic() - self._idle_seconds
            self._close([key for key, kept in self._kept.items() if kept.since <= late])
            self._closer = None
            if self._kept:
                self._close_in(next(iter(self._kept.values())).since - late)

    def _close(self, keys: list[Key]) -> None:
        for key in keys:
            self._kept.pop(key).pages.close()


_shelf: Final = Shelf(min(_MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _FILES_EACH), _IDLE_SECONDS)
_silero: Final[list[Silero]] = []


def key_of(source: Path, settings: SttSettings) -> Key:
    """Raises NotAudio: it is not there."""
    return Key(str(source), stamp(source), settings.vad, settings.gate_db)


def taken(key: Key, step: Callable[[], None] = nothing) -> Pages:
    """The recording, as far as it was listened to with these settings; whoever takes it keeps it here or closes it.

    Raises:
        NotAudio, NoEar
    """
    if (kept := _shelf.take(key)) is not None:
        return kept
    recording = Recording(Path(key.path))
    try:
        seconds = _measured(key, step) if recording.seconds is None else recording.seconds
        return Pages(recording, _ear() if key.vad else None, key.gate_db, seconds)
    except BaseException:
        recording.close()
        raise


def keep(key: Key, pages: Pages) -> None:
    """It is to be planned on."""
    _shelf.give_back(key, pages)


def kept() -> int:
    """How many recordings are open here."""
    return len(_shelf)


def _measured(key: Key, step: Callable[[], None]) -> float | None:
    """How long a recording is that does not say so, if it is short: read through beside whoever plans it, once."""
    recording = Recording(Path(key.path))
    try:
        recording.read(Span(_MOST_MEASURED, _MOST_MEASURED + 1), step)
        return None if recording.length is None else recording.length / RATE
    finally:
        recording.close()


def _ear() -> Silero:
    """The network, loaded once in this process."""
    if not _silero:
        _silero.append(Silero())
    return _silero[0]
