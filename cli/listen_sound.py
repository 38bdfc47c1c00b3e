"""The sound to listen to, as it comes: a WAV file or bare samples, from a file or from a pipe."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio

from ipc.errors import Problem, RequestFailed
from ipc.hearing import LIVE_RATE

STDIN = "-"
SECOND_BYTES = LIVE_RATE * 2
PIECE_BYTES = SECOND_BYTES // 20
"""At real-time pace so much comes at once: a twentieth of a second, so that a word is heard when it is spoken."""
READ_BYTES = 32 * 2**10
PCM, EXTENSIBLE = 1, 0xFFFE
ENDLESS_BYTES = 0x7FFF0000
"""Programs that write into a pipe say that so much or more will come, because they do not know."""
_LONGEST_HEAD = 2**20
"""Before the sound; pictures and titles stand there, too."""


class Incoming:
    """An open file, read as it fills."""

    def __init__(self, fd: int, name: str) -> None:
        self.name = name
        """In sentences."""
        self.waits = not stat.S_ISREG(os.fstat(fd).st_mode)
        """Whether it comes at a pace of its own."""
        self._fd = fd
        self._kept = b""

    async def some(self, most: int) -> bytes:
        """What is there, at least a byte; empty at the end. Raises RequestFailed: it cannot be read."""
        if not self._kept:
            try:
                if self.waits:
                    with suppress(PermissionError):  # such as /dev/null, which never lets anybody wait
                        await anyio.wait_readable(self._fd)
                self._kept = os.read(self._fd, READ_BYTES)
            except OSError as error:
                raise RequestFailed(
                    Problem("Cannot be read", f"{self.name}: {error.strerror}.", "Name a WAV file, or - for stdin.")
                ) from error
        data, self._kept = self._kept[:most], self._kept[most:]
        return data

    async def exactly(self, count: int) -> bytes:
        """So many bytes, fewer only at the end."""
        data = b""
        while len(data) < count and (more := await self.some(count - len(data))):
            data += more
        return data


@contextmanager
def opened(file: str, folder: Path, engine: str) -> Iterator[Incoming]:
    """The file, or stdin where `file` is -. Raises RequestFailed: there is nothing to hear."""
    if file == STDIN:
        if os.isatty(0):
            raise RequestFailed(
                Problem(
                    "Nothing to hear", "No file is told, and stdin is the keyboard.", f"Speak: {microphone(engine)}"
                )
            )
        yield Incoming(0, "stdin")
        return
    try:
        fd = os.open(folder / Path(file).expanduser(), os.O_RDONLY)
    except OSError as error:
        raise RequestFailed(Problem("Cannot be read", f"{file}: {error.strerror}.", "Name a WAV file.")) from error
    try:
        yield Incoming(fd, file)
    finally:
        os.close(fd)


async def begun(incoming: Incoming, engine: str) -> int | None:
    """Read on to its samples: how many bytes of them follow, or None where nobody knows.

    Raises:
        RequestFailed: it is no WAV, or one that somebody has to convert.
    """
    riff = await incoming.exactly(12)
    if not riff:
        raise RequestFailed(Problem("Nothing to hear", f"{incoming.name} is empty.", f"Speak: {microphone(engine)}"))
    if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        raise RequestFailed(
            Problem(
                "Not WAV",
                f"{incoming.name} begins with {riff[:8]!r}, and no WAV file does.",
                f"{converted(incoming, engine)}; or say --raw where it is bare samples: 16 bits, 16 kHz, mono.",
            )
        )
    known, read = False, len(riff)
    while len(chunk := await incoming.exactly(8)) == 8:
        name, size = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        if name == b"data" and known:
            return None if size >= ENDLESS_BYTES or size == 0 else size
        read += size
        if name == b"data" or read > _LONGEST_HEAD:
            break
        body = await incoming.exactly(size + size % 2)
        if len(body) < size:
            break
        if name == b"fmt ":
            _check(body, incoming, engine)
            known = True
    raise RequestFailed(
        Problem("Damaged WAV", f"{incoming.name} ends before its sound begins.", converted(incoming, engine))
    )


async def samples(incoming: Incoming, left: int | None, *, fast: bool) -> AsyncGenerator[bytes]:
    """What follows, up to `left` bytes: from a file as it would be spoken unless `fast`, else as it comes.

    Raises:
        RequestFailed: it cannot be read.
    """
    began, sent, paced = anyio.current_time(), 0, not (incoming.waits or fast)
    most = PIECE_BYTES if paced else READ_BYTES
    while left is None or left > 0:
        data = await incoming.some(most if left is None else min(most, left))
        if not data:
            return
        left = None if left is None else left - len(data)
        sent += len(data)
        if paced:
            await anyio.sleep_until(began + sent / SECOND_BYTES)
        yield data


def _check(form: bytes, incoming: Incoming, engine: str) -> None:
    kind, channels, rate, bits = struct.unpack("<HHI6xH", form[:16].ljust(16, b"\0"))
    if kind == EXTENSIBLE and len(form) >= 26:
        kind = struct.unpack("<H", form[24:26])[0]
    if (kind, channels, rate, bits) != (PCM, 1, LIVE_RATE, 16):
        many = "1 channel" if channels == 1 else f"{channels} channels"
        what = f"{many} of {bits} bits at {rate:,} Hz{'' if kind == PCM else ', compressed or in fractions'}"
        raise RequestFailed(
            Problem(
                "Other sound",
                f"{incoming.name} has {what}; live sound is 1 channel of 16 bits at {LIVE_RATE:,} Hz.",
                converted(incoming, engine),
            )
        )


def converted(incoming: Incoming, engine: str) -> str:
    """The way out for sound of another sort."""
    source = "-" if incoming.waits else f"'{incoming.name}'"
    pipe = "… | " if incoming.waits else ""
    return (
        f"Convert it: {pipe}ffmpeg -loglevel error -i {source} -ac 1 -ar {LIVE_RATE} -f s16le - | "
        f"engineroom listen {engine} --raw"
    )


def microphone(engine: str) -> str:
    """How to speak to it."""
    return f"arecord -q -f S16_LE -r {LIVE_RATE} -c 1 | engineroom listen {engine}"
