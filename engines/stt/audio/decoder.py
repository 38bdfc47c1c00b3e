"""From the packets of one audio stream to pieces of samples, each where its time stamp says.

Sample 0 is the beginning of the whole container, so that times fit the picture of a video whose sound begins later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from itertools import chain
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

from engines.stt.audio import promise
from engines.stt.audio.clock import Clock, Stamp
from engines.stt.unit import RATE

Samples: TypeAlias = NDArray[np.float32]

_S16_SCALE: Final = np.float32(1 / 32768)
_LOST: Final = RATE // 5
"""So much that is missing was lost; less is a clock that was put right."""
_RATES: Final = range(1000, 6_000_001)
"""Of all sound that there is, DSD at the upper end; others are damaged headers, and take for ever."""
_UNSTAMPED: Final = frozenset({"avi"})
"""Containers that write no time stamps: those that the library makes up tell of no gap, but that before the sound."""
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
        start, seconds = cast("int | None", container.start_time), promise.seconds(container)
        self._clock = Clock(
            None if start is None else start / av.time_base, None if seconds is None else round(seconds * RATE)
        )
        self._stamped = container.format.name not in _UNSTAMPED
        self._shape: tuple[str, str, int] | None = None
        self._resampler = AudioResampler("s16", "mono", RATE)
        self._fifo = AudioFifo()

    def pieces(self) -> Generator[Samples, None, None]:
        """The samples, in pieces of about a second. Raises OSError where the file cannot be read on."""
        for frame, gap in self._placed():
            yield from self._ended_by(frame, gap)
            frame.pts = None  # the FIFO insists on time stamps without a gap, else
            self._fifo.write(frame)
            if self._fifo.samples >= frame.sample_rate:
                yield from self._resampled(self._fifo.read())
        yield from self._flushed()

    def _placed(self) -> Iterator[tuple[AudioFrame, int]]:
        """Each frame, and the samples of silence before it."""
        waiting, stamps = deque[AudioFrame](), deque[Stamp]()
        for frame in chain(self._frames(), (None,)):
            if frame is not None:
                self.first = frame.pts if self.first is None else self.first
                waiting.append(frame)
                time = frame.time if self._stamped or not self._place else None
                stamps.append(Stamp(time, frame.samples * RATE / frame.sample_rate))
            while waiting and (gap := self._clock.gap(self._place, stamps, over=frame is None)) is not None:
                stamps.popleft()
                yield waiting.popleft(), gap

    @property
    def _place(self) -> int:
        """Samples before whatever is decoded next."""
        return self.made + (self._fifo.samples * RATE // self._shape[2] if self._shape is not None else 0)

    def _ended_by(self, frame: AudioFrame, gap: int) -> Iterator[Samples]:
        """What must be handed out before this frame: the rest of sound in another form, silence for what is missing."""
        shape = frame.format.name, frame.layout.name, frame.sample_rate
        if gap:
            if gap > _LOST and self._place:
                self._refused()
            end = self._place + gap
            yield from self._flushed()
            yield from self._silence(end - self.made)
        elif self._shape not in (None, shape):
            yield from self._flushed()
        self._shape = shape

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
        try:
            resampled = cast("list[AudioFrame | None]", self._resampler.resample(frame))
        except av.error.FFmpegError:  # what a damaged header makes of sound is in no form at all
            self._refused()
            self._resampler = AudioResampler("s16", "mono", RATE)
            return
        for made in resampled:
            if made is not None and made.samples:  # a resampler with nothing to do hands the flush back
                samples = made.to_ndarray()[0].astype(np.float32) * _S16_SCALE
                self.made += len(samples)
                yield samples

    def _frames(self) -> Iterator[AudioFrame]:
        """Frames of all packets that can be decoded."""
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.error.FFmpegError:  # also too little memory: the file asks for what nobody has
                self._refused()
                continue
            for frame in frames:
                if frame.sample_rate in _RATES:
                    yield frame
                else:
                    self._refused()

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        tries = 0
        while tries < _TRIES:
            try:
                for packet in self._container.demux(self._stream):
                    tries = 0
                    yield packet
                return
            except IndexError:  # at the end, of streams that appeared on the way
                return
            except OSError:
                raise
            except av.error.FFmpegError:  # as above
                tries += 1
                self._refused()

    def _refused(self) -> None:
        if not self.damaged or self._place - self.damaged[-1] >= RATE:
            self.damaged.append(self._place)
