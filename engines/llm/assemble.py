"""From results to one line of JSON per prompt, in the order of the source; no timings, so that runs can be compared."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import msgspec

from engines.contract import CannotAssemble
from engines.llm.request import Answer, Id
from engines.settings import EngineSettings
from ipc.errors import Problem
from ipc.work import ResultRow

_CAN_GO_AWAY = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.EIO, errno.ESTALE}
)


class _Asked(msgspec.Struct, frozen=True):
    id: Id


class _Line(msgspec.Struct, frozen=True):
    id: Id
    answer: str
    tokens: int
    prompt_tokens: int
    finish: str


_asked = msgspec.json.Decoder(_Asked)
_answers = msgspec.json.Decoder(Answer)


def assemble(part: Path, rows: Iterator[ResultRow], settings: EngineSettings) -> None:
    """Write one line per row to `part`, from its beginning, and check that all of it arrived in the file.

    Raises:
        CannotAssemble: the file cannot be written; `retry` when the cause can go away (a full disk).
    """
    encoder = msgspec.json.Encoder()
    written = 0
    try:
        with part.open("wb") as file:
            for row in rows:
                written += file.write(encoder.encode(_line(row)) + b"\n")
        size = part.stat().st_size
    except OSError as error:
        raise CannotAssemble(
            Problem("Output not written", f"{part.parent}: {error.strerror}.", "Make room or allow writing there."),
            retry=error.errno in _CAN_GO_AWAY,
        ) from error
    if size != written:
        raise CannotAssemble(
            Problem(
                "Output not written", f"{part} has {size} bytes where {written} were written.", "Check the file system."
            ),
            retry=True,
        )


def _line(row: ResultRow) -> _Line:
    answer = _answers.decode(row.result)
    return _Line(_asked.decode(row.payload).id, answer.answer, answer.tokens, answer.prompt_tokens, answer.finish)
