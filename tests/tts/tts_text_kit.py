"""Scripts for tests of packing, cut into sentences without the library for it."""

from __future__ import annotations

import re
from collections.abc import Callable

from engines.tts.text.document import Chapter, Document
from engines.tts.text.packing import Chunk, Limits, Packer
from engines.tts.text.script import Place, Script, script_of
from engines.tts.unit import Book

SENTENCE = re.compile(r".+?(?:[.!?。]+\s*|$)")


def by_full_stops(paragraph: str, language: str) -> list[str]:
    """The paragraph cut after each run of full stops."""
    del language
    return SENTENCE.findall(paragraph)


def script(*chapters: tuple[str, list[str]]) -> Script:
    """Chapters of a heading and paragraphs."""
    document = Document(Book(), tuple(Chapter(heading, tuple(paragraphs)) for heading, paragraphs in chapters))
    return script_of(document, "en", sure=True, cut=by_full_stops)


def packer(
    of: Script, characters: int, speak: Callable[[str], str] = str, tokens: Callable[[str], int] = len
) -> Packer:
    """A packer with room for so many characters."""
    return Packer(of, Limits(characters, 2000), speak, tokens)


def chunks(of: Script, characters: int, speak: Callable[[str], str] = str) -> list[Chunk]:
    """All chunks of a script."""
    return list(packer(of, characters, speak).chunks(Place(0, 0)))


def texts(*paragraphs: str, characters: int = 280) -> list[str]:
    """What is spoken of one chapter without a heading, chunk by chunk."""
    return [chunk.spoken for chunk in chunks(script(("", list(paragraphs))), characters)]


def covered(of: Script, made: list[Chunk]) -> list[tuple[int, int]]:
    """Each character of each sentence that a chunk has, in order of the chunks."""
    return [(span.sentence, at) for chunk in made for span in chunk.spans for at in range(span.begin, span.end)]


def characters_of(of: Script) -> list[tuple[int, int]]:
    """Each character of each sentence."""
    return [(number, at) for number, sentence in enumerate(of.sentences) for at in range(len(sentence.text))]
