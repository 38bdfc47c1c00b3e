"""HTML: the words that a browser shows as text, in paragraphs, without navigation, scripts and marks of footnotes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from engines.tts.text.document import Block, Document, book_of, chapters_of
from engines.tts.text.nesting import OpenTags
from engines.tts.text.normal import clean
from engines.tts.unit import Book

_CHAPTERS: Final = frozenset({"h1", "h2", "h3"})
_ENDS_PARAGRAPH: Final = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details", "dialog", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "html", "legend", "li", "main", "ol", "option", "p", "pre", "section", "summary", "table", "tbody", "tfoot",
    "thead", "tr", "ul",
})  # fmt: skip
_UNSPOKEN: Final = frozenset({
    "script", "style", "title", "nav", "template", "noscript", "svg", "math", "iframe", "object", "audio", "video",
    "canvas", "select", "textarea", "button", "rt", "rp", "del",
})  # fmt: skip
_EMPTY: Final = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
})  # fmt: skip
_UNSPOKEN_ROLES: Final = frozenset({
    "noteref", "footnote", "endnote", "rearnote", "annotation", "pagebreak", "backlink", "doc-noteref", "doc-footnote",
    "doc-endnote", "doc-pagebreak", "doc-backlink",
})  # fmt: skip
_CELLS: Final = frozenset({"td", "th"})
_RAISED_MARK: Final = re.compile(r"\s*[\[(]?\s*(?:\d{1,4}|[a-z]|[*†‡§¶↩↑⇑^]+)\s*[\])]?\s*")
"""What a raised link to a footnote shows,"""
_MARK: Final = re.compile(r"\s*(?:\[\s*(?:\d{1,4}|[a-z])\s*\]|[*†‡§¶↩↑⇑^]+\ufe0e?)\s*")
"""and one that is not raised, or leads back."""
_LONGEST_MARK: Final = 200
"""Characters, with all spaces around it; no mark is longer."""
_HEADED_WITHIN: Final = 3
"""Blocks after a place that a table of contents names; with a heading of its own among them it needs no other."""
_COMMENT: Final = "<!--"
_ODD_SECTION: Final = re.compile(r"<!\[(?!(?:cdata|temp|ignore|include|rcdata|if|else|endif)[\[\s\]>])", re.I)
"""What the parser of the standard library gives up at."""
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)


@dataclass
class Page:
    """What was read of one page: its blocks, and what its head says."""

    blocks: list[Block] = field(default_factory=list)
    book: Book = Book()


def read(text: str) -> Document:
    """The document in one page of HTML."""
    page = page_of(text)
    return Document(page.book, chapters_of(page.blocks))


def page_of(text: str, labels: Mapping[str, str] | None = None) -> Page:
    """The page in a text of HTML or XHTML.

    `labels` are headings that a table of contents gives to places by their id (empty: the page's begin); one holds
    where the page itself has no heading there.
    """
    parser = _Parser(labels or {})
    parse(parser, text)
    return parser.page()


def parse(parser: HTMLParser, text: str) -> None:
    """Have a parser read a text to its end, in time that grows with its length alone."""
    text = _ODD_SECTION.sub("<! [", without_comments(text))
    end = text.rfind(">") + 1
    parser.feed(text[:end] + text[end:].replace("<", "&lt;"))  # what no tag closes is looked through again and again
    parser.close()


def without_comments(text: str) -> str:
    """A text of markup without its comments; one that has no end is none."""
    if _COMMENT not in text:
        return text
    kept, at = list[str](), 0
    while (begin := text.find(_COMMENT, at)) >= 0:
        kept.append(text[at:begin])
        end = text.find("-->", begin + len(_COMMENT))
        if end < 0:
            return "".join(kept) + text[begin:].replace(_COMMENT, "")
        at = end + 3
    return "".join(kept) + text[at:]


class _Parser(HTMLParser):
    """One pass; nothing of a DTD is read, so entities of its own do not exist."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self._labels = labels
        self._places: list[tuple[int, str]] = [(0, labels[""])] if "" in labels else []
        """Before which block a label belongs."""
        self._blocks: list[Block] = []
        self._words: list[str] = []
        """Of the paragraph so far; the first of them is not blank."""
        self._heading = self._pre = False
        self._unspoken = OpenTags()
        """Open tags from the outermost that is not spoken on."""
        self._link: int | None = None
        """Where the words of an open link into this or another page begin."""
        self._raised: list[int] = []
        """Where the words of each open `sup` begin,"""
        self._linked = 0
        """and how many of them, from the outermost on, hold a link or lie in one."""
        self._in_title = False
        self._title: list[str] = []
        self._author = self._language = ""

    def page(self) -> Page:
        """All that was read."""
        self._end_paragraph()
        return Page(
            _labelled(self._blocks, self._places),
            book_of(clean("".join(self._title)), clean(self._author), self._language),
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag = tag.rpartition(":")[2]
        told = {name: value or "" for name, value in attrs}
        self._head(tag, told)
        if self._unspoken:
            if tag not in _EMPTY:
                self._unspoken.begin(tag)
            return
        if tag in _ENDS_PARAGRAPH:
            self._end_paragraph()
        self._mark_place(told)
        if tag in _UNSPOKEN or (tag == "code" and self._pre) or _is_unspoken(told):
            if tag not in _EMPTY:
                self._unspoken.begin(tag)
            return
        if tag in _CHAPTERS:
            self._heading = True
        elif tag == "pre":
            self._pre = True
        elif tag in _CELLS and self._words:
            self._words.append(", ")
        elif tag == "a" and told.get("href"):
            self._link = len(self._words)
            self._linked = len(self._raised)
        elif tag == "sup":
            self._raised.append(len(self._words))
            if self._link is not None:  # so all around it hold the link too, or lie in it
                self._linked = len(self._raised)
        elif tag == "img" and self._heading and not self._words:
            self._add(told.get("alt", ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag.rpartition(":")[2] not in _EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "title":
            self._in_title = False
        elif tag == "pre":
            self._pre = False
        if self._unspoken:
            if tag in self._unspoken:
                self._unspoken.end(tag)
            elif tag in ("body", "html"):
                self._unspoken.clear()
            return
        if tag == "a" and self._link is not None:
            self._drop(_MARK, self._link)
            self._link = None
        elif tag == "sup" and self._raised:
            linked = self._linked == len(self._raised)
            begin = self._raised.pop()
            self._linked = min(self._linked, len(self._raised))
            if linked:
                self._drop(_RAISED_MARK, begin)
        if tag in _ENDS_PARAGRAPH:
            self._end_paragraph()

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)
        if not self._unspoken:
            self._add(data)

    def _head(self, tag: str, told: dict[str, str]) -> None:
        if tag == "title" and "svg" not in self._unspoken:
            self._in_title = not self._title
        elif tag == "html":
            self._language = told.get("lang") or told.get("xml:lang", "")
        elif tag == "meta" and told.get("name", "").lower() == "author":
            self._author = told.get("content", "")

    def _mark_place(self, told: dict[str, str]) -> None:
        if (place := told.get("id")) and (label := self._labels.get(place)):
            self._end_paragraph()
            self._places.append((len(self._blocks), label))

    def _add(self, words: str) -> None:
        if self._words or words.strip():
            self._words.append(words)

    def _drop(self, mark: re.Pattern[str], begin: int) -> None:
        words = self._words[begin : begin + _LONGEST_MARK + 1]
        if sum(map(len, words)) <= _LONGEST_MARK and mark.fullmatch("".join(words)):
            del self._words[begin:]

    def _end_paragraph(self) -> None:
        words, self._words = self._words, []
        self._link, self._raised, self._linked = None, [], 0
        if words:  # else the heading is of a tag that has only begun
            self._blocks.append(Block("".join(words), self._heading))
            self._heading = False


def _labelled(blocks: list[Block], places: list[tuple[int, str]]) -> list[Block]:
    """Blocks with the labels as headings where there are no others; text that says the same becomes one."""
    blocks = list(blocks)
    for place, label in reversed(places):
        following = blocks[place : place + _HEADED_WITHIN]
        if not following or any(block.heading for block in following):
            continue
        same = clean(label).casefold() == clean(following[0].text).casefold()
        blocks[place : place + same] = [Block(label, heading=True)]
    return blocks


def _is_unspoken(told: dict[str, str]) -> bool:
    roles = f"{told.get('epub:type', '')} {told.get('role', '')}".split()
    return (
        not _UNSPOKEN_ROLES.isdisjoint(roles)
        or "hidden" in told
        or told.get("aria-hidden") == "true"
        or bool(_HIDDEN.search(told.get("style", "")))
    )
