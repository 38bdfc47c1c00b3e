"""From samples to a sound file, through PyAV and the codecs that it brings: the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from engines.contract import CannotAssemble
from engines.tts.audio.chapters import Chapter
from engines.tts.audio.formats import Format
from engines.tts.audio.trim import Sound
from engines.tts.unit import RATE
from ipc.errors import Problem

_TIME: Final = Fraction(1, RATE)
_FULL: Final = 32768.0
"""What 1.0 is in 16 bits."""


class Encoder:
    """Takes the samples of a file that is being written."""

    def __init__(self, container: Any, stream: Any, form: Format) -> None:
        self._container = container
        self._stream = stream
        self._form = form
        self._samples = 0

    def write(self, sound: Sound) -> None:
        """The next samples; the more at once, the faster. Raises OSError, av.FFmpegError."""
        if not len(sound):
            return
        samples = _in_16_bits(sound) if self._form.sample == "s16" else np.clip(sound, -1, 1)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format=self._form.sample, layout="mono")
        frame.rate, frame.pts, frame.time_base = RATE, self._samples, _TIME
        self._samples += len(sound)
        self._container.mux(self._stream.encode(frame))

    def end(self) -> None:
        """What the codec still holds. Raises OSError, av.FFmpegError."""
        self._container.mux(self._stream.encode(None))


@contextmanager
def encoding(
    part: Path, form: Format, tags: dict[str, str], chapters: Sequence[Chapter], bitrate: int
) -> Iterator[Encoder]:
    """Write the file while the context lasts; `bitrate` is in kbit/s, as far as the codec goes.

    Raises:
        CannotAssemble: FFmpeg refuses. OSError
    """
    try:
        container = av.open(str(part), "w", format=form.container, container_options=form.options)
        try:
            encoder = Encoder(container, _stream(container, form, tags, bitrate), form)
            _describe(container, form, tags, chapters)
            yield encoder
            encoder.end()
        except BaseException:
            with suppress(OSError, av.FFmpegError):  # it writes an end, for which there may be no room either
                container.close()
            raise
        container.close()
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise CannotAssemble(
            Problem("Output not written", f"FFmpeg cannot write {part}: {error.strerror}.", "Name another form."),
            retry=False,
        ) from error


def _stream(container: Any, form: Format, tags: dict[str, str], bitrate: int) -> Any:
    stream = container.add_stream(form.codec, rate=form.rate, layout="mono")
    codec = stream.codec_context
    codec.flags |= av.codec.context.Flags.bitexact
    codec.thread_count = 1
    if form.most:
        codec.bit_rate = min(bitrate, form.most) * 1000
    if "language" in tags:
        stream.metadata["language"] = tags["language"]
    return stream


def _describe(container: Any, form: Format, tags: dict[str, str], chapters: Sequence[Chapter]) -> None:
    container.flags |= av.container.Flags.bitexact.value  # neither dates nor versions nor random numbers
    container.metadata.update(tags)
    if form.chapters == "own":
        container.set_chapters(
            [
                {"id": i, "start": one.begin, "end": one.end, "time_base": _TIME, "metadata": {"title": one.title}}
                for i, one in enumerate(chapters)
            ]
        )
    elif form.chapters == "comments":
        container.metadata.update(_comments(chapters))


def _comments(chapters: Sequence[Chapter]) -> dict[str, str]:
    """`Chapter extension <https://wiki.xiph.org/Chapter_Extension>`_ of Vorbis comments."""
    found: dict[str, str] = {}
    for number, one in enumerate(chapters):
        seconds, rest = divmod(one.begin, RATE)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest * 1000 // RATE:03}"
        found |= {f"CHAPTER{number:03}": clock, f"CHAPTER{number:03}NAME": one.title}
    return found


def _in_16_bits(sound: Sound) -> Any:
    return np.clip(np.rint(sound * _FULL), -_FULL, _FULL - 1).astype(np.int16)
