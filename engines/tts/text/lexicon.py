"""How words are pronounced: what a person wants spoken instead of what is written.

A file has tables of `"written" = "spoken"`: `[words]` for any language, `[en]`, `[fr]`… for one, which goes before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from engines.tts.languages import LANGUAGES
from engines.tts.text.normal import clean, says_something
from engines.tts.text.tables import refused

_ALL: Final = "words"
_LONGEST: Final = 200
"""Characters of an entry, on either side."""
_WORD: Final = re.compile(r"\w+")


class Lexicon:
    """Entries for one language. Whole words only; any case, unless the entry is written with capitals."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._spoken = {_key(written): spoken for written, spoken in entries.items()}
        self._by_first: dict[str, list[str]] = {}
        for written in self._spoken:
            first = _WORD.search(written)
            self._by_first.setdefault(first[0].casefold() if first else "", []).append(written)
        self._pattern = lru_cache(maxsize=256)(_pattern)

    def say(self, text: str) -> str:
        """The text as it is to be spoken."""
        if not self._by_first:
            return text
        words = dict.fromkeys(_WORD.findall(text.casefold()))
        at_hand = [key for word in ("", *words) for key in self._by_first.get(word, ())]
        if not at_hand:
            return text
        return self._pattern(tuple(sorted(at_hand, key=len, reverse=True))).sub(self._replaced, text)

    def _replaced(self, found: re.Match[str]) -> str:
        written = _key(" ".join(found[0].split()))
        return self._spoken.get(written) or self._spoken[written.casefold()]


def lexicon_of(told: Mapping[str, Any], language: str, where: str) -> Lexicon:
    """The entries of a file that hold for a language.

    Raises:
        CannotPlan: a table or an entry in it is none.
    """
    entries: dict[str, str] = {}
    for name, group in told.items():
        if name != _ALL and name not in LANGUAGES:
            raise refused(
                "lexicon",
                f"{where} has a table [{name}], which is no language of Chatterbox." if isinstance(group, dict)
                else f"{where}: {name} stands outside a table.",
                f"Begin with [words], or one of {', '.join(f'[{code}]' for code in LANGUAGES)}.",
            )  # fmt: skip
        if not isinstance(group, dict):
            raise refused("lexicon", f"{where}: {name} is no table.", f"Write [{name}] and its words below.")
        for written, spoken in group.items():
            _check(where, name, written, spoken)
    for name in (_ALL, language):
        entries |= {clean(written): clean(spoken) for written, spoken in told.get(name, {}).items()}
    return Lexicon(entries)


def _check(where: str, group: str, written: str, spoken: object) -> None:
    if not isinstance(spoken, str) or not says_something(spoken) or not clean(written):
        raise refused(
            "lexicon", f"{where}: [{group}] {written!r} does not say what is spoken.", 'Write "word" = "as it sounds".'
        )
    if max(len(written), len(spoken)) > _LONGEST:
        raise refused(
            "lexicon", f"{where}: [{group}] {written[:20]!r}… has more than {_LONGEST} characters.", "Make it shorter."
        )


def _key(written: str) -> str:
    """As it is compared: with capitals if it has any, and one kind of apostrophe."""
    return written.replace("’", "'")


def _pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_one, keys)))


def _one(key: str) -> str:
    escaped = r"\s+".join(map(re.escape, key.split())).replace("'", "['’]")
    before = r"(?<!\w)" if key[0].isalnum() else ""
    after = r"(?!\w)" if key[-1].isalnum() else ""
    exact = any(map(str.isupper, key))
    return f"{before}{escaped}{after}" if exact else f"{before}(?i:{escaped}){after}"
