"""Frames survive any chunking, and a prefix over the limit is refused at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipc.errors import ProtocolViolation
from ipc.frames import LIMIT_BYTES, FrameCutter, frame


@given(st.lists(st.binary(max_size=200)), st.lists(st.integers(0, 300)))
def test_whatever_the_chunks_the_payloads_are_the_same(payloads: list[bytes], sizes: list[int]) -> None:
    wire, cutter, came = b"".join(map(frame, payloads)), FrameCutter(), []
    for size in sizes:
        came += cutter.feed(wire[:size])
        wire = wire[size:]
    came += cutter.feed(wire)
    assert [bytes(view) for view in came] == payloads
    assert not cutter.partial


@given(st.binary(), st.integers(1, 50))
def test_arbitrary_bytes_are_cut_or_refused_and_never_kept_beyond_the_limit(junk: bytes, limit: int) -> None:
    cutter = FrameCutter(limit)
    try:
        for byte in junk:
            for view in cutter.feed(bytes([byte])):
                assert len(view) <= limit
    except ProtocolViolation:
        pass
    assert len(cutter._rest) <= limit + 4


def test_views_stay_valid_after_later_chunks() -> None:
    cutter = FrameCutter()
    cutter.feed(frame(b"one")[:5])
    [first] = cutter.feed(frame(b"one")[5:])
    [second] = cutter.feed(frame(b"two"))
    assert (bytes(first), bytes(second)) == (b"one", b"two")


def test_the_limit_itself_passes_and_one_more_is_refused_from_the_prefix_alone() -> None:
    [whole] = FrameCutter().feed(frame(bytes(LIMIT_BYTES)))
    assert len(whole) == LIMIT_BYTES
    with pytest.raises(ProtocolViolation, match="16,777,217 bytes is over the limit"):
        FrameCutter().feed((LIMIT_BYTES + 1).to_bytes(4, "big"))
    with pytest.raises(ProtocolViolation):
        frame(bytes(LIMIT_BYTES + 1))


def test_partial_tells_a_torn_frame_from_a_clean_end() -> None:
    cutter = FrameCutter()
    assert not cutter.partial
    cutter.feed(b"\0")
    assert cutter.partial
    cutter.feed(b"\0\0\1!")
    assert not cutter.partial
