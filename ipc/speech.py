"""Speech for programs: the request to an engine that speaks, and its answer as sound and what was measured of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ipc import control
from ipc.errors import Problem, RequestFailed

if TYPE_CHECKING:
    from ipc.client import Client

KIND = "tts"


class Wish(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to say, and how; what is left out is as the engine is set."""

    text: str
    language: str | None = None
    voice: str | None = None
    """The name of one (`engineroom voices`), or the absolute path of a recording."""
    exaggeration: float | None = None
    cfg: float | None = None
    temperature: float | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Speech:
    """Sound, and how it came to be."""

    flac: bytes
    """A FLAC file, mono."""
    seconds: float
    """How long it sounds."""
    samples: int
    tokens: int
    seed: int
    """Which brings the same again."""
    work_seconds: float
    extended: int = 0
    """How often it went on over what was expected."""
    redone: int = 0
    """Takes that were thrown away."""
    pieces: int = 1
    """Parts that it was spoken in, because it found no end as a whole."""
    flags: tuple[str, ...] = ()
    """What is still wrong with it: `long`, `short`, `silent`, `loops`, `cut`."""
    unknown: str = ""
    """Characters that the model does not know, and that were left out."""

    @property
    def rtf(self) -> float | None:
        """Seconds of work for each second of sound; None where there is none."""
        return self.work_seconds / self.seconds if self.seconds else None


class _Said(Struct, frozen=True):
    samples: int
    tokens: int
    seed: int
    extended: int = 0
    redone: int = 0
    pieces: int = 1
    flags: tuple[str, ...] = ()
    unknown: str = ""


class _Spoken(Struct, frozen=True):
    said: _Said
    seconds: float
    audio: str


_answers = msgspec.json.Decoder(_Spoken)


async def say(client: Client, wish: Wish, engine: str) -> Speech:
    """As `Client.say`, with an engine's name."""
    async with client.stream(control.Ask(engine, msgspec.json.encode(wish).decode())) as items:
        async for item in items:
            if isinstance(item, control.Answered):
                return speech_of(item.result, item.seconds)
    raise RequestFailed(Problem("No answer", f"{engine} ended without an answer.", "Ask again."))


def speech_of(result: str, work_seconds: float) -> Speech:
    """The speech in the result of one request, which took the engine so long."""
    answer = _answers.decode(result)
    return Speech(
        flac=base64.b64decode(answer.audio),
        seconds=answer.seconds,
        work_seconds=work_seconds,
        **msgspec.structs.asdict(answer.said),
    )
