"""From lines of JSON to units, with the shape of the `llm` kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from engines import jsonl
from engines.contract import Planning, nothing
from engines.fake.settings import FakeSettings
from engines.fake.unit import parse
from engines.settings import EngineSettings


def plan(
    source: Path, cursor: str, limit: int, settings: EngineSettings, step: Callable[[], None] = nothing
) -> Planning:
    """Up to `limit` units of `batch_size` lines of `source` from `cursor` on. Raises CannotPlan."""
    assert isinstance(settings, FakeSettings)
    return jsonl.stretch(source, cursor, limit, _entry, settings.batch_size)


def _entry(text: bytes, number: int) -> jsonl.Entry:
    request = parse(text)
    if request.id is None:
        request = msgspec.structs.replace(request, id=str(number))
    return jsonl.Entry(msgspec.json.encode(request).decode(), str(request.id), request.extent)
