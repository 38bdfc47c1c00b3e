"""A document as it is read aloud: all its sentences, numbered, whatever the settings are.

Cursors and spans count in these, so nothing here may depend on a setting that can change while a job runs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from engines.tts.text.document import Document
from engines.tts.text.writing import words_in


class Sentence(NamedTuple):
    """`text` has the space that follows it; `ends` is 0 within a paragraph, 1 at its end, 2 at the chapter's."""

    text: str
    chapter: int
    ends: int
    heading: bool = False


class Place(NamedTuple):
    """Before character `character` of sentence `sentence`; written `12:0`."""

    sentence: int
    character: int

    def cursor(self) -> str:
        """As it is kept."""
        return f"{self.sentence}:{self.character}"


@dataclass(frozen=True)
class Script:
    """`language` is what the document is written in, `sure` where that is beyond doubt; `words` counts them all."""

    document: Document
    language: str
    sure: bool
    words: int
    sentences: tuple[Sentence, ...]
    begins: tuple[int, ...]
    """Characters before each sentence, and in all."""

    def share(self, place: Place) -> float:
        """How much lies before a place, 0..1."""
        return min(1.0, (self.begins[place.sentence] + place.character) / self.begins[-1])

    def chapter_begin(self, chapter: int) -> Place:
        """Where a chapter begins."""
        return Place(bisect_left(self.sentences, chapter, key=lambda sentence: sentence.chapter), 0)

    def settled(self, place: Place) -> Place:
        """The same place, at a sentence's begin rather than at the end of the one before."""
        at_end = place.character >= len(self.sentences[place.sentence].text)
        return Place(place.sentence + 1, 0) if at_end else place


def script_of(document: Document, language: str, *, sure: bool, cut: Callable[[str, str], list[str]]) -> Script:
    """Number the sentences of a document; `cut` gives those of a paragraph in a language."""
    sentences: list[Sentence] = []
    words = 0
    for number, chapter in enumerate(document.chapters):
        if chapter.heading:
            sentences.append(Sentence(chapter.heading, number, 1 if chapter.paragraphs else 2, heading=True))
            words += words_in(chapter.heading)
        for position, paragraph in enumerate(chapter.paragraphs, 1):
            pieces = cut(paragraph, language)
            words += words_in(paragraph)
            sentences += [Sentence(piece, number, 0) for piece in pieces[:-1]]
            sentences.append(Sentence(pieces[-1], number, 2 if position == len(chapter.paragraphs) else 1))
    begins = tuple(accumulate((len(sentence.text) for sentence in sentences), initial=0))
    return Script(document, language, sure, words, tuple(sentences), begins)
