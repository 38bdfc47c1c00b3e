"""Flights that remember what was spoken."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import msgspec
from flying_kit import Flying, Told

from engines.tts.unit import Unit, encode
from ipc.speech import Said, Spoken, Wish
from ipc.work import UnitOrder

TEXT = "The boiler feeds the engine, and the engine turns the wheel."


def unit(text: str, **more: Any) -> str:
    """A planned chunk as its payload."""
    return encode(Unit(text, more.pop("language", "en"), (), **more))


def ask(text: str, **more: Any) -> str:
    """What a person wants to hear, as its payload."""
    return msgspec.json.encode(Wish(text=text, **more)).decode()


class Asked(Flying):
    """A flight whose orders have these payloads; those of a job may leave a file."""

    def __init__(self, *payloads: str, stream: bool = False, deterministic: bool = False, take: int = 0) -> None:
        file = "" if stream else "/kept/by/the/runtime"
        orders = (UnitOrder("j", at, payload, file, take) for at, payload in enumerate(payloads))
        super().__init__(orders, stream=stream, deterministic=deterministic)

    def heard(self, index: int, told: Told) -> None:
        assert told.seconds >= 0
        assert told.ttft_seconds is None
        assert told.audio_seconds is not None

    def said(self, index: int = 0) -> Said:
        """What was told of a unit."""
        if self.stream:
            return self.spoken(index).said
        return msgspec.json.decode(self.told[index].result, type=Said)

    def spoken(self, index: int = 0) -> Spoken:
        """The answer to a person."""
        return msgspec.json.decode(self.told[index].result, type=Spoken)

    def file(self, index: int = 0) -> bytes:
        """The sound, whoever it was for."""
        data = self.told[index].data
        return base64.b64decode(self.spoken(index).audio) if data is None else data

    def digest(self) -> str:
        """Of everything that it was told."""
        told = [self.told[at].result + hashlib.sha256(self.file(at)).hexdigest() for at in sorted(self.told)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()
