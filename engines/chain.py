"""A line of one job's output as a line of the next job's source: its answer is the prompt."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

Id: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | str
"""How people know a line; it goes from source to output."""


class OutputLine(Struct, frozen=True, forbid_unknown_fields=True):
    """What the next job reads of it is `answer` and `id`."""

    answer: str
    id: Id | None = None
    tokens: int | None = None
    prompt_tokens: int | None = None
    finish: str | None = None
    bytes: int | None = None


_decoder = msgspec.json.Decoder(OutputLine)


def output_line(text: str | bytes) -> OutputLine | None:
    """The line of an output; None where it is something else."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return None
