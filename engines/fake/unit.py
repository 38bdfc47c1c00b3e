"""One unit of the fake kind, of one line or several, and its result: an answer depends on prompt and take alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from engines.chain import output_line
from ipc.errors import Problem, RequestFailed

HABITS = "crash|exit0|hang|hold_gil|oom|segfault|fail"
ECHO = "echo"
"""The habit of a line that answers with what it is fed."""
_SLOW = "slow:"
_WORDS = ("boiler", "valve", "piston", "gauge", "coal", "steam", "shaft", "rivet", "furnace", "pump", "crank", "oil")


class Request(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line of the source: `habit` is one of `HABITS`, `echo`, or `slow:SECONDS`.

    `extent` makes it part of a recording of so many seconds.
    """

    prompt: str
    id: str | int | None = None
    habit: Annotated[str, Meta(pattern=rf"^({HABITS}|{ECHO}|{_SLOW}[0-9]+(\.[0-9]+)?)$")] | None = None
    extent: Annotated[float, Meta(ge=0)] | None = None

    def seconds(self, usual: float) -> float:
        """How long it takes: by its own habit, else as usual."""
        if self.habit is None or not self.habit.startswith(_SLOW):
            return usual
        return float(self.habit.removeprefix(_SLOW))

    def words(self, count: int, take: int = 0) -> list[str]:
        """The answer, one word a token; another one for each take."""
        digest = hashlib.sha256(f"{self.prompt}{take or ''}".encode()).digest()
        return [_WORDS[(digest[n % len(digest)] + n // len(digest)) % len(_WORDS)] for n in range(count)]

    def data(self, size: int) -> bytes:
        """So many bytes of a file."""
        digest = hashlib.sha256(self.prompt.encode()).digest()
        return (digest * (size // len(digest) + 1))[:size]


class Result(Struct, frozen=True):
    """The answer to one line."""

    answer: str
    tokens: int
    prompt_tokens: int
    finish: str


_line = msgspec.json.Decoder(Request)
_payload = msgspec.json.Decoder(Request | Annotated[list[Request], Meta(min_length=1)])
_result = msgspec.json.Decoder(Result | list[Result])


def parse(text: str | bytes) -> Request:
    """The request in one line of JSON, which may be a line of an earlier job's output.

    Raises:
        RequestFailed: it is no such JSON object.
    """
    try:
        return _line.decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        if (earlier := output_line(text)) is not None:
            return Request(earlier.answer, earlier.id)
        raise _bad(error) from error


def requests(payload: str) -> Sequence[Request]:
    """The lines of a unit: one object, or a list of them.

    Raises:
        RequestFailed: it is neither.
    """
    try:
        unit = _payload.decode(payload)
    except msgspec.MsgspecError as error:
        raise _bad(error) from error
    return unit if isinstance(unit, list) else (unit,)


def echoes(payload: str) -> bool:
    """Whether the unit answers with what it is fed. Raises RequestFailed: it is none."""
    return any(request.habit == ECHO for request in requests(payload))


def result_of(answers: Sequence[Result]) -> str:
    """The result of a unit, of the same form as its payload."""
    return msgspec.json.encode(answers if len(answers) > 1 else answers[0]).decode()


def answers(result: str) -> Sequence[Result]:
    """The answers in the result of a unit, in the order of its lines."""
    unit = _result.decode(result)
    return unit if isinstance(unit, list) else (unit,)


def _bad(error: Exception) -> RequestFailed:
    return RequestFailed(
        Problem("Bad request", f"{error}.", "A line has a `prompt`, or the `answer` of an earlier job.")
    )
