"""From lines of JSON to units, with the shape of the `llm` kind."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engines import jsonl
from engines.contract import Planning
from engines.fake.unit import parse
from engines.settings import EngineSettings
from ipc.work import PlannedUnit


def plan(source: Path, cursor: str, limit: int, settings: EngineSettings) -> Planning:
    """Up to `limit` lines of `source` from `cursor` on. Raises CannotPlan."""
    return jsonl.stretch(source, cursor, limit, _unit)


def _unit(line: jsonl.Line) -> PlannedUnit:
    unit = parse(line.text)
    if unit.id is None:
        unit = msgspec.structs.replace(unit, id=str(line.number))
    return PlannedUnit(msgspec.json.encode(unit).decode(), line.where, str(unit.id))
