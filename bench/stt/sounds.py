"""What there is to hear, with what is said in it: the bundled utterances, long recordings of them, silence and noise.

All samples are mono, 16,000 a second, −1..1.
"""

from __future__ import annotations

import csv
import random
import wave
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, cast

import av
import numpy as np
from numpy.typing import NDArray

from bench.room import ROOT
from engines.stt.miniature.compose import Said
from engines.stt.miniature.speech import Phrase
from engines.stt.unit import RATE

Sound: TypeAlias = NDArray[np.float32]

AUDIO: Final = ROOT / "examples" / "audio"
_LEAD_SECONDS: Final = 0.3
_GAPS_SECONDS: Final = (0.35, 1.2)
_HISS: Final = 1e-3
_CODECS: Final = {".mp3": "libmp3lame", ".flac": "flac", ".wav": "pcm_s16le"}
_BITS_PER_SECOND: Final = 64_000
"""Of an mp3: at less, which is the usual of 16,000 samples, the miniature hears other words."""
_FRAME: Final = 4096


@dataclass(frozen=True)
class Utterance:
    """A phrase that comes along, or that was said just now."""

    text: str
    samples: Sound
    path: Path | None = None


@dataclass(frozen=True)
class Recording:
    """Phrases one after the other, and where each is."""

    samples: Sound
    said: tuple[Said, ...]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE

    @property
    def words(self) -> list[str]:
        """All that is said in it."""
        return [word for said in self.said for word in said.text.split()]


def utterances() -> list[Utterance]:
    """Those of `examples/audio`."""
    with (AUDIO / "transcripts.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], AUDIO / row["file"]) for row in csv.DictReader(file)]
    return [Utterance(text, read_wave(path), path) for text, path in rows]


def of(phrases: Iterable[Phrase]) -> list[Utterance]:
    """Phrases that espeak-ng said just now, with a tenth of a second of silence around them."""
    edge = np.zeros(RATE // 10, np.float32)
    return [
        Utterance(one.text, np.concatenate((edge, one.samples / np.float32(32767), edge))) for one in phrases
    ]  # fmt: skip


def recording(seconds: float, seed: int = 0, phrases: Sequence[Utterance] = ()) -> Recording:
    """At least so long: phrases drawn at random, between them silences of 0.35–1.2 s, in a faint hiss."""
    dice = random.Random(seed)
    choice = phrases or utterances()
    parts, said = [silence(_LEAD_SECONDS)], []
    at = len(parts[0])
    while at < seconds * RATE:
        one = dice.choice(choice)
        end = at + len(one.samples)
        said.append(Said(one.text, at / RATE, end / RATE))
        parts += [one.samples, silence(dice.uniform(*_GAPS_SECONDS))]
        at = end + len(parts[-1])
    samples = np.concatenate(parts)
    return Recording(samples + white_noise(len(samples) / RATE, _HISS, seed), tuple(said))


def silence(seconds: float) -> Sound:
    """Not a sound."""
    return np.zeros(int(seconds * RATE), np.float32)


def white_noise(seconds: float, level: float = 0.02, seed: int = 1) -> Sound:
    """Nobody speaks in it."""
    return np.random.default_rng(seed).standard_normal(round(seconds * RATE), np.float32) * np.float32(level)


def quieter(samples: Sound, decibels: float) -> Sound:
    """The same by so much."""
    return samples * np.float32(10 ** (-decibels / 20))


def read_wave(path: Path) -> Sound:
    """A file of 16-bit samples, mono, 16,000 a second."""
    with wave.open(str(path)) as file:
        return np.asarray(np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768), np.float32)


def write(path: Path, samples: Sound, rate: int = RATE, layout: str = "mono") -> Path:
    """As the name ends: wav, mp3 or flac, in another rate or with other channels where told. The path."""
    with av.open(str(path), "w") as container:
        stream = cast("av.AudioStream", container.add_stream(_CODECS[path.suffix], rate=rate, layout=layout))
        stream.bit_rate = _BITS_PER_SECOND
        resampler = av.AudioResampler(format=stream.format.name, layout=layout, rate=rate, frame_size=_FRAME)
        whole = np.asarray(samples.clip(-1, 1) * 32767, np.int16)
        for begin in range(0, len(whole), RATE):
            frame = av.AudioFrame.from_ndarray(whole[None, begin : begin + RATE], format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, begin
            for piece in resampler.resample(frame):
                container.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path
