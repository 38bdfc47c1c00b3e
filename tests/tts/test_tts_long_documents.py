"""However odd a document is, the time to read it grows with its length alone."""

from __future__ import annotations

import contextlib
import time
import zipfile
from pathlib import Path

import pytest

from engines.contract import CannotPlan
from engines.tts.text import reading

MANY = 10_000
LINEAR = {".html": "<p>a</p>" * MANY, ".md": "a line of words\n\n" * (MANY // 10), ".epub": "<a></a>" * MANY}
"""Nothing odd, and about as long as what is odd below."""


def seconds_for(folder: Path, suffix: str, text: str) -> float:
    """Of the processor, to read it or to refuse it; what is not said is refused."""
    source = folder / f"document{suffix}"
    if suffix == ".epub":
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr("META-INF/container.xml", "<rootfile full-path='a.opf'/>")
            archive.writestr("a.opf", text)
    else:
        source.write_text(text)
    began = time.process_time()
    with contextlib.suppress(CannotPlan):
        reading.read(source)
    return time.process_time() - began


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".epub", "<a>" * MANY + "</b>" * MANY),
        (".html", "<table><tr>" + "<td>a" * MANY),
        (".html", "<table><tr>" + "<td> </td>" * MANY),
        (".html", "<p>" + "<sup>" * MANY + "<a href=x>" * MANY),
        (".html", "<p>" + "a<sup>" * MANY + "<a href=x>1" + "</sup>" * MANY),
        (".html", "<p>" + "<sup>" * MANY + "<a href=x>" + "word " * MANY + "</sup>" * MANY),
        (".html", "<p>a</p><del>" + "<i>" * MANY + "</b>" * MANY),
        (".md", "a\n" + " " * MANY + "x\n"),
        (".md", "a\n--" + " " * MANY + "x\n"),
        (".md", "# a" + " " * MANY + "b"),
        (".md", "# a" + " #" * MANY + "x"),
    ],
    ids=[
        "tags that never ended", "cells", "empty cells", "links in raised words", "raised words in raised words",
        "much that is raised", "tags that are not spoken", "spaces", "a rule of a table", "a heading", "number signs",
    ],
)  # fmt: skip
def test_an_odd_document_is_read_about_as_fast_as_any_of_its_length(tmp_path: Path, suffix: str, text: str) -> None:
    usual = seconds_for(tmp_path, suffix, LINEAR[suffix])
    assert seconds_for(tmp_path, suffix, text) < 10 * usual
