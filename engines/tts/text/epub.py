"""EPUB: the pages of its spine in order, with title, author, language and headings as the book itself gives them.

Everything in it is read by the lenient parser of HTML, which knows no entities of a document's own; nothing is
unpacked to disk, and no more than `MOST_BYTES` in all.
"""

from __future__ import annotations

import lzma
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from engines.contract import CannotPlan
from engines.tts.text.document import Block, Document, book_of, chapters_of
from engines.tts.text.encoding import text_of
from engines.tts.text.markup import page_of, parse
from engines.tts.text.nesting import OpenTags
from engines.tts.text.normal import clean
from engines.tts.unit import Book
from ipc.errors import Problem

MOST_BYTES: Final = 64 * 2**20
"""Of unpacked text in all; a library's longest novels have 10 MB."""
_PAGES: Final = frozenset({"application/xhtml+xml", "text/html", "application/xml", "text/xml", ""})
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
    NotImplementedError, RuntimeError, EOFError, ValueError,
)  # fmt: skip
"""What the library raises over archives that are damaged, or packed in ways that it does not know."""
_FONTS_ONLY: Final = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
"""Ways of scrambling that books use for their fonts, and not for text."""


def read(path: Path) -> Document:
    """The book in a file.

    Raises:
        CannotPlan: it is no EPUB, is encrypted, broken, or unpacks to too much.
        OSError
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Book(archive, path.name).document()
    except _BROKEN as error:
        raise _broken(path.name, f"{error}" or type(error).__name__) from error


class _Book:
    """An archive while it is read."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive = archive
        self._name = name
        self._names = set(archive.namelist())
        self._left = MOST_BYTES

    def document(self) -> Document:
        """The whole."""
        self._refuse_encrypted()
        container = _elements(self._text("META-INF/container.xml"))
        package = next(
            (told["full-path"] for tag, told, _ in container if tag == "rootfile" and "full-path" in told), ""
        )
        if package not in self._names:
            raise _broken(self._name, "it does not say where its contents are")
        folder = posixpath.dirname(package)
        elements = _elements(self._text(package))
        items = {told.get("id", ""): told for tag, told, _ in elements if tag == "item"}
        spine = [told for tag, told, _ in elements if tag == "itemref" and told.get("linear") != "no"]
        pages = [items[told.get("idref", "")] for told in spine if told.get("idref") in items]
        labels = self._labels(items, folder)
        blocks = list(self._blocks(pages, folder, labels))
        return Document(_book(elements), chapters_of(blocks))

    def _blocks(self, pages: list[dict[str, str]], folder: str, labels: dict[str, dict[str, str]]) -> Iterator[Block]:
        read = 0
        for item in pages:
            path = _within(folder, item.get("href", ""))
            if item.get("media-type", "").lower() not in _PAGES or path not in self._names:
                continue
            read += 1
            if "nav" not in item.get("properties", "").split() and (text := self._text(path)).strip():
                yield from page_of(text, labels.get(path)).blocks
        if not read:
            raise _broken(self._name, "none of the pages that it names is in it")

    def _refuse_encrypted(self) -> None:
        if "META-INF/encryption.xml" not in self._names:
            return
        ways = [told.get("algorithm", "") for tag, told, _ in _elements(self._text("META-INF/encryption.xml"))
                if tag == "encryptionmethod"]  # fmt: skip
        if "META-INF/rights.xml" in self._names or not _FONTS_ONLY.issuperset(ways):
            raise CannotPlan(
                Problem(
                    "Protected book",
                    f"{self._name} is encrypted (DRM), so its text cannot be read.",
                    "Give a copy without protection.",
                )
            )

    def _labels(self, items: dict[str, dict[str, str]], folder: str) -> dict[str, dict[str, str]]:
        """What the table of contents calls places: by page, then by id within it (empty: its begin)."""
        for item in items.values():
            path = _within(folder, item.get("href", ""))
            if path not in self._names:
                continue
            if "nav" in item.get("properties", "").split():
                return _grouped(_links(self._text(path)), posixpath.dirname(path))
        for item in items.values():
            path = _within(folder, item.get("href", ""))
            if item.get("media-type") == "application/x-dtbncx+xml" and path in self._names:
                return _grouped(_points(self._text(path)), posixpath.dirname(path))
        return {}

    def _text(self, path: str) -> str:
        """A member's text; what is not there is empty."""
        if path not in self._names:
            return ""
        with self._archive.open(path) as member:
            data = member.read(self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise CannotPlan(
                Problem(
                    "Book too large",
                    f"{self._name} unpacks to more than {MOST_BYTES // 2**20} MiB of text.",
                    "Divide it into several books.",
                )
            )
        return text_of(data, f"{self._name}: {path}", markup=True) if data.strip() else ""


def _broken(name: str, what: str) -> CannotPlan:
    return CannotPlan(
        Problem("Broken book", f"{name} is no whole EPUB: {what}.", "Fetch it again, or convert it to a text.")
    )


def _book(elements: list[tuple[str, dict[str, str], str]]) -> Book:
    said: dict[str, str] = {}
    for tag, _, text in elements:
        if text:
            said.setdefault(tag, text)
    return book_of(said.get("title", ""), said.get("creator", ""), said.get("language", ""))


def _links(text: str) -> Iterator[tuple[str, str]]:
    """Targets and labels of an EPUB 3 table of contents: the first `nav`."""
    inside = False
    for tag, told, words in _elements(text):
        if tag == "nav":
            if inside:
                return
            inside = told.get("epub:type", "toc") == "toc"
        elif inside and tag == "a" and words:
            yield told.get("href", ""), words


def _points(text: str) -> Iterator[tuple[str, str]]:
    """Targets and labels of an EPUB 2 table of contents."""
    label = ""
    for tag, told, words in _elements(text):
        if tag == "text" and words:
            label = words
        elif tag == "content" and label:
            yield told.get("src", ""), label
            label = ""


def _grouped(links: Iterator[tuple[str, str]], folder: str) -> dict[str, dict[str, str]]:
    labels: dict[str, dict[str, str]] = {}
    for target, label in links:
        path, _, place = target.partition("#")
        labels.setdefault(_within(folder, path), {}).setdefault(unquote(place), label)
    return labels


def _within(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _elements(text: str) -> list[tuple[str, dict[str, str], str]]:
    """All elements in order: name without prefix in small letters, attributes, and all text within."""
    parser = _Elements()
    parse(parser, text)
    return [(tag, told, clean("".join(words))) for tag, told, words in parser.found]


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str], list[str]]] = []
        self._open = OpenTags()
        self._within: list[list[str]] = []
        """The words of each that is open."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name, words = self._begin(tag, attrs)
        self._open.begin(name)
        self._within.append(words)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._begin(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._open.end(tag.rpartition(":")[2])
        del self._within[len(self._open) :]

    def handle_data(self, data: str) -> None:
        if data.strip():
            for words in self._within[-4:]:
                words.append(data)

    def _begin(self, tag: str, attrs: list[tuple[str, str | None]]) -> tuple[str, list[str]]:
        name, words = tag.rpartition(":")[2], list[str]()
        self.found.append((name, {name: value or "" for name, value in attrs}, words))
        return name, words
