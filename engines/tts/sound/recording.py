"""Whether a recording can serve as a voice, told before eleven hours of it; knows no model.

`python -m engines.tts.sound.recording PATH` prints one line of JSON: seconds, rate, problems, warnings.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile

from engines.tts.typed import is_file, path_of
from ipc.errors import Problem, RequestFailed
from ipc.places import data_folder, voices_folder
from ipc.voices import Checked, named

REFERENCE_SECONDS = 10
"""The model imitates so much of a recording, from its beginning."""
LISTENED_SECONDS = 30
"""So much of a recording is read at all: it tells who speaks."""

_LEAST_SECONDS, _GOOD_SECONDS, _TURBO_SECONDS = 1, 3, 5
_GOOD_RATE = 16_000
_SILENT_RMS = 0.001
_CANCELLED = 0.1
"""Of the level of two channels; those of two places in a room leave some 0.7 of it."""
_FULL_SCALE = 0.999
_SOME_CLIPPED, _MUCH_CLIPPED = 0.001, 0.02
_FORMATS = "WAV, FLAC, OGG or MP3"


@dataclass(frozen=True)
class Measured:
    """Of the first `LISTENED_SECONDS`; levels are root mean squares, and 0 where there is nothing."""

    seconds: float
    rate: int
    channels: int
    finite: bool
    """Whether each sample is a number."""
    unmixed_rms: float
    """Of all channels,"""
    rms: float
    """and when they are mixed to one, as the model hears them:"""
    begin_rms: float
    """so of the first `REFERENCE_SECONDS`."""
    clipped: float
    """The share of samples at full scale."""


@dataclass(frozen=True)
class Recording:
    """What a recording is, why it cannot serve, and what a person should know of it."""

    seconds: float
    rate: int
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def find(name: str, environ: Mapping[str, str]) -> Path:
    """The recording that a setting names: a path, or a file in the folder of voices, with or without its ending.

    Raises:
        RequestFailed: there is none.
    """
    folder = voices_folder(data_folder(environ))
    path = path_of(name)
    if path.parent == Path():
        voice = named(folder, name)
        path = path if voice is None else voice.path
    if is_file(path):
        return path
    raise RequestFailed(
        Problem(
            "No such voice",
            f"There is no recording {str(path)!r}, and none of that name in {folder}.",
            f"Give the path of a {_FORMATS} file, or a name of `engineroom voices list`.",
        )
    )


def check(path: Path, *, turbo: bool | None = None) -> Recording:
    """What speaks for and against a file, for Chatterbox's Turbo or another; None where that is not known."""
    if not is_file(path):
        return _refused(Problem("No recording", f"There is no file {path}.", "Check the path."))
    try:
        with soundfile.SoundFile(path) as file:
            seconds, rate, channels = file.frames / file.samplerate, file.samplerate, file.channels
            samples = file.read(LISTENED_SECONDS * rate, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        why = (error.strerror or str(error) if isinstance(error, OSError) else error.error_string).rstrip(".")
        return _refused(
            Problem("Not a sound file", f"{path} cannot be read as sound: {why}.", f"Give a {_FORMATS} file.")
        )
    finite = bool(np.isfinite(samples).all())
    samples = np.nan_to_num(samples.astype(np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
    mixed = samples.mean(axis=1)
    measured = Measured(
        seconds,
        rate,
        channels,
        finite,
        unmixed_rms=_rms(samples),
        rms=_rms(mixed),
        begin_rms=_rms(mixed[: REFERENCE_SECONDS * rate]),
        clipped=float(np.mean(np.abs(samples) >= _FULL_SCALE)) if samples.size else 0.0,
    )
    return Recording(seconds, rate, _problems(measured, path.name, turbo), _warnings(measured, turbo))


def _rms(samples: Any) -> float:
    return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0


def _refused(problem: Problem) -> Recording:
    return Recording(0.0, 0, (problem,), ())


def _problems(of: Measured, name: str, turbo: bool | None) -> tuple[Problem, ...]:
    if not of.finite:
        damaged = f"Some samples of {name} are no numbers (NaN or infinite)."
        return (Problem("Damaged recording", damaged, "Save it again as 16-bit WAV, or choose another."),)
    found = []
    if of.seconds < _LEAST_SECONDS:
        found.append(
            Problem(
                "Recording too short",
                f"{name} is {of.seconds:.1f} s long.",
                f"Give at least {_LEAST_SECONDS} s, better {_GOOD_SECONDS} to {REFERENCE_SECONDS} s of one person.",
            )
        )
    elif turbo and of.seconds <= _TURBO_SECONDS:
        found.append(
            Problem(
                "Recording too short",
                f"{name} is {of.seconds:.1f} s long, and Chatterbox Turbo needs more than {_TURBO_SECONDS} s.",
                "Give a longer recording, or use Chatterbox without Turbo.",
            )
        )
    if of.seconds >= _LEAST_SECONDS:
        found += _silence(of, name)
    if of.clipped > _MUCH_CLIPPED:
        found.append(
            Problem(
                "Distorted recording",
                f"{of.clipped:.0%} of {name} is at full scale, so the voice is distorted.",
                "Record it more quietly, or choose another.",
            )
        )
    return tuple(found)


def _silence(of: Measured, name: str) -> list[Problem]:
    """What the model would not hear, though there may be something."""
    if of.unmixed_rms >= _SILENT_RMS and of.rms < _CANCELLED * of.unmixed_rms:
        detail = f"The {of.channels} channels of {name} cancel each other out when they are mixed to one."
        return [Problem("Opposite channels", detail, "Give one of its channels alone.")]
    if of.rms < _SILENT_RMS:
        detail, hint = f"Nothing is to be heard in {name}.", "Record it louder, or choose another."
        return [Problem("Silent recording", detail, hint)]
    if of.begin_rms < _SILENT_RMS:
        detail = f"Nothing is to be heard in the first {REFERENCE_SECONDS} s of {name}, and only those are imitated."
        return [Problem("Silent recording", detail, "Cut off the silence at its begin, or choose another.")]
    return []


def _warnings(of: Measured, turbo: bool | None) -> tuple[str, ...]:
    told = {
        f"It is {of.seconds:.1f} s long; {_GOOD_SECONDS} to {REFERENCE_SECONDS} s sound closer to the person.": (
            _LEAST_SECONDS <= of.seconds < _GOOD_SECONDS
        ),
        f"Chatterbox Turbo needs more than {_TURBO_SECONDS} s of it.": (
            turbo is None and _LEAST_SECONDS <= of.seconds <= _TURBO_SECONDS
        ),
        f"It is {of.seconds:.0f} s long; only the first {REFERENCE_SECONDS} s are imitated.": (
            of.seconds > REFERENCE_SECONDS
        ),
        f"It has {of.rate} samples a second; below {_GOOD_RATE} a voice sounds dull.": of.rate < _GOOD_RATE,
        f"{of.clipped:.1%} of it is at full scale; a quieter recording sounds cleaner.": (
            _SOME_CLIPPED < of.clipped <= _MUCH_CLIPPED
        ),
        f"Its {of.channels} channels are mixed to one.": of.channels > 1,
    }
    return tuple(sentence for sentence, holds in told.items() if holds)


def main() -> None:
    """See the module."""
    found = check(Path(sys.argv[1]))
    problems = tuple(f"{problem.detail} {problem.hint}" for problem in found.problems)
    told = Checked(round(found.seconds, 2), found.rate, problems, found.warnings)
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")


if __name__ == "__main__":
    main()
