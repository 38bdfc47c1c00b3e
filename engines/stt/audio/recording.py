"""A recording as samples at 16 kHz, mono: the same ones whatever is read when.

Compressed sound cannot be entered in the middle with certainty, so it is decoded from its beginning: who reads on, in
order, pays once. Plain samples are gone to. Only as much is held as is asked for.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard

from engines.contract import nothing
from engines.stt.audio import promise, trouble
from engines.stt.audio.decoder import Decoder, Samples
from engines.stt.audio.trouble import NotAudio
from engines.stt.unit import RATE, Span

__all__ = ["NotAudio", "Recording", "stamp"]

_PLAIN: Final = frozenset({"wav", "aiff"})
"""Containers where the place of each sample is known."""
_FAR: Final = 30 * RATE
"""Reading on is cheaper below."""


def stamp(path: Path) -> str:
    """What a file loses when anybody changes it: its size and time of change. Raises NotAudio: it is not there."""
    try:
        status = path.stat()
    except OSError as error:
        raise trouble.unreadable(path, error) from error
    return f"{status.st_size}:{status.st_mtime_ns}"


class Recording:
    """The first audio stream of a file, open until it is closed. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises NotAudio: it cannot be read."""
        self.path = path
        self.length: int | None = None
        """Samples of all of it, once its end was reached."""
        self._pass = _Pass(path, 0)
        self.seconds = self._pass.seconds
        """How long it is, as the container says; None where that says nothing."""
        self.promised = self._pass.promised
        """How long the sound is by a count that was written when it was whole; None where there is none."""

    @property
    def damaged(self) -> tuple[int, ...]:
        """After how many samples something could not be decoded, as far as it was read."""
        return tuple(self._pass.decoder.damaged)

    def read(self, span: Span, step: Callable[[], None] = nothing) -> Samples:
        """Its samples; fewer only where the recording ends. `step` is called for each second decoded on the way.

        Raises:
            NotAudio: the file cannot be read on, or has no sound at all.
        """
        behind = span.begin < self._pass.at
        if behind or (self._pass.jumps and span.begin - self._pass.at > _FAR):
            self._again(span.begin)
        samples = self._pass.read(span, step)
        self.length = self.length if self._pass.length is None else self._pass.length
        return samples

    def close(self) -> None:
        """Give file and decoder back; it may be called again, and nothing is read after it."""
        self._pass.close()

    def _again(self, begin: int) -> None:
        """Stand before this sample."""
        second = max(0, begin // RATE - 1) if self._pass.jumps else 0
        self._pass.close()
        self._pass = _Pass(self.path, second)
        if not self._pass.lands():
            self._pass.close()
            self._pass = _Pass(self.path, 0)


class _Pass:
    """One way through the file, from a second of it on.

    A second is whole samples at any rate, so the resampler takes the same steps from there as from the beginning, and
    after one more second what it has not heard matters no more.
    """

    def __init__(self, path: Path, second: int) -> None:
        self.at = second * RATE
        """Samples that were read."""
        self.length: int | None = None
        self._path = path
        self._container = _opened(path)
        try:
            self._audio = _audio(self._container, path)
        except NotAudio:
            self._container.close()
            raise
        self.jumps = self._container.format.name in _PLAIN and self._audio.codec_context.name.startswith("pcm_")
        self.seconds = promise.seconds(self._container)
        self.promised = promise.promised(self._container, self._audio, path)
        if second:
            with suppress(av.error.FFmpegError):  # then it stands elsewhere
                self._container.seek(second * self._audio.rate, stream=self._audio)
        self.decoder = Decoder(self._container, self._audio, self.at)
        self._pieces = self.decoder.pieces()
        self._rest: Samples = np.zeros(0, np.float32)
        """What was decoded beyond."""
        self._second = second

    def lands(self) -> bool:
        """Whether it stands where it was told to; past the end it does not."""
        return self._more(nothing) and self.decoder.first == self._second * self._audio.rate

    def read(self, span: Span, step: Callable[[], None]) -> Samples:
        taken: list[Samples] = []
        while self.at < span.end and (len(self._rest) or self._more(step)):
            skipped = min(len(self._rest), max(0, span.begin - self.at))
            wanted = self._rest[skipped : span.end - self.at]
            taken.append(wanted)
            self.at += skipped + len(wanted)
            self._rest = self._rest[skipped + len(wanted) :]
        return np.concatenate(taken) if taken else np.zeros(0, np.float32)

    def close(self) -> None:
        self._pieces.close()
        self._container.close()

    def _more(self, step: Callable[[], None]) -> bool:
        try:
            piece = next(self._pieces, None)
        except OSError as error:
            raise trouble.unreadable(self._path, error) from error
        if piece is not None:
            self._rest = piece
            step()
            return True
        self.length = self.at
        if not self.length:
            raise trouble.damaged(self._path) if self.decoder.damaged else trouble.empty(self._path)
        return False


def _opened(path: Path) -> InputContainer:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for a writer
            raise trouble.no_file(path)
        if not status.st_size:
            raise trouble.empty(path)
        # As a `file:`, for a name may look like an address; and what it names must be files too.
        only = {"protocol_whitelist": "file"}
        return av.open(f"file:{path.absolute()}", "r", container_options=only, metadata_errors="ignore")
    except OSError as error:
        raise trouble.unreadable(path, error) from error
    except av.error.FFmpegError as error:
        raise trouble.not_audio(path) from error


def _audio(container: InputContainer, path: Path) -> AudioStream:
    streams = container.streams.audio
    if not streams:
        raise trouble.no_sound(path)
    stream = streams[0]
    if stream.codec_context is None:
        raise trouble.no_decoder(path)
    stream.codec_context.thread_count = 1
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all  # pictures are not even read
    return stream
