"""Silence is put in where sound is missing, and nowhere because packets come late."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from engines.stt.audio.recording import Recording
from engines.stt.unit import RATE, Span

PACKET_MS = 20
Delay = Callable[[int], int]


def read(path: Path, delay: Delay, seconds: int = 20, form: str = "matroska") -> tuple[int, int]:
    """Samples that come of so much sound, each packet stamped so many milliseconds late, and how often it is damaged.

    What is stamped earlier than the one before cannot be written, so stamps only rise.
    """
    packet_samples = RATE * PACKET_MS // 1000
    with av.open(str(path), "w", format=form) as container:
        stream: Any = container.add_stream("pcm_s16le", rate=RATE)
        stream.codec_context.layout = "mono"
        last = -1
        for number in range(seconds * 1000 // PACKET_MS):
            packet = av.Packet(np.full(packet_samples, 1000, np.int16).tobytes())
            last = max(last + 1, number * PACKET_MS + delay(number))
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, 1000), last, last
            container.mux(packet)
    recording = Recording(path)
    made = len(recording.read(Span(0, 10**9)))
    recording.close()
    return made, len(recording.damaged)


def each(every: int, milliseconds: int) -> Delay:
    """One packet in so many is late, and those after it catch up."""
    return lambda number: max(0, milliseconds - PACKET_MS * (number % every)) if number >= every else 0


def far_away(late: int) -> Delay:
    """One packet only."""
    return lambda number: 900 if number == late else 0


@pytest.mark.parametrize(("every", "milliseconds"), [(50, 60), (50, 150), (100, 400)])
def test_packets_that_are_late_for_a_moment_make_no_silence(every: int, milliseconds: int, tmp_path: Path) -> None:
    assert read(tmp_path / "jitter.mkv", each(every, milliseconds)) == (20 * RATE, 0)


def test_packets_that_are_late_for_long_make_no_more_silence_than_they_are_late(tmp_path: Path) -> None:
    made, _ = read(tmp_path / "wave.mkv", lambda number: 200 if number // 50 % 2 else 0)
    assert 0 < made - 20 * RATE <= 0.2 * RATE, "what was put in once is not put in again"


def test_what_is_missing_is_silence(tmp_path: Path) -> None:
    made, damaged = read(tmp_path / "gap.mkv", lambda number: 3000 if number >= 500 else 0)
    assert made == 23 * RATE
    assert damaged == 1


def test_sound_that_comes_in_short_pieces_stays_in_time(tmp_path: Path) -> None:
    """As telephones send it, which send nothing while nobody speaks."""
    made, _ = read(tmp_path / "calls.mkv", lambda number: number // 10 * 1000)
    assert made == pytest.approx((20 + 99) * RATE, abs=2)


def test_a_clock_that_is_set_makes_no_silence(tmp_path: Path) -> None:
    assert read(tmp_path / "clock.mkv", lambda number: 86_400_000 if number >= 500 else 0) == (20 * RATE, 0)


def test_one_packet_from_far_away_makes_no_silence(tmp_path: Path) -> None:
    """Also the last of all."""
    for path, late in ((tmp_path / "middle.mkv", 499), (tmp_path / "last.mkv", 999)):
        made, _ = read(path, far_away(late))
        assert made == 20 * RATE


def test_a_container_without_time_stamps_has_no_gaps(tmp_path: Path) -> None:
    """One byte of a small file may make hours of it."""
    path = tmp_path / "talk.avi"
    read(path, lambda number: 0, form="avi")
    data = bytearray(path.read_bytes())
    scale = data.index(b"strh") + 28  # of the stream: how many seconds each block lasts
    data[scale : scale + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    recording = Recording(path)
    heard = recording.read(Span(0, 10**9))
    recording.close()
    assert len(heard) == pytest.approx(20 * RATE, abs=RATE)
