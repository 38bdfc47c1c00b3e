"""Lines have exactly the width they were asked for, whatever is written in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.ink import Line, Part, Span, changed, clean, ending, fit, length, line, meter, spread, squeeze, wrap

words = st.text(max_size=60).map(clean)


@given(words, st.integers(0, 80), st.booleans())
def test_fit_is_exact(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right)) == width


@given(words, st.integers(1, 80))
def test_an_ending_is_never_wider_and_only_cut_where_it_has_to_be(text: str, width: int) -> None:
    shown = ending(text, width)
    assert cell_len(shown) <= width
    assert shown == text if cell_len(text) <= width else shown.startswith("…") and text.endswith(shown[1:])


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


LINES = st.builds(
    Line,
    st.lists(st.builds(Span, st.text("ab漢▇e\u0301", max_size=4), st.sampled_from(["plain", "dim"])), max_size=4).map(
        tuple
    ),
)


def cells(one: Line, width: int) -> list[tuple[str, str]]:
    """What stands in each column: a wide character in its first, with what combines with it."""
    found: list[tuple[str, str]] = []
    for text, tone, _ in one.spans:
        for character in text:
            if cell_len(character):
                found += [(character, tone), *[("", tone)] * (cell_len(character) - 1)]
            elif found:
                found[-1] = (found[-1][0] + character, found[-1][1])
    return [*found, *[(" ", "")] * width][:width]


@given(LINES, LINES)
def test_what_is_painted_anew_makes_the_one_line_the_other(before: Line, after: Line) -> None:
    first, end = changed(before, after)
    old, new = cells(before, 40), cells(after, 40)
    assert [*old[:first], *new[first:end], *old[end:]] == new


def test_little_is_painted_anew() -> None:
    before, after = line("GPU 0  ", Span("▇▇░░", "meter"), " 61 °C"), line("GPU 0  ", Span("▇▇░░", "meter"), " 62 °C")
    assert changed(before, after) == (13, 14)
    assert changed(before, before) == (17, 17)
    assert changed(before, before._replace(lit=True)) == (0, 17)


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
    assert ending("abcdef", 4) == "…def"
    assert "".join(span.text for span in squeeze([Span("abcd"), Span("ef")], 4)) == "abc…"
    assert wrap("one two three", 8) == ["one two", "three"]


def test_the_smallest_share_is_seen_and_the_whole_is_full() -> None:
    assert "".join(span.text for span in meter(10, [Part(0.001, "meter")])) == "▇░░░░░░░░░"
    assert "".join(span.text for span in meter(4, [Part(0.5, "meter"), Part(0.5, "warn", "▒")])) == "▇▇▒▒"
    assert [span.tone for span in meter(4, [Part(0.5, "meter"), Part(0.5, "warn")])] == ["meter", "warn"]
