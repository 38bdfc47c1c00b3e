"""Markdown: its words, without marks, addresses of links, pictures and blocks of code, which nobody wants to hear."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engines.tts.text.document import Block, Document, book_of, chapters_of
from engines.tts.text.markup import without_comments
from engines.tts.unit import Book

_CHAPTER_LEVEL: Final = 3
"""Headings down to this level begin a chapter; deeper ones are paragraphs."""
_FENCE: Final = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_HEADING: Final = re.compile(r"\s{0,3}(#{1,6})(?:\s+(.*?))??(?:\s+#+)?\s*$")
_UNDERLINE: Final = re.compile(r"\s{0,3}(=+|-+)\s*$")
_RULE: Final = re.compile(r"\s{0,3}([-*_])(?:\s*\1){2,}\s*$")
_ITEM: Final = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?")
_QUOTE: Final = re.compile(r"\s{0,3}(?:>\s?)+")
_DEFINITION: Final = re.compile(r"\s{0,3}\[(?!\^)[^\]]+\]:\s*\S+.*$")
_NOTE: Final = re.compile(r"\s{0,3}\[\^[^\]]+\]:\s*")
_TABLE_RULE: Final = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")
_WIDE: Final = re.compile(r"[^\S\n]{9,}")
"""Means what eight spaces do; patterns that look for spaces twice would take the square of more."""
_FRONT: Final = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_SAID: Final = re.compile(r"^(title|author|lang|language):[ \t]*[\"']?(.*?)[\"']?[ \t]*$", re.M | re.I)
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,9999}>")
_BREAK: Final = re.compile(r"<br\s*/?>", re.I)
_INLINE: Final = (
    (re.compile(r"!\[([^\]]{0,999})\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])"), ""),
    (re.compile(r"\[\^[^\]]{1,99}\]"), ""),
    (re.compile(r"\[([^\]]{1,999})\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])"), r"\1"),
    (re.compile(r"<((?:https?|mailto):[^<>\s]+)>"), r"\1"),
    (_TAG, ""),
    (re.compile(r"(`+)\s?(.{1,999}?)\s?\1"), r"\2"),
    (re.compile(r"(\*{1,3}|~~)(?=\S)(.{1,999}?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)(_{1,3})(?=\S)(.{1,999}?)(?<=\S)\1(?!\w)"), r"\2"),
)
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")


def read(text: str) -> Document:
    """The document in a text of Markdown."""
    text = _WIDE.sub(" " * 8, text.replace("\r\n", "\n").replace("\r", "\n"))
    book = Book()
    if front := _FRONT.match(text):
        said = {found[1].lower(): found[2] for found in _SAID.finditer(front[1])}
        book = book_of(said.get("title", ""), said.get("author", ""), said.get("lang", said.get("language", "")))
        text = text[front.end() :]
    return Document(book, chapters_of(_blocks(without_comments(text).split("\n"))))


def _blocks(lines: list[str]) -> Iterator[Block]:
    paragraph: list[str] = []
    fence = ""
    for line in lines:
        if mark := _FENCE.match(line):
            closes = fence and mark[1].startswith(fence) and not line.strip().strip(fence[0])
            if not fence:
                yield from _ended(paragraph)
                fence = mark[1]
            elif closes:
                fence = ""
            continue
        if fence:
            continue
        line = _QUOTE.sub("", line, count=1) if line.lstrip().startswith(">") else line
        if heading := _HEADING.match(line):
            yield from _ended(paragraph)
            yield Block(_words(heading[2] or ""), heading=len(heading[1]) <= _CHAPTER_LEVEL)
        elif paragraph and (_UNDERLINE.match(line)):
            yield from (Block(block.text, heading=True) for block in _ended(paragraph))
        elif not line.strip() or _RULE.match(line) or _DEFINITION.match(line) or _TABLE_RULE.match(line):
            yield from _ended(paragraph)
        elif line.lstrip().startswith("|"):
            yield from _ended(paragraph)
            yield Block(_words(", ".join(cell.strip() for cell in line.strip().strip("|").split("|"))))
        else:
            if begun := _ITEM.match(line) or _NOTE.match(line):
                yield from _ended(paragraph)
                line = line[begun.end() :]
            *whole, last = _BREAK.split(line)
            for part in whole:
                paragraph.append(part)
                yield from _ended(paragraph)
            paragraph.append(last)
    yield from _ended(paragraph)


def _ended(paragraph: list[str]) -> Iterator[Block]:
    """The paragraph so far, if there is one; its list is empty afterwards."""
    if paragraph:
        yield Block(_words(" ".join(line.strip() for line in paragraph)))
        paragraph.clear()


def _words(text: str) -> str:
    """A paragraph without its marks; an escaped one stays."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[1])
        return f"\ue000{len(kept) - 1}\ue001"

    text = _ESCAPED.sub(keep, text)
    for pattern, instead in _INLINE:
        text = pattern.sub(instead, text)
    return re.sub("\ue000(\\d+)\ue001", lambda found: kept[int(found[1])], text)
