"""One span of a recording: where it lies, as planned, and what was heard in it.

Places in a recording are samples at 16 kHz, counted from its beginning, until they reach people: then seconds.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Struct

from ipc.errors import Problem, RequestFailed
from ipc.hearing import Heard, Wish

RATE = 16000
"""Samples a second that Whisper hears, mono."""


class Span(NamedTuple):
    """Samples `begin` to `end`."""

    begin: int
    end: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.begin) / RATE


class Source(Struct, frozen=True):
    """The recording that a span is of. `stamp` is its size and time of change: a file that was changed is another."""

    path: str
    stamp: str


class Unit(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A stretch of a recording, as planned. The stretches of a recording follow each other without a gap."""

    source: Source
    whole: Span
    speech: tuple[Span, ...] = ()
    """Where somebody speaks in it; what lies between the first and the last is decoded as one. Nothing: nobody does."""
    gain: float = 1.0
    """Samples are multiplied by this, so that quiet speech is as loud as any."""
    why: str = ""
    """Why nothing is heard where there is no speech: `silent`, `no speech`."""
    end: int = 0
    """About where the recording ends: beyond `whole` where more stretches follow, and not where this is the last."""
    head: Span | None = None
    """The first speech of the recording, which tells its language; None while that is this one."""


_unit = msgspec.json.Decoder(Unit)
_wish = msgspec.json.Decoder(Wish)
_heard = msgspec.json.Decoder(Heard)


def unit_of(payload: str) -> Unit:
    """A stretch as planned."""
    return _unit.decode(payload)


def wish_of(payload: str) -> Wish:
    """What a person wants to be heard at once.

    Raises:
        RequestFailed: it is no such request.
    """
    try:
        return _wish.decode(payload)
    except msgspec.MsgspecError as error:
        raise RequestFailed(Problem("Bad request", f"{error}.", 'Ask with {"live": true}.')) from error


def heard_of(result: str | bytes) -> Heard:
    """What was heard in a stretch, read from its result."""
    return _heard.decode(result)


def encode(value: Unit | Heard) -> str:
    """As JSON text."""
    return msgspec.json.encode(value).decode()
