"""One unit of an embedding engine: texts in, and what is said of their vectors."""

from __future__ import annotations

import base64
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from engines.chain import Id, output_line
from engines.lines import LINE_BYTES
from ipc.errors import Problem, RequestFailed

_HINT = 'Ask with {"texts": ["…"]}; a line of a source has a `text`, or the `answer` of an earlier job.'


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """A text of a source, and the id that goes with its vector."""

    text: str
    id: Id | None = None


class _Unit(Struct, frozen=True, forbid_unknown_fields=True):
    """An interactive request has `texts`; a job's unit of one line is that line."""

    texts: Annotated[list[str], Meta(min_length=1)] | None = None
    text: str | None = None
    id: Id | None = None


class Said(Struct, frozen=True):
    """What a job's unit says beside its file of vectors; `truncated` are the texts whose end was cut off."""

    dimensions: int
    tokens: int
    truncated: int


_line = msgspec.json.Decoder(Line)
_unit = msgspec.json.Decoder(_Unit | Annotated[list[Line], Meta(min_length=1)])
_said = msgspec.json.Decoder(Said)


def parse(text: bytes) -> Line:
    """A line of JSON: a `text` with or without `id`, or a line of an earlier job's output.

    Raises:
        RequestFailed: it is neither.
    """
    try:
        return _line.decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        if (earlier := output_line(text)) is not None:
            return Line(earlier.answer, earlier.id)
        raise _bad(error) from error


def texts_of(payload: str) -> list[str]:
    """The texts of a unit.

    Raises:
        RequestFailed: it has none, or one over 1 MiB.
    """
    try:
        unit = _unit.decode(payload)
    except msgspec.MsgspecError as error:
        raise _bad(error) from error
    if isinstance(unit, list):
        texts = [line.text for line in unit]
    elif (unit.texts is None) == (unit.text is None):
        raise RequestFailed(Problem("Bad request", "It has no `texts`.", _HINT))
    else:
        texts = unit.texts or [unit.text or ""]
    # A character has up to four bytes, and only a text that may be too long is worth counting.
    if any(4 * len(text) > LINE_BYTES and len(text.encode("utf-8", "replace")) > LINE_BYTES for text in texts):
        raise RequestFailed(Problem("Text too long", "A text is over 1 MiB.", "Split it."))
    return texts


def lines_of(payload: str) -> list[Line]:
    """The lines of a job's unit."""
    unit = _unit.decode(payload)
    if isinstance(unit, list):
        return unit
    assert unit.text is not None, "a planned unit has lines"
    return [Line(unit.text, unit.id)]


def answer(vectors: bytes, said: Said) -> str:
    """The result of an interactive request; base64 needs no escapes, so it is put together and not encoded."""
    numbers = base64.b64encode(vectors).decode("ascii")
    head = f'{{"dimensions":{said.dimensions},"tokens":{said.tokens},"truncated":{said.truncated}'
    return f'{head},"vectors":"{numbers}"}}'


def beside(said: Said) -> str:
    """The result of a job's unit, whose vectors lie in a file."""
    return msgspec.json.encode(said).decode()


def said_of(result: str) -> Said:
    """The same, read."""
    return _said.decode(result)


def _bad(error: Exception) -> RequestFailed:
    return RequestFailed(Problem("Bad request", f"{error}.", _HINT))
