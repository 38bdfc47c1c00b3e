"""A document as it is read: what it says of itself, and chapters of a heading and paragraphs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from engines.tts.text.normal import clean, says_something
from engines.tts.unit import Book

LONGEST_HEADING: Final = 200
"""Characters; what is marked as a heading and is longer is a paragraph."""
MOST_HEADINGS: Final = 3
"""So many headings in a row are one ("Part One", "Chapter 1", "In which…"); more are a table of contents."""
MOST_SAID: Final = 500
"""Characters of a title, author or language; each first unit of a document carries them."""
_ENDS = (".", "!", "?", ":", ";", "…", "。", "！", "？")


class Block(NamedTuple):
    """A paragraph or a heading, as a format gives it."""

    text: str
    heading: bool = False


@dataclass(frozen=True)
class Chapter:
    """Paragraphs under a heading, which is empty for what comes before the first, or where there is none."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A whole document; no chapter of it is without text."""

    book: Book
    chapters: tuple[Chapter, ...]

    def number(self, chapter: int) -> int:
        """What people call the chapter at this place: from 1, and 0 for what comes before the first heading."""
        opens_untitled = len(self.chapters) > 1 and not self.chapters[0].heading
        return chapter if opens_untitled else chapter + 1


def book_of(title: str, author: str, language: str) -> Book:
    """What a document says of itself, as far as somebody reads it."""
    return Book(*(said[:MOST_SAID].rstrip() for said in (title, author, language)))


def chapters_of(blocks: Iterable[Block]) -> tuple[Chapter, ...]:
    """Blocks as chapters, normalised; what has neither letter nor digit (a scene break, say) is left out."""
    chapters: list[Chapter] = []
    heading, paragraphs, run = "", list[str](), list[str]()

    def close() -> None:
        if heading or paragraphs:
            chapters.append(Chapter(heading, tuple(paragraphs)))

    for block in blocks:
        text = clean(block.text)
        if not says_something(text):
            continue
        if block.heading and len(text) <= LONGEST_HEADING:
            run.append(text)
            continue
        if run:
            if len(run) > MOST_HEADINGS:
                paragraphs += run[:-1]
                run = run[-1:]
            close()
            heading, paragraphs, run = _joined(run), [], []
        paragraphs.append(text)
    paragraphs += run  # headings of nothing: the words at a book's end
    close()
    return tuple(chapters)


def _joined(headings: list[str]) -> str:
    return " ".join(text if text.endswith(_ENDS) else f"{text}." for text in headings[:-1]) + (
        f" {headings[-1]}" if len(headings) > 1 else headings[-1]
    )
