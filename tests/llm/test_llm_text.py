"""From bytes to text that may leave: never half a character, never a stop text, never a stall."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engines.llm.text import TextOut


def run(pieces: list[bytes], stops: tuple[str, ...] = ()) -> tuple[list[str], TextOut]:
    out = TextOut(stops)
    left = [out.feed(piece) for piece in pieces]
    left.append(out.finish())
    return left, out


def cuts(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({min(place, len(data)) for place in at} | {0, len(data)})
    return [data[a:b] for a, b in zip(places, places[1:], strict=False)]


def test_character_leaves_once_it_is_whole() -> None:
    left, _ = run([b"\xe2", b"\x82", b"\xac!", b""])
    assert left == ["", "", "€!", "", ""]


def test_bytes_that_are_no_text_do_not_stall() -> None:
    out = TextOut(())
    assert out.feed(b"\xe2\x82") == ""
    assert out.feed(b"abc") == "�abc"
    assert out.feed(b"\xff\xff") == "��"


def test_cut_character_at_the_end_is_shown_as_broken() -> None:
    left, out = run([b"a\xe2\x82"])
    assert left == ["a", "�"]
    assert out.text() == "a�"


def test_stop_text_across_pieces_never_leaves() -> None:
    left, out = run([b"one E", b"N", b"D two"], ("END",))
    assert left == ["one ", "", "", ""]
    assert out.stopped


def test_held_back_text_leaves_once_it_cannot_be_a_stop() -> None:
    left, out = run([b"one E", b"N", b"T"], ("END",))
    assert left == ["one ", "", "ENT", ""]
    assert not out.stopped


def test_half_a_stop_at_the_end_leaves() -> None:
    left, out = run([b"one EN"], ("END",))
    assert left == ["one ", "EN"]
    assert not out.stopped


def test_earliest_of_several_stops_counts() -> None:
    _, out = run([b"a;b.c"], (".", ";"))
    assert out.text() == "a"


@given(st.text(), st.lists(st.integers(0, 200)))
def test_text_in_any_pieces_arrives_whole(text: str, at: list[int]) -> None:
    left, out = run(cuts(text.encode(), at))
    assert "".join(left) == out.text() == text


@given(st.binary(max_size=60), st.lists(st.integers(0, 60)))
def test_any_bytes_arrive_as_python_would_read_them(data: bytes, at: list[int]) -> None:
    _, out = run(cuts(data, at))
    assert out.text() == data.decode("utf-8", "replace")


@given(
    st.text(alphabet="abc€", max_size=40),
    st.lists(st.integers(0, 60)),
    st.lists(st.text(alphabet="abc€", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_what_leaves_ends_before_a_stop_text(text: str, at: list[int], stops: list[str]) -> None:
    left, out = run(cuts(text.encode(), at), tuple(stops))
    assert "".join(left) == out.text()
    assert text.startswith(out.text())
    assert not any(stop in out.text() for stop in stops)
    assert out.stopped == any(stop in text for stop in stops)
    if not out.stopped:
        assert out.text() == text
