"""From results to lines of JSON in the order of the source, with the shape of the `llm` kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from engines.fake.unit import answers, requests
from engines.settings import EngineSettings
from ipc.work import ResultRow


class _Line(msgspec.Struct, frozen=True):
    id: str | int | None
    answer: str
    tokens: int
    prompt_tokens: int
    finish: str
    bytes: int | UnsetType = UNSET
    """Of the unit's file, where it has one."""


def assemble(part: Path, rows: Iterator[ResultRow], settings: EngineSettings, step: Callable[[], None]) -> None:
    """One line per line of the source. Raises OSError, which the desk turns into a sentence."""
    with part.open("wb") as file:
        for row in rows:
            size = Path(row.file).stat().st_size if row.file else UNSET
            for asked, said in zip(requests(row.payload), answers(row.result), strict=True):
                line = _Line(asked.id, said.answer, said.tokens, said.prompt_tokens, said.finish, size)
                file.write(msgspec.json.encode(line) + b"\n")
