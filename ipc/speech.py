"""Speech: what programs ask an engine for and what it answers, which client and engine read alike."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from ipc import control
from ipc.errors import Problem, RequestFailed

if TYPE_CHECKING:
    from ipc.client import Client

KIND = "tts"


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to say, and how; what is left out is as the engine is set."""

    text: Annotated[str, Meta(min_length=1)]
    language: str | None = None
    voice: str | None = None
    """The name of one (`engineroom voices`), or the absolute path of a recording."""
    exaggeration: Annotated[float, Meta(ge=0, le=2)] | None = None
    cfg: Annotated[float, Meta(ge=0, le=2)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2147483647)] | None = None


class Said(Struct, frozen=True, omit_defaults=True):
    """What became of a chunk or a wish."""

    samples: int
    tokens: int
    seed: int
    """Which brings the same again."""
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


class Spoken(Struct, frozen=True):
    """The answer to a wish: what was said, and the sound as base64 of a FLAC file."""

    said: Said
    seconds: float
    audio: str


class Speech(Said, frozen=True, kw_only=True):
    """Sound, and what became of the wish for it."""

    flac: bytes
    """A FLAC file, mono."""
    seconds: float
    """How long it sounds."""
    work_seconds: float

    @property
    def rtf(self) -> float | None:
        """Seconds of work for each second of sound; None where there is none."""
        return self.work_seconds / self.seconds if self.seconds else None


_answers = msgspec.json.Decoder(Spoken)


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
