"""From the bytes of tokens to text that may leave: whole characters only, and nothing of a stop text."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextOut:
    """Collects one answer. Bytes that are no UTF-8 become U+FFFD as soon as that is certain, so nothing stalls.

    Text that could be the beginning of a stop text is held back until it is decided; after a stop text was found,
    `stopped` is true and nothing more leaves.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._between = False
        """Whether the bytes so far end within a character."""
        self._held = ""
        self._left: list[str] = []
        self.stopped = False

    def feed(self, data: bytes) -> str:
        """Take the bytes of one token; returns the text that may leave now."""
        if self._between or not data.isascii():
            text = self._decoder.decode(data)
            self._between = bool(self._decoder.getstate()[0])
        else:
            text = data.decode("ascii")
        if self._stops:
            return self._advance(text, last=False)
        if text:
            self._left.append(text)
        return text

    def finish(self) -> str:
        """The answer is over: the last text that may leave."""
        return self._advance(self._decoder.decode(b"", final=True), last=True)

    def text(self) -> str:
        """All that has left so far."""
        return "".join(self._left)

    def _advance(self, more: str, *, last: bool) -> str:
        if self.stopped:
            return ""
        self._held += more
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            free = min(found)
        else:
            free = len(self._held) - (0 if last else self._undecided())
        leaving, self._held = self._held[:free], self._held[free:]
        if leaving:
            self._left.append(leaving)
        return leaving

    def _undecided(self) -> int:
        """How many characters at the end could still grow into a stop text."""
        held = self._held
        return max((n for stop in self._stops for n in range(1, len(stop)) if held.endswith(stop[:n])), default=0)
