"""Which voice reads which chapter: `default = "anna"`, `3 = "ben"`, `5-9 = "eva"`, `"The Spouter-Inn" = "carl"`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from engines.tts.text.document import Document
from engines.tts.text.normal import clean
from engines.tts.text.tables import refused

_DEFAULT: Final = "default"
_NUMBERS: Final = re.compile(r"(\d{1,6})(?:\s*[-–]\s*(\d{1,6}))?")


def voices_of(told: Mapping[str, Any], document: Document, default: str, where: str) -> tuple[str, ...]:
    """The voice of each chapter of a document: by its heading, else its number, else a range, else the default.

    Raises:
        CannotPlan: a voice is no text, or a chapter is not in the document.
    """
    if "chapters" in told and isinstance(told["chapters"], dict):
        told = {**told["chapters"], **{name: voice for name, voice in told.items() if name != "chapters"}}
    for name, voice in told.items():
        if not isinstance(voice, str):
            raise refused("cast", f"{where}: {name} does not name a voice.", 'Write chapter = "voice".')
    count = len(document.chapters)
    by_heading: dict[str, list[int]] = {}
    for chapter in range(count):
        by_heading.setdefault(_heading(document.chapters[chapter].heading), []).append(chapter)
    chosen: dict[int, tuple[int, str]] = {}
    """By chapter: how closely it was named, and the voice."""
    for name, voice in told.items():
        if name == _DEFAULT:
            continue
        closeness, chapters = _named(name, document, by_heading)
        if not chapters:
            numbers = f"{document.number(0)} to {document.number(count - 1)}"
            raise refused(
                "cast", f"{where} gives a voice to chapter {name!r}, which the document does not have.",
                f"It has chapters {numbers}; a heading must be written in full.",
            )  # fmt: skip
        for chapter in chapters:
            if chapter not in chosen or chosen[chapter][0] < closeness:
                chosen[chapter] = (closeness, voice)
    default = told.get(_DEFAULT, default)
    return tuple(chosen[chapter][1] if chapter in chosen else default for chapter in range(count))


def _named(name: str, document: Document, by_heading: Mapping[str, list[int]]) -> tuple[int, list[int]]:
    if chapters := by_heading.get(_heading(name)):
        return 3, chapters
    if (numbers := _NUMBERS.fullmatch(name.strip())) is None:
        return 0, []
    first, last = int(numbers[1]), int(numbers[2] or numbers[1])
    chapters = [c for c in range(len(document.chapters)) if first <= document.number(c) <= last]
    return (2 if numbers[2] is None else 1), chapters


def _heading(text: str) -> str:
    return clean(text).casefold().strip(" .:“”\"'")
