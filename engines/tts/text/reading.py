"""A file as a document, whatever its format."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from engines.contract import CannotPlan
from engines.tts.text import answers, epub, markdown, markup, plain, subtitles
from engines.tts.text.document import Document
from engines.tts.text.encoding import text_of
from ipc.errors import Problem

MOST_BYTES: Final = 64 * 2**20
"""Of a file; so much text is a month of speech."""
MOST_BOOK_BYTES: Final = 256 * 2**20
"""Of an EPUB, which may hold pictures; its text is bounded too."""
_FORMATS: Final[dict[str, Callable[[str], Document]]] = {
    ".txt": plain.read,
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".html": markup.read,
    ".htm": markup.read,
    ".xhtml": markup.read,
    ".srt": subtitles.read,
    ".jsonl": answers.read,
    ".ndjson": answers.read,
}
_NOT_READ: Final = frozenset(
    (".csv", ".tsv", ".json", ".xml", ".yaml", ".npy", ".npz", ".parquet")
    + (".pdf", ".ps", ".doc", ".docx", ".odt", ".rtf", ".mobi", ".azw3", ".pptx", ".xlsx")
)
"""Data, and words in a wrapping that we do not open: reading such a file as it is would be reading marks aloud."""
_MARKUP: Final = frozenset({".html", ".htm", ".xhtml"})


def read(source: Path) -> Document:
    """The document in a file; its suffix says what it is, plain text where we do not know it.

    Raises:
        CannotPlan: it is missing, unreadable, too large, broken, of no format with words, or has nothing to say.
    """
    suffix = source.suffix.lower()
    if suffix in _NOT_READ:
        raise CannotPlan(
            Problem(
                "Not read aloud",
                f"{source.name} is a {suffix[1:]} file, and how to find the words in it is not known.",
                'Give its words as txt, md, epub, html or srt, or as jsonl with {"text": "…"} in each line.',
            )
        )
    most = MOST_BOOK_BYTES if suffix == ".epub" else MOST_BYTES
    try:
        status = source.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for a writer
            raise CannotPlan(
                Problem("Source unreadable", f"{source} is not a regular file.", "Write its text into a file first.")
            )
        if status.st_size > most:
            raise CannotPlan(
                Problem(
                    "Document too large",
                    f"{source.name} has {status.st_size / 2**20:,.0f} MiB; at most {most // 2**20} are read.",
                    "Divide it into several files.",
                )
            )
        document = _document(source, suffix)
    except OSError as error:
        raise CannotPlan(
            Problem("Source unreadable", f"{source}: {error.strerror or error}.", "Check the path and its permissions.")
        ) from error
    if not document.chapters:
        raise CannotPlan(
            Problem("Nothing to say", f"{source.name} has no word of text in it.", "Give a file with text in it.")
        )
    return document


def _document(source: Path, suffix: str) -> Document:
    if suffix == ".epub":
        return epub.read(source)
    text = text_of(source.read_bytes(), source.name, markup=suffix in _MARKUP)
    return _FORMATS.get(suffix, plain.read)(text)
