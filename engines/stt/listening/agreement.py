"""LocalAgreement-2: what two passes over the same growing sound agree on is committed, and never taken back. Pure.

After D. Macháček, R. Dabre, O. Bojar, Turning Whisper into Real-Time Transcription System (2023), section 3.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from engines.stt.output.spaces import unspaced


class Agreement:
    """The words of one stretch of speech, as one pass after the other hears them from its beginning."""

    def __init__(self) -> None:
        self.committed: list[str] = []
        self._guess: list[str] = []
        """What the last pass heard beyond what was committed."""

    @property
    def guess(self) -> str:
        """What may follow."""
        return "".join(self._guess)

    def hear(self, text: str, *, held: int = 0) -> str:
        """Another pass heard `text`; what that commits.

        The last `held` words are not committed: what follows may still change them.
        """
        fresh = self._beyond(text)
        agreed = min(_agreeing(self._guess, fresh), max(0, len(fresh) - held))
        self.committed += fresh[:agreed]
        self._guess = fresh[agreed:]
        return "".join(fresh[:agreed])

    def end(self, text: str) -> str:
        """The last pass heard `text`; all of it is committed."""
        fresh = self._beyond(text)
        self.committed += fresh
        self._guess = []
        return "".join(fresh)

    def cut(self, text: str) -> str:
        """A pass over the sound before a cut heard `text`: all of it is committed, and what follows it begins anew.

        Words that were committed from behind the cut stay known, because later passes hear them again.
        """
        head = words_of(text)
        behind = self.committed[continuation(head, self.committed) :]
        commit = "" if behind else self.end(text)
        self.committed, self._guess = behind, []
        return commit

    def _beyond(self, text: str) -> list[str]:
        heard = words_of(text)
        return heard[continuation(self.committed, heard) :]


def words_of(text: str) -> list[str]:
    """The words, each with the space before it; a character of a script without spaces is a word of its own."""
    words: list[str] = []
    fresh = True
    for character in text:
        if character.isspace():
            fresh = True
            continue
        alone = unspaced(character)
        if fresh or (alone and _is_word(character)) or (words and not alone and unspaced(words[-1][-1])):
            words.append(f" {character}" if fresh else character)
        else:
            words[-1] += character
        fresh = False
    return words


def same(one: str, other: str) -> bool:
    """Whether two passes mean the same word: case and marks are often decided by what follows."""
    return _bare(one) == _bare(other)


def continuation(committed: Sequence[str], heard: Sequence[str]) -> int:
    """Where in `heard` begins what follows `committed`: behind the part that is most like it (least edits).

    Of several the one that ends with the same word, then that of as many words: a later pass may hear a committed word
    otherwise.
    """
    known = [_bare(word) for word in committed]
    row = list(range(len(known) + 1))
    edits = [row[-1]]
    found = [_bare(word) for word in heard]
    for word in found:
        above, row = row, [row[0] + 1]
        for at, one in enumerate(known):
            row.append(min(above[at] + (one != word), above[at + 1] + 1, row[at] + 1))
        edits.append(row[-1])
    return min(
        range(len(edits)), key=lambda at: (edits[at], found[max(0, at - 1) : at] != known[-1:], abs(at - len(known)))
    )


def _agreeing(before: Sequence[str], now: Sequence[str]) -> int:
    """How many words both begin with."""
    count = 0
    for one, other in zip(before, now, strict=False):
        if not same(one, other):
            break
        count += 1
    return count


def _bare(word: str) -> str:
    bare = "".join(character for character in word.casefold() if _is_word(character))
    return bare or word.strip()


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"
