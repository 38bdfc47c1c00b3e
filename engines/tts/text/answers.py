"""Lines of JSON: what an earlier job answered, or a `text` each; every line of one is a paragraph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from engines.chain import output_line
from engines.contract import CannotPlan
from engines.tts.text.document import Block, Document, chapters_of
from engines.tts.unit import Book
from ipc.errors import Problem


class _Line(Struct, frozen=True):
    text: str


_line: Final = msgspec.json.Decoder(_Line)


def read(text: str) -> Document:
    """The document in such lines.

    Raises:
        CannotPlan: a line has neither.
    """
    return Document(Book(), chapters_of(_blocks(text)))


def _blocks(text: str) -> Iterator[Block]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield from map(Block, _words(line, number).splitlines())


def _words(line: str, number: int) -> str:
    if (earlier := output_line(line)) is not None:
        return earlier.answer
    try:
        return _line.decode(line).text
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise CannotPlan(
            Problem(
                "Nothing to read aloud",
                f"Line {number} is no JSON with a `text`, or with the `answer` of an earlier job.",
                'Write {"text": "…"} in each line, or give the words as txt, md, epub, html or srt.',
            )
        ) from error
