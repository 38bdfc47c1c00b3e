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
_CLOSING_SHARE: Final = 0.1
"""The same for what people say at the end of a film."""
_DOUBTED: Final = "?"
"""Begins a line of what people do say."""
_CLOSING: Final = "~"
"""Begins a line of what they say at the end of a film."""
_CONVERSATION: Final = 2
"""So many different doubted phrases are one: over silence models write one, or the same again and again."""


@dataclass(frozen=True)
class Phantoms:
    """Phrases that models hear in silence, normalised, from those that nobody is believed to say to doubtful ones."""

    never: frozenset[str]
    closing: frozenset[str]
    doubted: frozenset[str]


def silent(take: Take, settings: SttSettings) -> bool:
    """Whether the model itself takes the window for silence."""
    return take.no_speech > settings.no_speech or _unlikely(take, settings)


def why_dropped(take: Take, settings: SttSettings, phantoms: Phantoms, *, amid: bool = False) -> Why | None:
    """Why nothing of a window is written; None where all of it is.

    `amid` speech, where another window of the stretch is surely some, the model's word for silence is not enough, and
    what people do say is believed.
    """
    if not take.text.strip() or (take.no_speech > settings.no_speech and not amid):
        return "no speech"
    if is_phantom(take, settings, phantoms, amid=amid):
        return "phantom phrase"
    if take.compression > settings.most_compression:
        return "repeats"
    return "not believed" if _unlikely(take, settings) else None


def _unlikely(take: Take, settings: SttSettings) -> bool:
    return take.logprob < settings.least_logprob and take.no_speech > _UNLIKELY_SHARE * settings.no_speech


def is_phantom(take: Take, settings: SttSettings, phantoms: Phantoms, *, amid: bool = False) -> bool:
    """Whether there is nothing but known phrases in it, once or again and again."""
    phrases = {normal(segment.text) for segment in take.segments} - {""}
    whole = normal(take.text)
    known = phantoms.never
    if take.no_speech > _CLOSING_SHARE * settings.no_speech:
        known |= phantoms.closing
    if take.no_speech > _DOUBT_SHARE * settings.no_speech:
        known |= {normal(settings.prompt), normal(settings.hotwords)} - {""}  # models give back what they were told
        if not amid and len(phrases & phantoms.doubted) < _CONVERSATION:
            known |= phantoms.doubted
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
    return Phantoms(bundled.never | own.never, bundled.closing | own.closing, bundled.doubted | own.doubted)


def parsed(lines: Iterable[str]) -> Phantoms:
    """Of such a file's lines."""
    told = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    marked = [(line[0], line[1:]) if line[0] in _DOUBTED + _CLOSING else ("", line) for line in told]
    never, closing, doubted = (
        frozenset(normal(line) for mark, line in marked if mark == wanted) - {""} for wanted in ("", _CLOSING, _DOUBTED)
    )
    return Phantoms(never, closing, doubted)


@cache
def _bundled() -> Phantoms:
    return parsed(BUNDLED.read_text(encoding="utf-8").splitlines())
