"""Documents that were read last, numbered: a desk plans a book in many stretches, and parses it once."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from typing import Final

from engines.tts.text.detect import Tongue, detected, told
from engines.tts.text.document import Document
from engines.tts.text.reading import read
from engines.tts.text.script import Script, script_of
from engines.tts.text.sentences import sentences_of

_MOST: Final = 2

_kept: OrderedDict[str, tuple[tuple[int, ...], Script]] = OrderedDict()


def script(source: Path) -> Script:
    """The document in a file, as it is read aloud; read again when the file has changed.

    Raises:
        CannotPlan: there is no such document.
    """
    key, identity = str(source), _identity(source)
    if (kept := _kept.get(key)) is not None and identity and kept[0] == identity:
        _kept.move_to_end(key)
        return kept[1]
    _kept.pop(key, None)
    document = read(source)
    tongue = _tongue(document)
    found = script_of(document, tongue.language, sure=tongue.sure, cut=sentences_of)
    _kept[key] = identity, found
    while len(_kept) > _MOST:
        _kept.popitem(last=False)
    return found


def _identity(source: Path) -> tuple[int, ...]:
    try:
        status = os.stat(source)
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _tongue(document: Document) -> Tongue:
    """What the document says it is in, else what it looks like."""
    if language := told(document.book.language):
        return Tongue(language, sure=True)
    return detected("\n".join(paragraph for chapter in document.chapters for paragraph in chapter.paragraphs))
