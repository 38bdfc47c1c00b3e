"""From prompts.jsonl to units: one line, one prompt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from engines.contract import Planning, nothing
from engines.jsonl import Entry, stretch
from engines.llm.request import parse
from engines.settings import EngineSettings


def plan(
    source: Path, cursor: str, limit: int, settings: EngineSettings, step: Callable[[], None] = nothing
) -> Planning:
    """Up to `limit` units of `source` from `cursor` on, and the lines that cannot become one.

    Raises:
        CannotPlan: the file is missing, unreadable, no regular file, or shorter than the cursor.
    """
    return stretch(source, cursor, limit, _entry)


def _entry(text: bytes, number: int) -> Entry:
    request = parse(text)
    if request.id is None:
        request = msgspec.structs.replace(request, id=str(number))
    return Entry(msgspec.json.encode(request).decode(), str(request.id))
