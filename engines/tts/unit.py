"""One chunk of speech: what is to be said, as planned or asked for, and what is told of its sound."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from ipc.errors import Problem, RequestFailed

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


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person wants to hear at once; what is left out is as the engine is set."""

    text: Annotated[str, Meta(min_length=1)]
    language: str | None = None
    voice: str | None = None
    exaggeration: Annotated[float, Meta(ge=0, le=2)] | None = None
    cfg: Annotated[float, Meta(ge=0, le=2)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2147483647)] | None = None


class Said(Struct, frozen=True, omit_defaults=True):
    """What became of a chunk; its sound lies in a file beside it (FLAC, mono, `RATE`)."""

    samples: int
    tokens: int
    seed: int
    extended: int = 0
    """How often it went on over what was expected."""
    redone: int = 0
    """Takes that were thrown away."""
    pieces: int = 1
    """Parts that it was spoken in, because it found no end as a whole."""
    flags: tuple[str, ...] = ()
    """What is still wrong with it: `long`, `short`, `silent`, `loops`, `cut`."""
    unknown: str = ""
    """Characters that the model does not know, and that were left out."""


class Spoken(Struct, frozen=True):
    """The answer to `Ask`: what was said, and the sound as base64 of a FLAC file."""

    said: Said
    seconds: float
    audio: str


_unit = msgspec.json.Decoder(Unit)
_ask = msgspec.json.Decoder(Ask)
_said = msgspec.json.Decoder(Said)


def unit_of(payload: str) -> Unit:
    """A chunk as planned."""
    return _unit.decode(payload)


def ask_of(payload: str) -> Ask:
    """What a person asked for.

    Raises:
        RequestFailed: it is no such request.
    """
    try:
        return _ask.decode(payload)
    except msgspec.MsgspecError as error:
        raise RequestFailed(Problem("Bad request", f"{error}.", 'Ask with {"text": "…"}.')) from error


def said_of(result: str) -> Said:
    """What became of a chunk, read from its result."""
    return _said.decode(result)


def encode(value: Unit | Said | Spoken) -> str:
    """As JSON text."""
    return msgspec.json.encode(value).decode()
