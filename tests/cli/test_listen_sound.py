"""The sound that `listen` takes: any WAV that a program writes into a pipe, bare samples; and a word on the rest."""

from __future__ import annotations

import os
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from cli.listen_sound import PIECE_BYTES, Incoming, begun, opened, samples
from ipc.errors import RequestFailed

pytestmark = pytest.mark.anyio
SOUND = bytes(range(256)) * 40
PLAIN = struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16)
EXTENSIBLE = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16000, 32000, 2, 16, 22, 16, 4) + struct.pack("<H", 1) + bytes(14)


def wav(form: bytes = PLAIN, size: int = len(SOUND), before: bytes = b"", sound: bytes = SOUND) -> bytes:
    """A WAV file that says it has so many bytes of sound."""
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + before + b"data" + struct.pack("<I", size) + sound
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@asynccontextmanager
async def piped(data: bytes, *, at_once: int = 100) -> AsyncIterator[Incoming]:
    """That comes through a pipe, a few bytes at once."""
    out, into = os.pipe()

    async def write() -> None:
        for begin in range(0, len(data), at_once):
            os.write(into, data[begin : begin + at_once])
            await anyio.lowlevel.checkpoint()
        os.close(into)

    async with anyio.create_task_group() as group:
        group.start_soon(write)
        try:
            yield Incoming(out, "stdin")
        finally:
            group.cancel_scope.cancel()
    os.close(out)


async def all_of(incoming: Incoming, *, raw: bool = False) -> bytes:
    left = None if raw else await begun(incoming, "ears")
    return b"".join([data async for data in samples(incoming, left, fast=False)])


@pytest.mark.parametrize(
    "data",
    [
        wav(),
        wav(EXTENSIBLE),
        wav(before=b"LIST" + struct.pack("<I", 5) + b"INFO1\0"),
        wav(sound=SOUND + b"LIST" + struct.pack("<I", 4) + b"INFO"),
        wav(size=0xFFFFFFFF),
        wav(size=0x7FFFFFFF - 36),
        wav(size=0),
    ],
    ids=["plain", "extensible", "a chunk before", "a chunk behind", "ffmpeg's pipe", "arecord's pipe", "no size"],
)
async def test_the_samples_of_a_wav_are_what_lies_in_it(data: bytes) -> None:
    async with piped(data) as incoming:
        assert await all_of(incoming) == SOUND


async def test_bare_samples_are_taken_as_they_are() -> None:
    async with piped(SOUND) as incoming:
        assert await all_of(incoming, raw=True) == SOUND


def form(kind: int = 1, channels: int = 1, rate: int = 16000, bits: int = 16) -> bytes:
    return struct.pack("<HHIIHH", kind, channels, rate, 0, 0, bits)


@pytest.mark.parametrize(
    ("data", "title", "told"),
    [
        (wav(form(channels=2, rate=44100)), "Other sound", "2 channels of 16 bits at 44,100 Hz"),
        (wav(form(rate=8000)), "Other sound", "1 channel of 16 bits at 8,000 Hz"),
        (wav(form(bits=24)), "Other sound", "1 channel of 24 bits"),
        (wav(form(kind=3, bits=32)), "Other sound", "compressed or in fractions"),
        (b"ID3\4" + bytes(40), "Not WAV", r"begins with b'ID3"),
        (SOUND, "Not WAV", "--raw"),
        (b"", "Nothing to hear", "stdin is empty"),
        (wav()[:30], "Damaged WAV", "ends before its sound begins"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "Damaged WAV", "ends before its sound begins"),
        (b"RIFF\0\0\0\0WAVEJUNK\xff\xff\xff\x7f", "Damaged WAV", "ends before its sound begins"),
    ],
)
async def test_what_is_no_such_sound_is_told_with_a_way_out(data: bytes, title: str, told: str) -> None:
    async with piped(data) as incoming:
        with pytest.raises(RequestFailed) as failed:
            await all_of(incoming)
    assert failed.value.problem.title == title
    assert told in str(failed.value.problem)
    hint = failed.value.problem.hint
    assert "arecord -q -f S16_LE -r 16000 -c 1 | " in hint or "… | ffmpeg -loglevel error -i - -ac 1 -ar 16000" in hint


async def test_a_file_is_named_in_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a b.mp3").write_bytes(b"ID3" + bytes(50))
    told = r"ffmpeg -loglevel error -i 'a b.mp3' .* engineroom listen ears --raw"
    with opened("a b.mp3", tmp_path, "ears") as incoming, pytest.raises(RequestFailed, match=told):
        await all_of(incoming)


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir], ids=["missing", "a folder"])
async def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a.wav")
    with pytest.raises(RequestFailed, match="Cannot be read: a.wav"), opened("a.wav", tmp_path, "ears") as incoming:
        await all_of(incoming)


async def test_a_file_comes_as_it_would_be_spoken_unless_it_is_to_be_fast(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav())
    for fast in (False, True):
        with opened("a.wav", tmp_path, "ears") as incoming:
            left, began, sizes = await begun(incoming, "ears"), anyio.current_time(), list[int]()
            async for data in samples(incoming, left, fast=fast):
                sizes.append(len(data))
        took = anyio.current_time() - began
        assert sum(sizes) == len(SOUND)
        assert took < 0.3 if fast else took >= len(SOUND) / 32000
        assert max(sizes) <= PIECE_BYTES or fast
