"""The sound of one unit, from the file that the engine wrote."""

from __future__ import annotations

import soundfile

from engines.contract import CannotAssemble
from engines.tts.audio.trim import Sound
from engines.tts.unit import RATE
from ipc.errors import Problem


def read(file: str, index: int, job: str, first: int = 0, end: int | None = None) -> Sound:
    """Samples `first` to `end` of the file of unit `index`; all of them where no end is given.

    Raises:
        CannotAssemble: it is no such sound.
    """
    try:
        with soundfile.SoundFile(file) as opened:
            if (opened.samplerate, opened.channels) != (RATE, 1):
                raise _damaged(index, job, f"has {opened.channels} channels of {opened.samplerate} Hz")
            opened.seek(first)
            sound: Sound = opened.read(-1 if end is None else end - first, dtype="float32")
    except (soundfile.LibsndfileError, OSError) as error:
        raise _damaged(index, job, f"cannot be read: {error}".rstrip(".")) from error
    if end is not None and len(sound) != end - first:
        raise _damaged(index, job, f"ends at sample {first + len(sound):,} of {end:,}")
    return sound


def check_length(sound: Sound, samples: int, index: int, job: str) -> Sound:
    """Raises CannotAssemble: it is not as long as the engine said."""
    if len(sound) != samples:
        raise _damaged(index, job, f"has {len(sound):,} samples where {samples:,} were said")
    return sound


def _damaged(index: int, job: str, what: str) -> CannotAssemble:
    return CannotAssemble(
        Problem(
            "Result damaged",
            f"The sound of unit {index} {what}.",
            f"`engineroom job redo {job} '#{index}'` makes it again.",
        ),
        retry=False,
    )
