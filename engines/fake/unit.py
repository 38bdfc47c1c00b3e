"""One unit of the fake kind and its result; the answer depends on the prompt alone."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ipc.errors import Problem, RequestFailed

HABITS = "crash|exit0|hang|hold_gil|oom|segfault|fail"
_SLOW = "slow:"
_WORDS = ("boiler", "valve", "piston", "gauge", "coal", "steam", "shaft", "rivet", "furnace", "pump", "crank", "oil")


class Unit(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line of the source, and the payload planned from it: `habit` is one of `HABITS`, or `slow:SECONDS`."""

    prompt: str
    id: str | int | None = None
    habit: Annotated[str, Meta(pattern=rf"^({HABITS}|{_SLOW}[0-9]+(\.[0-9]+)?)$")] | None = None

    def seconds(self, usual: float) -> float:
        """How long it takes: by its own habit, else as usual."""
        if self.habit is None or not self.habit.startswith(_SLOW):
            return usual
        return float(self.habit.removeprefix(_SLOW))

    def words(self, count: int) -> list[str]:
        """The answer, one word a token."""
        digest = hashlib.sha256(self.prompt.encode()).digest()
        return [_WORDS[(digest[n % len(digest)] + n // len(digest)) % len(_WORDS)] for n in range(count)]


class Result(Struct, frozen=True):
    """The result of one unit."""

    answer: str
    tokens: int
    prompt_tokens: int
    finish: str


_units = msgspec.json.Decoder(Unit)


def parse(text: str | bytes) -> Unit:
    """The unit in one line of JSON.

    Raises:
        RequestFailed: it is no such JSON object.
    """
    try:
        return _units.decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise RequestFailed(Problem("Bad request", f"{error}.", "Correct this line.")) from error
