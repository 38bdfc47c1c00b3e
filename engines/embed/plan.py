"""From lines of text, or of JSON, to units of some texts each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from engines import jsonl
from engines.contract import Planning, nothing
from engines.embed.settings import EmbedSettings
from engines.embed.unit import Line, parse
from engines.settings import EngineSettings
from ipc.errors import Problem, RequestFailed

_JSON = frozenset({".jsonl", ".ndjson"})


def plan(
    source: Path, cursor: str, limit: int, settings: EngineSettings, step: Callable[[], None] = nothing
) -> Planning:
    """Up to `limit` units of `batch_size` texts of `source` from `cursor` on; its suffix says what its lines are.

    Raises:
        CannotPlan: the file is missing, unreadable, no regular file, or shorter than the cursor.
    """
    assert isinstance(settings, EmbedSettings)
    entry = _of_json if source.suffix.lower() in _JSON else _of_text
    return jsonl.stretch(source, cursor, limit, entry, settings.batch_size)


def _of_json(text: bytes, number: int) -> jsonl.Entry:
    return _entry(parse(text), number)


def _of_text(text: bytes, number: int) -> jsonl.Entry:
    try:
        return _entry(Line(text.decode().rstrip("\r\n")), number)
    except UnicodeError as error:
        raise RequestFailed(Problem("Not text", f"It cannot be read: {error}.", "Write it in UTF-8.")) from error


def _entry(line: Line, number: int) -> jsonl.Entry:
    if line.id is None:
        line = msgspec.structs.replace(line, id=str(number))
    return jsonl.Entry(msgspec.json.encode(line).decode(), str(line.id))
