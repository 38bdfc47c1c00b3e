"""A text that is too long to be said in one breath, cut where it hurts least: never inside a word."""

from __future__ import annotations

import re
from typing import Final

from engines.tts.unit import Pause

SHORTEST: Final = 12
"""Characters; a text is not cut into pieces shorter than this."""
_ENDS: Final[tuple[tuple[re.Pattern[str], Pause], ...]] = (
    (re.compile(r"[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[」』”]*\s*"), "sentence"),
    (re.compile(r"[;:,–—]+[\"'”’»)\]]*\s+|[；：，、]+\s*"), "clause"),
    (re.compile(r"\s+"), "none"),
)
"""Ends of sentences, then of clauses, then of words; and how long to rest after each."""


def packed(text: str, most: int) -> list[tuple[str, Pause]]:
    """The text in pieces of at most so many characters, each with what ends with it; as few as that allows.

    A word longer than that is left whole, and marks that belong to no word go with the piece before.
    """
    pieces: list[tuple[str, Pause]] = []
    rest = text.strip()
    while len(rest) > most:
        cut, pause = _last(rest, most)
        if cut == len(rest):
            break
        pieces.append((rest[:cut].rstrip(), pause))
        rest = rest[cut:].lstrip()
    return _spoken([*pieces, (rest, "sentence")]) if rest else pieces


def halved(text: str) -> tuple[str, str, Pause] | None:
    """Two pieces, cut as near to the middle as something ends, and what ends there; None where it is too short."""
    for end, pause in _ENDS:
        cuts = [found.end() for found in end.finditer(text) if _long_enough(text, found.end())]
        if cuts:
            cut = min(cuts, key=lambda at: abs(2 * at - len(text)))
            return text[:cut].rstrip(), text[cut:].lstrip(), pause
    return None


def _spoken(pieces: list[tuple[str, Pause]]) -> list[tuple[str, Pause]]:
    """A piece without a letter or digit, which would fail, joined to the one before, or the first to the next."""
    joined: list[tuple[str, Pause]] = []
    for text, pause in pieces:
        if joined and not (_has_words(text) and _has_words(joined[-1][0])):
            joined[-1] = f"{joined[-1][0]} {text}", pause
        else:
            joined.append((text, pause))
    return joined


def _last(text: str, most: int) -> tuple[int, Pause]:
    """Where the last sentence ends that fits, else the last clause, else the last word; else the first word."""
    for end, pause in _ENDS:
        cuts = [found.end() for found in end.finditer(text) if len(text[: found.end()].rstrip()) <= most]
        if cuts:
            return cuts[-1], pause
    first = _ENDS[-1][0].search(text)
    return (first.end() if first else len(text)), "none"


def _long_enough(text: str, cut: int) -> bool:
    return all(len(half) >= SHORTEST and _has_words(half) for half in (text[:cut].rstrip(), text[cut:].lstrip()))


def _has_words(text: str) -> bool:
    return any(character.isalnum() for character in text)
