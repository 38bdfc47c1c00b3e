"""Books whose sentences are known, in the forms that people have."""

from __future__ import annotations

import itertools
import zipfile
from dataclasses import dataclass
from pathlib import Path

WHO = ("he", "she", "it", "the cat", "the old man", "no one")
DID = ("saw", "heard", "met", "lost", "let go of", "ran to")
WHAT = ("us", "it all", "the sea", "her own son")
WHEN = ("", " by day", ", and so did we", ", but not at once", " on a cold and wet day")
_SENTENCES_OF_A_PARAGRAPH = 6


@dataclass(frozen=True)
class Chapter:
    """`paragraphs` hold sentences."""

    heading: str
    paragraphs: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Story:
    """Each of its sentences has a number of its own in it, and there are about as many words as were asked for."""

    chapters: tuple[Chapter, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """In the order in which they are read; headings among them."""
        return tuple(
            itertools.chain.from_iterable(
                [chapter.heading, *itertools.chain.from_iterable(chapter.paragraphs)] for chapter in self.chapters
            )
        )

    @property
    def words(self) -> int:
        return sum(len(sentence.split()) for sentence in self.sentences)

    def lengths(self) -> dict[int, int]:
        """Characters of each sentence by its number, with the space between it and the next of its paragraph."""
        found: list[int] = []
        for chapter in self.chapters:
            found.append(len(chapter.heading))
            for *before, last in chapter.paragraphs:
                found += [*(len(sentence) + 1 for sentence in before), len(last)]
        return dict(enumerate(found))

    def write(self, path: Path) -> Path:
        """As the name's suffix says: txt, md or epub."""
        match path.suffix:
            case ".txt":
                path.write_text("\n\n\n".join(f"{c.heading}\n\n{_paragraphs(c, '{}')}" for c in self.chapters))
            case ".md":
                path.write_text("\n\n".join(f"## {c.heading}\n\n{_paragraphs(c, '{}')}" for c in self.chapters))
            case suffix:
                assert suffix == ".epub", suffix
                _epub(self, path)
        return path


def story(words: int, chapters: int) -> Story:
    """So many words at least, in so many chapters."""
    numbers = itertools.count(1)
    made, written = [], 0
    for chapter in range(chapters):
        sentences = []
        until = words * (chapter + 1) // chapters
        while written < until:
            sentences.append(_sentence(next(numbers)))
            written += len(sentences[-1].split())
        paragraphs = tuple(
            tuple(sentences[at : at + _SENTENCES_OF_A_PARAGRAPH])
            for at in range(0, len(sentences), _SENTENCES_OF_A_PARAGRAPH)
        )
        made.append(Chapter(f"Chapter {chapter + 1}", paragraphs))
    return Story(tuple(made))


def _sentence(number: int) -> str:
    who, did, what = WHO[number % len(WHO)], DID[number // 3 % len(DID)], WHAT[number // 2 % len(WHAT)]
    return f"Line {number}: {who} {did} {what}{WHEN[number % len(WHEN)]}."


def _paragraphs(chapter: Chapter, form: str) -> str:
    return "\n\n".join(form.format(" ".join(sentences)) for sentences in chapter.paragraphs)


def _epub(of: Story, path: Path) -> None:
    names = [f"c{number}.xhtml" for number in range(len(of.chapters))]
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in names)
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        archive.writestr(
            "book.opf",
            '<package version="3.0" xmlns="http://www.idpf.org/2007/opf"><metadata '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Keeper</dc:title><dc:creator>N. Sparrow'
            f"</dc:creator><dc:language>en</dc:language></metadata><manifest>{items}</manifest>"
            f"<spine>{spine}</spine></package>",
        )
        for name, chapter in zip(names, of.chapters, strict=True):
            archive.writestr(
                name,
                '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>'
                f"<h1>{chapter.heading}</h1>{_paragraphs(chapter, '<p>{}</p>')}</body></html>",
            )
