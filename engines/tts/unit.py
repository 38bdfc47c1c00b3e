"""One chunk of speech: what is to be said, as planned or asked for, and what is told of its sound."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from ipc.errors import Problem, RequestFailed
from ipc.speech import Said, Spoken, Wish

RATE = 24000
"""Samples a second, of all sound that Chatterbox makes."""
TOKENS_PER_SECOND = 25
"""Speech tokens of a second of sound."""

Pause: TypeAlias = Literal["none", "clause", "sentence", "paragraph", "chapter"]
"""What ends with a chunk, and so how long the silence after it is; none where a sentence had to be cut."""


class Span(NamedTuple):
    """Characters `begin` to `end` of sentence number `sentence` of the document, counted from 0."""

    sentence: int
    begin: int
    end: int


class Book(Struct, frozen=True, omit_defaults=True):
    """What a document says of itself."""

    title: str = ""
    author: str = ""
    language: str = ""


class Unit(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A chunk of a document, as planned."""

    text: str
    """What is spoken, after normalisation and lexicon."""
    language: str
    spans: tuple[Span, ...]
    """Where it comes from; each sentence lies whole in one chunk, or in pieces that follow each other."""
    chapter: int = 0
    heading: str = ""
    """Of the chapter, in its first chunk."""
    pause: Pause = "sentence"
    voice: str = ""
    shown: str = ""
    """For subtitles, where it is spoken otherwise than written."""
    words: int = 0
    """Of the whole document."""
    book: Book | None = None
    """In a document's first chunk."""


_unit = msgspec.json.Decoder(Unit)
_wish = msgspec.json.Decoder(Wish)
_said = msgspec.json.Decoder(Said)


def unit_of(payload: str) -> Unit:
    """A chunk as planned."""
    return _unit.decode(payload)


def wish_of(payload: str) -> Wish:
    """What a person wants to hear at once.

    Raises:
        RequestFailed: it is no such request.
    """
    try:
        return _wish.decode(payload)
    except msgspec.MsgspecError as error:
        raise RequestFailed(Problem("Bad request", f"{error}.", 'Ask with {"text": "…"}.')) from error


def said_of(result: str) -> Said:
    """What became of a chunk, read from its result."""
    return _said.decode(result)


def encode(value: Unit | Said | Spoken) -> str:
    """As JSON text."""
    return msgspec.json.encode(value).decode()
