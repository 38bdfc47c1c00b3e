"""Whatever a program prints becomes lines that a screen can show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.process.lines import LONGEST, LineCutter


def lines_of(*chunks: bytes) -> list[str]:
    cutter = LineCutter()
    return [line for chunk in chunks for line in cutter.feed(chunk)] + cutter.flush()


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"on", b"e\nt", b"wo"], ["one", "two"]),
        ([b"\n\n"], ["", ""]),
        ([b"dos\r\nlines\r\n"], ["dos", "lines"]),
        ([b"dos\r", b"\nlines\r", b"\n"], ["dos", "lines"]),
        (["größer\n".encode()], ["größer"]),
        (["größer\n".encode()[:3], "größer\n".encode()[3:]], ["größer"]),
        ([b"a\xff\xfeb\n"], ["a\ufffd\ufffdb"]),
        ([b"cut \xe2\x82"], ["cut \ufffd"]),
        ([b"\x1b[31mred\x1b[0m \x1b]0;title\x07and\x1b(B plain\n"], ["red and plain"]),
        ([b"bell\x07 null\x00 tab\tend\n"], ["bell null tab   end"]),
        ([b" 10%\r 20%\r", b" 30%\r", b"100%\ndone\n"], ["100%", "done"]),
        ([b"load 33%\r", b"load 66%\r"], ["load 66%"]),
        ([b"100%|####|\r          \rdone\n"], ["done"]),
        ([b"100%|####|\r          \n"], ["100%|####|"]),
    ],
)
def test_lines(chunks: list[bytes], lines: list[str]) -> None:
    assert lines_of(*chunks) == lines


def test_an_endless_line_is_cut_and_takes_no_memory() -> None:
    cutter = LineCutter()
    for _ in range(1000):
        assert cutter.feed(b"x" * 10_000) == []
    assert cutter.feed(b"\nnext\n") == ["x" * LONGEST + "…", "next"]


def test_an_endless_progress_bar_takes_no_memory() -> None:
    cutter = LineCutter()
    for step in range(10_000):
        assert cutter.feed(b"\r%d steps" % step) == []
    assert cutter.flush() == ["9999 steps"]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_lines_do_not_depend_on_how_they_arrive(printed: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(printed), *(cut for cut in cuts if cut < len(printed))})
    chunks = [printed[start:end] for start, end in zip(places, places[1:], strict=False)]
    assert lines_of(*chunks) == lines_of(printed)


@given(st.binary(max_size=300))
def test_a_line_is_one_line_on_any_screen(printed: bytes) -> None:
    for line in lines_of(printed):
        assert len(line.splitlines()) <= 1
        assert not set(line) & set("\x00\x07\x1b\r")
