"""Flights and reports that remember what they heard, spans planned by hand, and the real engine."""

from __future__ import annotations

import csv
import functools
import json
import wave
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import flying_kit
from flying_kit import Flying, Sky, Told

from engines.contract import Flight
from engines.gpu_memory import GpuMemory
from engines.stt import library
from engines.stt.audio.recording import Recording, stamp
from engines.stt.decode.decoder import Floats
from engines.stt.decode.take import Take
from engines.stt.decode.way import Way
from engines.stt.loaded import Loaded
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE, Source, Span, Unit, encode, heard_of
from ipc.hearing import Heard
from ipc.snapshot import Scalar
from ipc.work import UnitOrder

AUDIO = Path(__file__).parents[2] / "examples" / "audio"


@functools.cache
def transcripts() -> dict[str, str]:
    """Of the utterances, by file name."""
    with (AUDIO / "transcripts.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["text"] for row in csv.DictReader(file)}


def utterances(count: int = 24) -> list[Path]:
    """The first of them."""
    return [AUDIO / name for name in sorted(transcripts())[:count]]


@functools.cache
def samples_of(path: Path) -> int:
    """How long a recording is."""
    recording = Recording(path)
    try:
        return len(recording.read(Span(0, 10**9)))
    finally:
        recording.close()


def unit_of_all(path: Path, *, head: Span | None = None, gain: float = 1.0) -> Unit:
    """All of it as one span of speech."""
    whole = Span(0, samples_of(path))
    return Unit(Source(str(path), stamp(path)), whole, (whole,), gain, head=head)


def joined(path: Path, files: Sequence[Path]) -> tuple[Path, str]:
    """Those utterances one after the other, with half a second between them; and what is said."""
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        for file in files:
            with wave.open(str(file)) as one:
                out.writeframes(one.readframes(one.getnframes()) + bytes(RATE))
    return path, " ".join(transcripts()[file.name] for file in files)


def text_of(heard: Heard) -> str:
    """All that was written."""
    return " ".join(segment.text for segment in heard.segments)


class Asked(Flying):
    """A flight with these units."""

    def __init__(
        self,
        *units: Unit,
        stream: bool = False,
        deterministic: bool = False,
        own: Mapping[str, Scalar] | None = None,
    ) -> None:
        orders = (UnitOrder("j", at, encode(unit), own=dict(own or {})) for at, unit in enumerate(units))
        super().__init__(orders, stream=stream, deterministic=deterministic)
        self.results: dict[int, Heard] = {}

    def heard(self, index: int, told: Told) -> None:
        assert told.data is None
        self.results[index] = heard_of(told.result)

    def texts(self) -> list[str]:
        """What was written, in the order of the units."""
        return [text_of(self.results[at]) for at in sorted(self.results)]


def quick(**settings: Any) -> SttSettings:
    """The miniature's, as cheap as it gets."""
    return SttSettings(**{"cpu_threads": 1, "beam_size": 1, **settings})


class Engine(Loaded):
    """The real one, which notes its batches."""

    def __init__(self, **settings: Any) -> None:
        library.prepare()
        self.noted = flying_kit.Heard()
        self.batches: list[list[Way]] = []
        super().__init__(quick(**settings), self.noted, GpuMemory())
        self.batches.clear()

    def _prove(self) -> None:
        decode = self._decoder.decode

        def noting(windows: Sequence[Floats], way: Way) -> list[Take]:
            self.batches.append([way] * len(windows))
            return self.imagined(windows, way) or decode(windows, way)

        self._decoder.decode = noting  # type: ignore[method-assign]
        super()._prove()

    def imagined(self, windows: Sequence[Floats], way: Way) -> list[Take]:
        """What it is to hear instead; nothing: what it hears."""
        return []

    @property
    def sizes(self) -> list[int]:
        """How many windows were decoded together, each time."""
        return [len(batch) for batch in self.batches]

    def ask(self, *flights: Flight, then: Callable[[Sky], None] = lambda _: None) -> Sky:
        """Fly these to their end."""
        sky = Sky(*flights, then=then, rests=True)
        self.fly(sky)
        return sky


def payload(unit: Unit) -> dict[str, Any]:
    """As JSON's own types."""
    decoded: dict[str, Any] = json.loads(encode(unit))
    return decoded
