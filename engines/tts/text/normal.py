"""Text for reading aloud: no control or invisible characters, no ligatures, single spaces. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062"
    "\u2063\u2064\u2066\u2067\u2068\u2069\ufeff\ufffc\ufffd" + "".join(map(chr, range(0xFE00, 0xFE10)))
)
_LIGATURES: Final = [*range(0xFB00, 0xFB07), *range(0xFB13, 0xFB18)]
_TABLE: Final = {
    **dict.fromkeys(map(ord, _SPACES), " "),
    **dict.fromkeys(map(ord, _INVISIBLE), ""),
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in _LIGATURES},
    0x2010: "-",
    0x2011: "-",
    0x2212: "-",
    0x2015: "—",
}
# Control characters, halves of characters, and what no standard gives a meaning to.
_MEANINGLESS: Final = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ue000-\uf8ff]")


def clean(text: str) -> str:
    """One paragraph, normalised; lines of it become one."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_TABLE))
    return " ".join(_MEANINGLESS.sub("", text).split())


def says_something(text: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(map(str.isalnum, text))
