"""Vectors of texts that were asked for before, as many as fit; the one that is worth least makes room.

Worth is uses ÷ age, where age is the time since the last use. It falls at another pace for each text, so no heap stays
in order: up to `EXACT` texts all are compared (3 µs), beyond it the least of `SAMPLE` drawn at random goes, which is
among the least 2 % of them two times out of three and costs the same with a million.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.embed.estimate import kept_bytes

Halves: TypeAlias = NDArray[np.float16]
Floats: TypeAlias = NDArray[np.float32]

EXACT = 1024
SAMPLE = 64
KEY_BYTES = 16
_UNUSED = 1e-6
"""What no use counts, so that of two texts that nobody asked for again the older one goes."""
_MOMENT_SECONDS = 1e-6
"""The least age: what was used just now is not worth infinitely much."""


def key_of(text: str) -> bytes:
    """What a text is known by: its digest, so that a long one takes no more room."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


def worth(uses: NDArray[np.float64], last: NDArray[np.float64], now: float) -> NDArray[np.float64]:
    """Uses ÷ seconds since the last one."""
    found: NDArray[np.float64] = (uses + _UNUSED) / np.maximum(now - last, _MOMENT_SECONDS)
    return found


class VectorCache:
    """Slots 0 … n-1 are always in use, so that drawing one at random needs no search. Times are those of `clock`."""

    def __init__(self, dimensions: int, clock: Callable[[], float], random: Random) -> None:
        self.dimensions = dimensions
        self.hits = 0
        self.asked = 0
        self._clock = clock
        self._random = random
        self._most = 0
        self._slots: dict[bytes, int] = {}
        self._keys: list[bytes] = []
        self._vectors: Halves = np.empty((0, dimensions), np.float16)
        self._uses = np.empty(0, np.float64)
        self._last = np.empty(0, np.float64)
        self._tokens = np.empty(0, np.int32)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def most(self) -> int:
        """How many texts fit."""
        return self._most

    def keys(self) -> Sequence[bytes]:
        """Of all texts, by slot."""
        return self._keys

    def limit(self, entries: int, size_bytes: int) -> None:
        """Keep at most so many texts, in so much memory; those worth least go at once where there are more."""
        self._most = min(entries, size_bytes // kept_bytes(self.dimensions))
        if len(self) > self._most:
            now = self._clock()
            count = len(self)
            order = np.argsort(worth(self._uses[:count], self._last[:count], now))
            self._keep(np.sort(order[count - self._most :]))

    def find(self, keys: Sequence[bytes]) -> list[int]:
        """The slot of each, -1 for one that is not there; what is found counts as used."""
        slots = [self._slots.get(key, -1) for key in keys]
        found = [slot for slot in slots if slot >= 0]
        self.asked += len(slots)
        self.hits += len(found)
        if found:
            np.add.at(self._uses, found, 1.0)
            self._last[found] = self._clock()
        return slots

    def take(self, slots: Sequence[int]) -> Floats:
        """The vectors in these slots, in order."""
        taken: Floats = self._vectors[slots].astype(np.float32)
        return taken

    def tokens(self, slot: int) -> int:
        """Of the text there; below 0 where its end was cut off."""
        return int(self._tokens[slot])

    def put(self, key: bytes, vector: Floats, tokens: int, *, uses: int) -> None:
        """Keep a vector, in the place of the one worth least where all is full.

        `uses` is 1 for what a person asked for, 0 for a text of a job: a long source whose texts come once then pushes
        out little but itself.
        """
        if self._most == 0:
            return
        slot = self._slots.get(key)
        if slot is None:
            slot = self._place(key)
        self._vectors[slot] = vector
        self._tokens[slot] = tokens
        self._uses[slot] = uses
        self._last[slot] = self._clock()

    def restore(
        self, keys: Sequence[bytes], vectors: Halves, tokens: NDArray[np.int32], uses: NDArray[np.float64],
        ages: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Take over what was kept before, within the limit; ages are in seconds."""
        now = self._clock()
        order = np.argsort(-worth(uses, now - ages, now))[: self._most]
        self._keys = [keys[at] for at in order]
        self._slots = {key: slot for slot, key in enumerate(self._keys)}
        self._vectors, self._tokens = vectors[order].copy(), tokens[order].copy()
        self._uses, self._last = uses[order].copy(), now - ages[order]

    def kept(self) -> tuple[Halves, NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
        """Vectors, tokens, uses and ages in seconds, by slot."""
        count = len(self)
        ages = np.maximum(0.0, self._clock() - self._last[:count])
        return self._vectors[:count], self._tokens[:count], self._uses[:count], ages

    def clear(self) -> None:
        """Forget all."""
        self._keep(np.empty(0, np.int64))

    def victim(self) -> int:
        """The slot that makes room next."""
        count = len(self)
        now = self._clock()
        if count <= EXACT:
            return int(np.argmin(worth(self._uses[:count], self._last[:count], now)))
        drawn = np.array([self._random.randrange(count) for _ in range(SAMPLE)])
        return int(drawn[np.argmin(worth(self._uses[drawn], self._last[drawn], now))])

    def _place(self, key: bytes) -> int:
        if len(self) < self._most:
            slot = len(self)
            self._keys.append(key)
            self._grow(slot + 1)
        else:
            slot = self.victim()
            del self._slots[self._keys[slot]]
            self._keys[slot] = key
        self._slots[key] = slot
        return slot

    def _grow(self, count: int) -> None:
        """Twice the room where there is too little, so that growing costs nothing in the long run."""
        room = len(self._uses)
        if count <= room:
            return
        wider = min(self._most, max(64, 2 * room))
        self._vectors = np.concatenate([self._vectors, np.empty((wider - room, self.dimensions), np.float16)])
        self._uses, self._last = (np.concatenate([old, np.zeros(wider - room)]) for old in (self._uses, self._last))
        self._tokens = np.concatenate([self._tokens, np.zeros(wider - room, np.int32)])

    def _keep(self, slots: NDArray[np.int64]) -> None:
        """Only these, in new slots."""
        self._keys = [self._keys[slot] for slot in slots]
        self._slots = {key: slot for slot, key in enumerate(self._keys)}
        self._vectors, self._tokens = self._vectors[slots].copy(), self._tokens[slots].copy()
        self._uses, self._last = self._uses[slots].copy(), self._last[slots].copy()
