"""What was committed of a live stream, and the lines of JSON that tell of it."""

from __future__ import annotations

import msgspec

from engines.stt.listening.agreement import words_of
from ipc.hearing import Listened, Live

MOST_BYTES = 3 * 2**20
"""About two days of speech without a pause: what an answer can still hold."""


class Transcript:
    """Its text is what all its lines committed, one after the other."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._bytes = 0
        self._words = 0
        self._guess = ""

    @property
    def full(self) -> bool:
        """Whether no more can be told at the end."""
        return self._bytes >= MOST_BYTES

    @property
    def words(self) -> int:
        """How many were committed."""
        return self._words

    def line(self, at: float, commit: str, guess: str, *, ended: bool) -> str:
        """What changed, as a line of JSON; empty where nothing did. `at` is seconds of audio."""
        if not self._parts:
            commit = commit.lstrip()
        if not commit and not ended and guess == self._guess:
            return ""
        self._guess = guess
        if commit:
            self._parts.append(commit)
            self._bytes += len(commit.encode())
            self._words += len(words_of(commit))
        return msgspec.json.encode(Live(at=round(at, 3), commit=commit, guess=guess, ended=ended)).decode() + "\n"

    def answer(self, seconds: float, language: str, model: str) -> str:
        """All of it, as JSON."""
        told = Listened("".join(self._parts), round(seconds, 3), self._words, language, model)
        return msgspec.json.encode(told).decode()
