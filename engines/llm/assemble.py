"""From results to one line of JSON per prompt, in the order of the source; no timings, so that runs can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from engines.chain import Id
from engines.contract import CannotAssemble
from engines.llm.request import Answer, Finish
from engines.partfile import not_written
from engines.settings import EngineSettings
from ipc.errors import Problem
from ipc.work import ResultRow


class _Asked(msgspec.Struct, frozen=True):
    id: Id


class _Line(msgspec.Struct, frozen=True):
    id: Id
    answer: str
    tokens: int
    prompt_tokens: int
    finish: Finish


_encoder = msgspec.json.Encoder()
_asked = msgspec.json.Decoder(_Asked)
_answers = msgspec.json.Decoder(Answer)


def assemble(part: Path, rows: Iterator[ResultRow], settings: EngineSettings, step: Callable[[], None]) -> None:
    """Write one line per row to `part`, from its beginning, and check that all of it arrived in the file.

    Raises:
        CannotAssemble: the file cannot be written; `retry` when the cause can go away (a full disk).
    """
    written = 0
    try:
        with part.open("wb") as file:
            for row in rows:
                written += file.write(_encoder.encode(_line(row)) + b"\n")
        size = part.stat().st_size
    except OSError as error:
        raise not_written(part, error) from error
    if size != written:
        sentence = f"{part} has {size} bytes where {written} were written."
        raise CannotAssemble(Problem("Output not written", sentence, "Check the file system."), retry=True)


def _line(row: ResultRow) -> _Line:
    answer = _answers.decode(row.result)
    return _Line(_asked.decode(row.payload).id, answer.answer, answer.tokens, answer.prompt_tokens, answer.finish)
