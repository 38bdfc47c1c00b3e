"""Bytes of a document as text: UTF-8, UTF-16 where its mark says so, else what markup declares."""

from __future__ import annotations

import codecs
import re
from typing import Final

from engines.contract import CannotPlan
from ipc.errors import Problem

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED: Final = re.compile(rb"""(?:encoding|charset)\s*=\s*["']?([A-Za-z0-9_:.-]+)""")
_DECLARED_WITHIN: Final = 2048
"""Bytes; where HTML and XML must declare their encoding."""
_OLDER: Final = re.compile(
    r"(?:iso-?8859-?\d+|latin-?\d|windows-?125\d|cp125\d|koi8-[ru]|shift_jis|euc-jp|euc-kr|gb2312|gbk|gb18030|big5)",
    re.I,
)


def text_of(data: bytes, name: str, *, markup: bool = False) -> str:
    """The text in `data`; `name` is what people call the file, `markup` lets it declare an older encoding.

    Raises:
        CannotPlan: it is empty, or no text.
    """
    if not data.strip():
        raise CannotPlan(Problem("Empty document", f"{name} is empty.", "Give a file with text in it."))
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding, name)
    if b"\0" in data:
        raise CannotPlan(Problem("Not text", f"{name} is a binary file.", "Give it as txt, md, epub, html or srt."))
    return _decoded(data, (markup and _declared(data)) or "utf-8", name)


def _declared(data: bytes) -> str:
    """What the markup declares and is not UTF-8 after all; empty where it does not, or we do not know it."""
    found = _DECLARED.search(data[:_DECLARED_WITHIN])
    if found is None or not _OLDER.fullmatch(declared := found[1].decode("ascii")):
        return ""
    try:
        data.decode()
    except UnicodeError:
        return declared
    return ""


def _decoded(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError) as error:
        where = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
        raise CannotPlan(
            Problem("Not text", f"{name} is no text in {encoding.upper()}{where}.", "Write it in UTF-8.")
        ) from error
