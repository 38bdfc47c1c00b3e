"""The characters that a checkpoint's tokenizer knows, and what is written instead of those that it does not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from engines.tts.checkpoint import CANGJIE, FILES, Backend

_CONTROLS: Final = re.compile(r"\[(START|STOP|UNK|SPACE|PAD|SEP|CLS|MASK|[a-z]{2})\]|<\|endoftext\|>")
"""Tokens that steer the model; in a document they are words like others."""
_HANDLED: Final = frozenset(" …:;—–“”‘’")
"""What the library itself writes otherwise before it looks up tokens."""
_INSTEAD: Final = {
    "«": '"', "»": '"', "„": '"', "‟": '"', "‹": "'", "›": "'", "‚": "'", "′": "'", "″": '"', "`": "'", "´": "'",
    "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d",
    "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "¡": "", "¿": "", "·": ",", "•": ",", "。": ".",
    "、": ",", "！": "!", "？": "?", "，": ",", "；": ";", "：": ":",
}  # fmt: skip
_SAID: Final = frozenset("%&@#§‰+=<>")
"""Marks that people read out."""


@dataclass(frozen=True)
class Alphabet:
    """`known` is None where a tokenizer knows all; `folds` where it takes small letters in their parts (NFKD).

    `spells` tells of characters that the library turns into others before it looks them up.
    """

    known: frozenset[str] | None = None
    folds: bool = False
    spells: Callable[[str], bool] = field(default=lambda _: False)
    seen: dict[str, str | None] = field(default_factory=dict)
    """Characters that were looked up before: None is known, else what is written instead."""

    def write(self, text: str) -> str:
        """The text in characters that the model knows, and without its words of command."""
        if "[" in text or "<|" in text:
            text = _CONTROLS.sub(lambda found: found[1] or "", text)
        if self.known is None or not (strange := self._strange(text)):
            return text
        for character in strange:
            text = text.replace(character, self.seen[character] or "")
        return " ".join(text.split())

    def left_out(self, text: str) -> str:
        """Characters of a text that would be heard, were they known, in order of their first place."""
        if self.known is None or not (strange := self._strange(text)):
            return ""
        return "".join(dict.fromkeys(each for each in text if each in strange and self._is_missed(each)))

    def _strange(self, text: str) -> set[str]:
        strange = set()
        for character in set(text):
            if character not in self.seen:
                self.seen[character] = None if self._knows(character) else self._instead(character)
            if self.seen[character] is not None:
                strange.add(character)
        return strange

    def _knows(self, character: str) -> bool:
        assert self.known is not None
        if character in _HANDLED or self.spells(character):
            return True
        taken = unicodedata.normalize("NFKD", character.lower()) if self.folds else character
        return all(part in self.known for part in taken)

    def _instead(self, character: str) -> str:
        """The nearest that the model knows; empty where nothing is near."""
        parts = unicodedata.normalize("NFKD", character)
        bare = "".join(part for part in parts if not unicodedata.combining(part))
        for near in (_INSTEAD.get(character, ""), bare, character.swapcase(), bare.swapcase()):
            if near and near != character and all(map(self._knows, near)):
                return near
        return ""

    def _is_missed(self, character: str) -> bool:
        return not self.seen[character] and (character in _SAID or unicodedata.category(character)[0] in "LNS")


def alphabet_of(folder: Path, backend: Backend, language: str) -> Alphabet:
    """What the tokenizer of a checkpoint knows; all, where that cannot be told."""
    if backend == "turbo":  # it knows bytes
        return Alphabet()
    tokenizer = folder / FILES[backend].tokenizer
    known = _vocabulary(tokenizer, tokenizer.stat().st_mtime_ns) if tokenizer.is_file() else None
    if backend == "english":
        return Alphabet(known)
    return Alphabet(known, folds=True, spells=_speller(folder, language))


def token_bound(backend: Backend | None, language: str) -> Callable[[str], int]:
    """At most how many tokens the model makes of a text; None is an unknown one."""
    if backend == "turbo":
        return lambda text: len(text.encode())
    if backend != "english" and (each := _TOKENS_EACH.get(language)):
        return lambda text: len(text) * each
    return lambda text: len(text) if text.isascii() else len(unicodedata.normalize("NFKD", text))


_TOKENS_EACH: Final = {"zh": 6, "ja": 4, "ko": 3, "he": 3, "ru": 2}
"""Chinese is spelt by its parts, Japanese by its sounds, Korean in letters; Hebrew gets vowels, Russian stresses."""


def _speller(folder: Path, language: str) -> Callable[[str], bool]:
    if language == "zh":
        table = _cangjie(folder / CANGJIE)
        return table.__contains__
    if language == "ja" and find_spec("pykakasi") is not None:
        return lambda character: "\u4e00" <= character <= "\u9fff" or character == "々"
    return lambda _: False


@lru_cache(maxsize=4)
def _vocabulary(path: Path, _changed: int) -> frozenset[str] | None:
    """Its tokens of one character; None where the file cannot be read, which loading the model will tell."""
    try:
        described: Any = msgspec.json.decode(path.read_bytes())
        tokens = [*described["model"]["vocab"], *(added["content"] for added in described.get("added_tokens", ()))]
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return None
    return frozenset(token for token in tokens if isinstance(token, str) and len(token) == 1)


@lru_cache(maxsize=1)
def _cangjie(path: Path) -> frozenset[str]:
    try:
        entries: Any = msgspec.json.decode(path.read_bytes())
        return frozenset(entry.split("\t")[0] for entry in entries)
    except (OSError, msgspec.DecodeError, AttributeError, TypeError):
        return frozenset()
