"""A paragraph as its sentences: those of `sentencex`, joined again where it cut after an abbreviation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from engines.tts.text.abbreviations import ALWAYS, BEFORE_DIGITS, ORDINALS, SINGLE_WORDS
from engines.tts.text.normal import says_something

_CLOSERS: Final = re.compile("[\"'”’»›）」』】〉》)\\]}]+(?=\\s|$)\\s*")
_LAST_WORD: Final = re.compile(r"([\w.’'-]+)\.\s*$")
_ORDINAL: Final = re.compile(r"(?:^|[^\w.,])\d{1,2}\.\s*$")
_MEASURE: Final = re.compile(r"\d\s?[hmgst]\.\s*$")
"""Of hours, metres and so on, which end a sentence often enough."""
_UNFINISHED: Final = re.compile(r"(?:\.\.|…)[\"'”’»)\]]*\s*$|[.?!…][\"”’»)\]]+\s*$")
"""An ellipsis, or the end of somebody's words: the sentence may go on."""


def sentences_of(paragraph: str, language: str) -> list[str]:
    """The paragraph cut into sentences, each with the space after it: together they are the paragraph."""
    import sentencex

    return joined(sentencex.segment(language, paragraph), language)


def joined(pieces: Iterable[str], language: str) -> list[str]:
    """Pieces of a paragraph, with those joined that belong to one sentence. Pure."""
    sentences: list[str] = []
    for piece in pieces:
        if sentences and (closers := _CLOSERS.match(piece)) and piece[0] not in "\"'":
            sentences[-1] += closers[0]
            piece = piece[closers.end() :]
        if not piece:
            continue
        if sentences and _goes_on(sentences[-1], piece, language):
            sentences[-1] += piece
        else:
            sentences.append(piece)
    return sentences


def _goes_on(before: str, after: str, language: str) -> bool:
    if not (says_something(before) and says_something(after)):
        return True
    tail = before[-40:]
    glued = not tail[-1].isspace()
    if glued and tail.endswith("."):  # "J.-P. Sartre", "end.Next": nobody ends a sentence so
        return True
    if after[0].islower() and _UNFINISHED.search(tail):
        return True
    if language in ORDINALS and _ORDINAL.search(tail):
        return True
    if _MEASURE.search(tail):
        return after[0].isdigit() or after[0].islower()
    found = _LAST_WORD.search(tail)
    return found is not None and _abbreviates(found[1], after, language)


def _abbreviates(word: str, after: str, language: str) -> bool:
    """Whether a word that a full stop follows is cut short, and does not end its sentence."""
    word = re.split(r"[’']", word.lstrip("-"))[-1]
    small = word.casefold()
    if small in ALWAYS:
        return True
    if after[0].isdigit() and small in BEFORE_DIGITS:
        return True
    last = small.rpartition(".")[2].rpartition("-")[2]
    if len(last) != 1 or not last.isalpha():
        return after[0].islower() and (small == "etc" or "." in small)
    return word[-1].isupper() and not (language == "en" and word == "I") or last not in SINGLE_WORDS.get(language, "")
