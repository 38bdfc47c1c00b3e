"""What of a window is written, and why the rest is not: silence must stay silent."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

from engines.stt.decode.take import Take
from engines.stt.settings import SttSettings
from ipc.errors import Problem, RequestFailed

Why: TypeAlias = Literal["no speech", "phantom phrase", "repeats", "not believed"]
BUNDLED: Final = Path(__file__).with_name("phantoms.txt")
_UNLIKELY_SHARE: Final = 0.75
"""Of `no_speech`: from there on an unlikely text is taken for silence, as by Whisper's own 0.6 beside our 0.8."""
_DOUBT_SHARE: Final = 0.25
"""Of `no_speech`: from there on what people do say, but models say more often, is not believed alone."""
_DOUBTED: Final = "?"
"""Begins a line of such a phrase."""


@dataclass(frozen=True)
class Phantoms:
    """Phrases that models hear in silence, normalised: those that nobody is believed to say, and doubtful ones."""

    never: frozenset[str]
    doubted: frozenset[str]


def silent(take: Take, settings: SttSettings) -> bool:
    """Whether the model itself takes the window for silence."""
    return take.no_speech > settings.no_speech or _unlikely(take, settings)


def why_dropped(take: Take, settings: SttSettings, phantoms: Phantoms, *, amid: bool = False) -> Why | None:
    """Why nothing of a window is written; None where all of it is.

    `amid` speech, where another window of the stretch is surely some, the model's word for silence is not enough.
    """
    if not take.text.strip() or (take.no_speech > settings.no_speech and not amid):
        return "no speech"
    if is_phantom(take, settings, phantoms):
        return "phantom phrase"
    if take.compression > settings.most_compression:
        return "repeats"
    return "not believed" if _unlikely(take, settings) else None


def _unlikely(take: Take, settings: SttSettings) -> bool:
    return take.logprob < settings.least_logprob and take.no_speech > _UNLIKELY_SHARE * settings.no_speech


def is_phantom(take: Take, settings: SttSettings, phantoms: Phantoms) -> bool:
    """Whether there is nothing but known phrases in it, once or again and again."""
    phrases = {normal(segment.text) for segment in take.segments} - {""}
    whole = normal(take.text)
    doubted = take.no_speech > _DOUBT_SHARE * settings.no_speech
    own = {normal(settings.prompt), normal(settings.hotwords)} - {""}  # models give back what they were told
    known = phantoms.never | (phantoms.doubted | own if doubted else frozenset())
    return whole in known or once(whole) in known or (bool(phrases) and phrases <= known)


def once(text: str) -> str:
    """The phrase that a text is made of when it says the same again and again; else the text."""
    words = text.split()
    for length in range(1, len(words) // 2 + 1):
        if len(words) % length == 0 and words == words[:length] * (len(words) // length):
            return " ".join(words[:length])
    return text


def normal(text: str) -> str:
    """Small letters and digits of any script, with one space where something else stands between them."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = (letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in plain)
    return " ".join("".join(kept).split())


def phantoms_of(path: str) -> Phantoms:
    """Those that come along, and those of a file, one a line; `#` begins a remark.

    Raises:
        RequestFailed: the file cannot be read.
    """
    bundled = _bundled()
    if not path:
        return bundled
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError, RuntimeError) as error:
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        raise RequestFailed(
            Problem(
                "Phrases unreadable", f"phantoms = {path}: {why}.", "Set it to a text file in UTF-8, or to nothing."
            )
        ) from error
    own = parsed(lines)
    return Phantoms(bundled.never | own.never, bundled.doubted | own.doubted)


def parsed(lines: Iterable[str]) -> Phantoms:
    """Of such a file's lines."""
    told = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    never = {normal(line) for line in told if not line.startswith(_DOUBTED)}
    doubted = {normal(line) for line in told if line.startswith(_DOUBTED)}
    return Phantoms(frozenset(never - {""}), frozenset(doubted - {""}))


@cache
def _bundled() -> Phantoms:
    return parsed(BUNDLED.read_text(encoding="utf-8").splitlines())
