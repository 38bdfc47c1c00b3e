"""From results to lines of JSON in the order of the source, with the shape of the `llm` kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from engines.fake.unit import Result, parse
from engines.settings import EngineSettings
from ipc.work import ResultRow


class _Line(msgspec.Struct, frozen=True):
    id: str | int | None
    answer: str
    tokens: int
    prompt_tokens: int
    finish: str


_results = msgspec.json.Decoder(Result)


def assemble(part: Path, rows: Iterator[ResultRow], settings: EngineSettings) -> None:
    """One line per row. Raises OSError, which the desk turns into a sentence."""
    with part.open("wb") as file:
        for row in rows:
            result = _results.decode(row.result)
            line = _Line(parse(row.payload).id, result.answer, result.tokens, result.prompt_tokens, result.finish)
            file.write(msgspec.json.encode(line) + b"\n")
