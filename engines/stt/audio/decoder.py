"""From the packets of one audio stream to pieces of samples, each where its time stamp says.

Sample 0 is the beginning of the whole container, so that times fit the picture of a video whose sound begins later.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final, TypeAlias, cast

import av
import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from engines.stt.unit import RATE

Samples: TypeAlias = NDArray[np.float32]

_S16_SCALE: Final = np.float32(1 / 32768)
_LEAST_GAP_SECONDS: Final = 0.05
"""Time stamps of sound that has no gap are off by less: containers round to milliseconds."""
_LOST_SECONDS: Final = 0.2
"""So much that is missing was lost; less is a clock that was put right."""
_MOST_GAP_SECONDS: Final = 600.0
"""A longer jump is a clock that was set, not a gap."""
_TRIES: Final = 32
"""Damaged places in a row after which nothing more is read."""


class Decoder:
    """One stream from its beginning to its end, at 16 kHz, mono, in the precision of 16 bits."""

    def __init__(self, container: InputContainer, stream: AudioStream, begin_sample: int = 0) -> None:
        """`begin_sample` is the one that the container stands at."""
        self.made = begin_sample
        """Samples handed out, all before `begin_sample` included."""
        self.first: int | None = None
        """Time stamp of the first frame."""
        self.damaged: list[int] = []
        """After how many samples something was refused by the decoder or is missing, once for a second that has any."""
        self._container = container
        self._stream = stream
        start = cast("int | None", container.start_time)
        self._due = None if start is None else start / av.time_base + begin_sample / RATE
        """What the time stamp of the next frame is if nothing is missing."""
        self._shape: tuple[str, str, int] | None = None
        self._resampler = AudioResampler("s16", "mono", RATE)
        self._fifo = AudioFifo()

    def pieces(self) -> Generator[Samples, None, None]:
        """The samples, in pieces of about a second. Raises OSError where the file cannot be read on."""
        for frame in self._frames():
            self.first = frame.pts if self._shape is None else self.first
            yield from self._ended_by(frame)
            frame.pts = None  # the FIFO insists on time stamps without a gap, else
            self._fifo.write(frame)
            if self._fifo.samples >= frame.sample_rate:
                yield from self._resampled(self._fifo.read())
        yield from self._flushed()

    def _ended_by(self, frame: AudioFrame) -> Iterator[Samples]:
        """What must be handed out before this frame: the rest of sound in another form, silence for what is missing."""
        shape = frame.format.name, frame.layout.name, frame.sample_rate
        if self._shape not in (None, shape):
            yield from self._flushed()
        self._shape = shape
        time = frame.time
        if time is None:
            time = self._due or 0.0
        if self._due is None:
            self._due = time
        drift = time - self._due
        if _LEAST_GAP_SECONDS < drift <= _MOST_GAP_SECONDS:
            yield from self._flushed()
            if drift > _LOST_SECONDS and self.made:
                self._refused()
            yield from self._silence(round(drift * RATE))
        self._due = (time if abs(drift) > _LEAST_GAP_SECONDS else self._due) + frame.samples / frame.sample_rate

    def _silence(self, samples: int) -> Iterator[Samples]:
        while samples > 0:
            piece = np.zeros(min(samples, RATE), np.float32)
            samples -= len(piece)
            self.made += len(piece)
            yield piece

    def _flushed(self) -> Iterator[Samples]:
        if self._fifo.samples:
            yield from self._resampled(self._fifo.read())
        yield from self._resampled(None)
        self._fifo, self._resampler = AudioFifo(), AudioResampler("s16", "mono", RATE)

    def _resampled(self, frame: AudioFrame | None) -> Iterator[Samples]:
        for made in cast("list[AudioFrame | None]", self._resampler.resample(frame)):
            if made is not None and made.samples:  # a resampler with nothing to do hands the flush back
                samples = made.to_ndarray()[0].astype(np.float32) * _S16_SCALE
                self.made += len(samples)
                yield samples

    def _frames(self) -> Iterator[AudioFrame]:
        """Frames of all packets that can be decoded."""
        for packet in self._packets():
            try:
                frames = packet.decode()
            except (av.error.MemoryError, av.error.OSError):
                raise
            except av.error.FFmpegError:
                self._refused()
                continue
            yield from frames

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        tries = 0
        while tries < _TRIES:
            try:
                for packet in self._container.demux(self._stream):
                    tries = 0
                    yield packet
                return
            except av.error.InvalidDataError:
                tries += 1
                self._refused()

    def _refused(self) -> None:
        held = self._fifo.samples * RATE // self._shape[2] if self._shape is not None else 0
        if not self.damaged or self.made + held - self.damaged[-1] >= RATE:
            self.damaged.append(self.made + held)
