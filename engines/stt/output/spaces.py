"""Where spaces belong between pieces of text, also in languages that write none."""

from __future__ import annotations

import re
from typing import Final

_CONTROL: Final = dict.fromkeys([*range(32), *range(127, 160)], " ")
_IDEOGRAPHIC: Final = re.compile(
    "[\u2e80-\u312f\u31a0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff9f\U00020000-\U0003ffff]"
)
"""Han, Kana, Bopomofo and the punctuation that goes with them."""
_CONTINUOUS: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
"""Thai, Lao, Burmese and Khmer: spaces stand between phrases, not between words."""
_CLOSES: Final = frozenset(",.!?;:…)]}%’”")


def tidy(text: str) -> str:
    """On one line, with single spaces and none at the ends."""
    return " ".join(text.translate(_CONTROL).split())


def gap(before: str, after: str) -> str:
    """What stands between two pieces as the model wrote them, spaces at their ends included: a space or nothing."""
    left, right = before.rstrip(), after.lstrip()
    if not left or not right:
        return ""
    ends, begins = left[-1], right[0]
    if _IDEOGRAPHIC.match(ends) or _IDEOGRAPHIC.match(begins):
        return ""
    written = left != before or right != after
    if _CONTINUOUS.match(ends) or _CONTINUOUS.match(begins) or begins in _CLOSES:
        return " " if written and begins not in _CLOSES else ""
    return " "


def unspaced(character: str) -> bool:
    """Whether it belongs to a script that puts no space between words."""
    return bool(_IDEOGRAPHIC.match(character) or _CONTINUOUS.match(character))
