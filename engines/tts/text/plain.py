"""Plain text: blank lines between paragraphs, lines cut to a width, and lines that look like headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engines.tts.text.document import Block, Document, book_of, chapters_of
from engines.tts.unit import Book

_LONG_LINE: Final = 120
"""Characters; whoever writes such lines mostly does not cut paragraphs into lines."""
_WIDEST: Final = 160
"""Nobody's screen or page is wider."""
_SHORT_LINE: Final = 60
"""Characters of a heading in capitals, and of what follows "Chapter 3"."""
_NUMBERED: Final = (
    "chapter|chapitre|kapitel|capítulo|capitulo|capitolo|hoofdstuk|kapittel|rozdział|rozdzial|luku|bölüm|bab|sura|"
    "глава|κεφάλαιο|book|part|volume|canto|livre|partie|tome|buch|teil|libro|parte|livro|boek|deel|bok|del|księga|"
    "część|kirja|osa|kitap|kısım|книга|часть|βιβλίο|μέρος|فصل|الفصل|פרק|अध्याय"
)
_NUMBER: Final = (
    r"(?:\d{1,4}|(?-i:[IVXLCDM]{1,8}|[ivxl]{1,7})|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|(?:twenty|thirty|forty|fifty|sixty)(?:-\w+)?|"
    r"(?:the )?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last)|"
    r"premier|première|erstes?|zweites?|drittes?|primero|primo|prima)"
)
_HEADING: Final = re.compile(
    rf"(?:(?:{_NUMBERED})\s+{_NUMBER}\b\.?(?:\s*[.:–—-]\s*\S.{{0,80}}|\s+\S.{{0,{_SHORT_LINE}}}(?<![.,;!?…\"”»]))?"
    rf"|{_NUMBER}\.?\s*(?:{_NUMBERED})\.?"
    r"|第\s*[\d一二三四五六七八九十百千〇零]+\s*[章回部卷話节節].{0,40}"
    r"|제\s*\d+\s*[장부화].{0,40}"
    r"|(?:prologue?|epilogue?|prolog|epilog|prólogo|epílogo|foreword|preface|introduction|afterword|vorwort|nachwort)\.?)",
    re.IGNORECASE,
)
_ROMAN: Final = re.compile(r"[IVXLC]{1,7}\.?")
_GUTENBERG: Final = re.compile(r"^\*{3} ?(START|END) OF (?:THE|THIS) PROJECT GUTENBERG EBOOK.*$", re.M)
_SAID: Final = re.compile(r"^(Title|Author|Language):[ \t]+(\S.*)$", re.M)
_CUT_WORD: Final = re.compile(r"\b(\w+)-\n[ \t]*(\w+)(\S*)[ \t]*\n?")
_POINT: Final = re.compile(r"\s*[-–—*•]\s+\S")
"""A point of a list, or the words of the next speaker."""
_BULLET: Final = re.compile(r"\A\s*[-*•]\s+")
_ENDED: Final = (".", "!", "?", ":", '"', "”", "»", "'", "’", "…", "*")


def read(text: str) -> Document:
    """The document in a plain text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    book, text = _gutenberg(text)
    text = _mended(text)
    return Document(book, chapters_of(_blocks(text)))


def looks_like_heading(line: str) -> bool:
    """Whether a line that stands alone begins a chapter."""
    if _HEADING.fullmatch(line) or _ROMAN.fullmatch(line):
        return True
    short = len(line) <= _SHORT_LINE and sum(map(str.isalpha, line)) >= 2
    return short and line.isupper() and not line.endswith((",", ";", "!", "?", '"', "”", "’", "…", "-", "—"))


def _blocks(text: str) -> Iterator[Block]:
    for block in re.split(r"\n[ \t\f]*\n", text):
        lines = [line.rstrip() for line in block.replace("\f", "\n").split("\n") if line.strip()]
        if not lines:
            continue
        if looks_like_heading(lines[0].strip()) and (len(lines) == 1 or _is_subtitle(lines)):
            yield from (Block(line.strip(), heading=True) for line in lines)
            continue
        yield from (Block(_BULLET.sub("", paragraph)) for paragraph in _paragraphs(lines))


def _is_subtitle(lines: list[str]) -> bool:
    """A second and last line under `Chapter 3` that is as short as a heading."""
    second = lines[1].strip()
    return len(lines) == 2 and len(second) <= _SHORT_LINE and not second.endswith((".", ",", ";", "!", "?"))


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Lines without a blank one among them: one paragraph, unless they are long, or one begins anew."""
    if any(len(line) > _LONG_LINE for line in lines) and not _is_filled(lines):
        yield from lines
        return
    paragraph = [lines[0]]
    for before, line in zip(lines, lines[1:], strict=False):
        indented = line.startswith(("  ", "\t")) and not before.startswith(("  ", "\t"))
        if (indented or _POINT.match(line)) and before.endswith(_ENDED):
            yield " ".join(paragraph)
            paragraph = []
        paragraph.append(line)
    yield " ".join(paragraph)


def _is_filled(lines: list[str]) -> bool:
    """Whether a long paragraph was cut to a width: within a sentence, and nowhere the next word had room."""
    width = max(map(len, lines))
    if width > _WIDEST:
        return False
    pairs = list(zip(lines, lines[1:], strict=False))
    within = any(not line.endswith(_ENDED) for line, _ in pairs)
    return within and all(len(line) + 1 + len(following.split()[0]) > width for line, following in pairs)


def _mended(text: str) -> str:
    """Words that a line's end cut are whole again; a compound that is written with its hyphen keeps it."""
    if not _CUT_WORD.search(text):
        return text
    words = {word.casefold() for word in re.findall(r"\b\w+\b(?!-)", text)}

    def whole(found: re.Match[str]) -> str:
        left, right, marks = found.groups()
        known = (left + right).casefold() in words
        compound = left.casefold() in words and right.casefold() in words
        hyphen = "-" if (compound and not known) or not right[0].islower() else ""
        return f"{left}{hyphen}{right}{marks}\n"

    return _CUT_WORD.sub(whole, text)


def _gutenberg(text: str) -> tuple[Book, str]:
    """Project Gutenberg's books without its licence, and what it says of the book."""
    marks = {found[1]: found for found in _GUTENBERG.finditer(text)}
    if (start := marks.get("START")) is None:
        return Book(), text
    said = {found[1]: found[2].strip() for found in _SAID.finditer(text, 0, start.start())}
    end = marks["END"].start() if "END" in marks else len(text)
    book = book_of(said.get("Title", ""), said.get("Author", ""), said.get("Language", "").lower())
    return book, text[start.end() : max(end, start.end())]
