"""What depends on the script that a text is written in: words without spaces, characters that must not begin a line."""

from __future__ import annotations

import re
from typing import Final

_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff01-\uff9f\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Chinese, Japanese: no spaces between words."""
_UNSPACED_RUN: Final = re.compile(f"[{_UNSPACED}]+")
_UNSPACED_ONE: Final = re.compile(f"[{_UNSPACED}]")
_CHARACTERS_A_WORD: Final = 2


def is_unspaced(character: str) -> bool:
    """Whether its script writes words without spaces between them."""
    return _UNSPACED_ONE.match(character) is not None


def words_in(text: str) -> int:
    """How many words there are; estimated where the script does not show them."""
    if text.isascii() or not (runs := _UNSPACED_RUN.findall(text)):
        return len(text.split())
    unspaced = sum(map(len, runs))
    return len(_UNSPACED_RUN.sub(" ", text).split()) + -(-unspaced // _CHARACTERS_A_WORD)
