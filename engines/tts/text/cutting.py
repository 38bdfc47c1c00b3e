"""Where a sentence that is too long is cut: at a clause, else between words, else where nothing better is. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from engines.tts.text.writing import is_unspaced
from engines.tts.unit import Pause

_CLOSERS: Final = "[\"'”’»›）」』】〉》)\\]]*"
_CLAUSE: Final = re.compile(
    rf"(?:[;:,،؛]{_CLOSERS}(?=\s)|(?<=\s)[-–](?=\s)|[—、，；：]{_CLOSERS}(?![\"'”’»›）」』】〉》)\]])|[!?…]{_CLOSERS}(?=\s))\s*"
)
"""A mark with what closes after it and the space that follows; a full stop within a sentence only abbreviates."""
_SPACE: Final = re.compile(r"\s+")
_NEVER_FIRST: Final = frozenset("。，、；：！？）」』】〉》”’…ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮฯๆะาำๅ")
"""Characters that belong to the one before them."""
_NEVER_LAST: Final = frozenset("「『（【〈《“‘")


class Cut(NamedTuple):
    """The first piece has `end` characters, with the space after it; `hard` where a word had to be cut."""

    end: int
    pause: Pause
    hard: bool = False


def cut(text: str, most: int, short: int) -> Cut:
    """The first piece of a text of more than `most` characters, the space after a piece not counted.

    Neither it nor the rest is below `short` characters if that can be helped.
    """
    whole = len(text.rstrip())
    upper = min(most, whole - short) if most >= 2 * short else most
    clause = 0
    for found in _CLAUSE.finditer(text, 0, min(len(text), upper + 8)):
        if len(text[: found.end()].rstrip()) > upper:
            break
        clause = found.end()
    if clause >= max(1, min(short, upper)):
        return Cut(clause, "clause")
    if word := _between_words(text, upper):
        return Cut(word, "none")
    return Cut(_anywhere(text, upper), "none", hard=True)


def _between_words(text: str, upper: int) -> int:
    """The end of the last whole word within `upper` characters and the space after it; 0 where there is none."""
    for end in range(min(upper, len(text) - 1), 0, -1):
        if text[end].isspace() and not text[end - 1].isspace():
            found = _SPACE.match(text, end)
            return found.end() if found else end
        before, after = text[end - 1], text[end]
        unspaced = not before.isspace() and (is_unspaced(before) or is_unspaced(after))
        if unspaced and before not in _NEVER_LAST and after not in _NEVER_FIRST and not _is_mark(after):
            return end
    return 0


def _anywhere(text: str, upper: int) -> int:
    end = upper
    while end > 1 and _is_mark(text[end]):
        end -= 1
    return end


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
