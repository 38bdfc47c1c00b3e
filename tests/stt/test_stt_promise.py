"""How long a WAV file should be is read from its header, where whoever wrote it knew."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.stt.sounds import recording, write
from engines.stt.audio.recording import Recording


def promised(path: Path) -> float | None:
    told = Recording(path)
    try:
        return told.promised
    finally:
        told.close()


@pytest.mark.parametrize("kept", [1.0, 0.5])
def test_a_wave_that_was_cut_off_still_says_how_long_it_was(tmp_path: Path, kept: float) -> None:
    long = recording(4)
    path = write(tmp_path / "a.wav", long.samples)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert promised(path) == pytest.approx(long.seconds)


@pytest.mark.parametrize("size", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x00\xf0\xff\x7f"])
def test_one_that_came_from_a_pipe_promises_nothing(tmp_path: Path, size: bytes) -> None:
    path = write(tmp_path / "a.wav", recording(4).samples)
    head, mark, rest = path.read_bytes().partition(b"data")
    path.write_bytes(head + mark + size + rest[4:])
    assert promised(path) is None
