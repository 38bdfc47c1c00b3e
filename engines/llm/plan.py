"""From prompts.jsonl to units: one line, one prompt."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engines.contract import Planning
from engines.jsonl import Line, stretch
from engines.llm.request import parse
from engines.settings import EngineSettings
from ipc.work import PlannedUnit


def plan(source: Path, cursor: str, limit: int, settings: EngineSettings) -> Planning:
    """Up to `limit` units of `source` from `cursor` on, and the lines that cannot become one.

    Raises:
        CannotPlan: the file is missing, unreadable, no regular file, or shorter than the cursor.
    """
    return stretch(source, cursor, limit, _unit)


def _unit(line: Line) -> PlannedUnit:
    request = parse(line.text)
    if request.id is None:
        request = msgspec.structs.replace(request, id=str(line.number))
    return PlannedUnit(msgspec.json.encode(request).decode(), line.where, str(request.id))
