"""Which language each recording is in, found once, in its first speech."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from engines.stt.aboard import Key

_KNOWN: Final = 1024
"""So many recordings are remembered."""


class Told(NamedTuple):
    """A language, and how sure the model is of it."""

    language: str
    probability: float


class Languages:
    """The thread that reads asks who has to read a beginning; the loop learns and looks up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Key, Told] = OrderedDict()
        self._claimed: set[Key] = set()

    def of(self, key: Key) -> Told | None:
        """None while it is not known."""
        with self._lock:
            return self._known.get(key)

    def claim(self, key: Key) -> bool:
        """True for one caller while it is not known: the one that finds it out."""
        with self._lock:
            if key in self._known or key in self._claimed:
                return False
            self._claimed.add(key)
            return True

    def release(self, key: Key) -> None:
        """Whoever claimed it will not find it out."""
        with self._lock:
            self._claimed.discard(key)

    def pending(self, key: Key) -> bool:
        """Whether somebody is about to find it out."""
        with self._lock:
            return key in self._claimed

    def learn(self, key: Key, told: Told) -> None:
        """It was found out."""
        with self._lock:
            self._claimed.discard(key)
            self._known[key] = told
            while len(self._known) > _KNOWN:
                self._known.popitem(last=False)
