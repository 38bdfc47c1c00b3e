"""Lines have exactly the width they were asked for, whatever is written in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.ink import Part, Span, clean, fit, length, meter, spread, squeeze, wrap

words = st.text(max_size=60).map(clean)


@given(words, st.integers(0, 80), st.booleans())
def test_fit_is_exact(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right)) == width


@given(st.lists(words, max_size=5), st.integers(0, 80), st.booleans())
def test_squeeze_is_exact(texts: list[str], width: int, right: bool) -> None:
    assert length(squeeze([Span(text) for text in texts], width, right)) == width


@given(st.lists(words, min_size=1, max_size=3), words, st.integers(1, 90))
def test_spread_is_exact(lefts: list[str], right: str, width: int) -> None:
    assert length(spread([[Span(left)] for left in lefts], [Span(right)], width).spans) == width


@given(words, st.integers(2, 40))
def test_wrap_keeps_every_word_within_the_width(text: str, width: int) -> None:
    rows = wrap(text, width)
    assert all(cell_len(row) <= width for row in rows)
    assert "".join("".join(rows).split()) == "".join(text.split())


@given(st.integers(0, 60), st.lists(st.floats(0, 1), max_size=3))
def test_a_meter_is_exact(width: int, parts: list[float]) -> None:
    assert length(meter(width, [Part(part, "meter") for part in parts])) == width


@given(st.text())
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in clean(f"\x1b[2J{text}\x1b]0;title\x07\x9b1m"))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("a\tb", "a    b"),
        ("\u202egnp.exe", "�gnp.exe"),
        ("bell\x07", "bell�"),
    ],
)
def test_text_of_strangers_is_made_harmless(written: str, shown: str) -> None:
    assert clean(written) == shown


def test_a_cut_is_seen() -> None:
    assert fit("abcdef", 4) == "abc…"
    assert "".join(span.text for span in squeeze([Span("abcd"), Span("ef")], 4)) == "abc…"
    assert wrap("one two three", 8) == ["one two", "three"]


def test_the_smallest_share_is_seen_and_the_whole_is_full() -> None:
    assert "".join(span.text for span in meter(10, [Part(0.001, "meter")])) == "▇░░░░░░░░░"
    assert "".join(span.text for span in meter(4, [Part(0.5, "meter"), Part(0.5, "warn", "▒")])) == "▇▇▒▒"
    assert [span.tone for span in meter(4, [Part(0.5, "meter"), Part(0.5, "warn")])] == ["meter", "warn"]
