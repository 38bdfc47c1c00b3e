"""Recordings for tests: utterances with pauses, written in any form that the library can encode."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from engines.contract import Planning
from engines.stt.plan import plan
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE, Unit, unit_of
from ipc.work import PlannedUnit, SourceProblem

AUDIO = Path(__file__).parents[2] / "examples" / "audio"
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Form:
    """How sound is written."""

    suffix: str
    codec: str
    rate: int
    layout: str


WAV = Form("wav", "pcm_s16le", 16000, "mono")
MP3 = Form("mp3", "libmp3lame", 44100, "stereo")
M4A = Form("m4a", "aac", 48000, "stereo")
FLAC = Form("flac", "flac", 44100, "stereo")
OPUS = Form("ogg", "libopus", 48000, "mono")
TELEPHONE = Form("wav", "pcm_mulaw", 8000, "mono")
CINEMA = Form("wav", "pcm_f32le", 192000, "5.1")
AIFF = Form("aiff", "pcm_s16be", 22050, "stereo")
FORMS = (WAV, MP3, M4A, FLAC, OPUS, TELEPHONE, CINEMA, AIFF)


def utterance(number: int) -> Samples:
    """One of the bundled utterances."""
    with wave.open(str(AUDIO / f"utterance-{number:02}.wav")) as file:
        return (np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32768).astype(np.float32)


def silence(seconds: float) -> Samples:
    """Digital silence."""
    return np.zeros(round(seconds * RATE), np.float32)


def noise(seconds: float, level_db: float) -> Samples:
    """White noise, always the same."""
    made = np.random.default_rng(7).normal(size=round(seconds * RATE))
    return (made * 10 ** (level_db / 20)).astype(np.float32)


def quieter(samples: Samples, decibels: float) -> Samples:
    """The samples, so much quieter."""
    return samples * np.float32(10 ** (-decibels / 20))


def talk(*numbers: int, pause: float = 0.6) -> Samples:
    """Utterances with pauses between."""
    return np.concatenate([part for number in numbers for part in (utterance(number), silence(pause))])


def write(path: Path, samples: Samples, form: Form = WAV) -> Path:
    """The samples as a file of that form."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(form.codec, rate=form.rate)
        stream.codec_context.layout = form.layout
        encode(container, stream, samples, form)
    return path


def encode(container: Any, stream: Any, samples: Samples, form: Form, begin: float = 0.0) -> None:
    """The samples as packets of a stream, from a time on."""
    resampler = av.AudioResampler(stream.codec_context.format, form.layout, form.rate)
    whole = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(whole[None, :], "s16", "mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, round(begin * RATE), Fraction(1, RATE)
    for source in (frame, None):
        for made in resampler.resample(source):
            if made is not None:  # a resampler with nothing to do hands the flush back
                container.mux(stream.encode(made))
    container.mux(stream.encode(None))


@dataclass(frozen=True)
class Planned:
    """All answers of a desk about one recording."""

    units: tuple[PlannedUnit, ...]
    problems: tuple[SourceProblem, ...]
    answers: tuple[Planning, ...]

    @property
    def stretches(self) -> list[Unit]:
        """What was planned."""
        return [unit_of(unit.payload) for unit in self.units]


def planned(source: Path, settings: SttSettings, cursor: str = "", limit: int = 64) -> Planned:
    """The recording from a cursor to its end."""
    answers = list[Planning]()
    while not (answers and answers[-1].end):
        answers.append(plan(source, answers[-1].cursor if answers else cursor, limit, settings))
    return Planned(
        tuple(unit for answer in answers for unit in answer.units),
        tuple(problem for answer in answers for problem in answer.problems),
        tuple(answers),
    )
