"""Subtitles: all of the text, in cues that fit two lines, at the times of the sound."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.tts.audio.subtitles import LINE, MOST, Cue, cues, lines, pieces, srt, vtt, vtt_mark
from engines.tts.audio.timeline import Place
from engines.tts.unit import RATE, Span, Unit

SENTENCES = (
    "It was the best of times, it was the worst of times. It was the age of wisdom! Was it the age of foolishness?"
)


def unit(text: str, shown: str = "") -> Unit:
    return Unit(text, "en", (Span(0, 0, len(text)),), shown=shown)


def place(begin: float, end: float) -> Place:
    return Place(int(begin * RATE), int(end * RATE), 0, 0)


def test_a_short_unit_is_one_cue_from_its_begin_to_its_end() -> None:
    assert list(cues([(unit("Twenty-one.", "21."), place(1, 3))])) == [Cue(RATE, 3 * RATE, "21.")]


def test_a_long_unit_is_divided_at_sentences_and_each_gets_its_share_of_the_time() -> None:
    found = list(cues([(unit(SENTENCES), place(10, 20))]))
    assert [cue.text for cue in found] == [
        "It was the best of times, it was the worst of times. It was the age of wisdom!",
        "Was it the age of foolishness?",
    ]
    assert found[0].begin == 10 * RATE
    assert found[0].end == found[1].begin == 10 * RATE + 10 * RATE * 78 // 108
    assert found[1].end == 20 * RATE


def test_pieces_of_a_sentence_that_overlap_make_cues_that_do_not() -> None:
    first, second = cues([(unit("The long"), place(0, 2)), (unit("road home."), place(1.98, 4))])
    assert first.end == second.begin == 2 * RATE


def test_a_sentence_that_is_too_long_is_divided_at_clauses_and_then_at_words() -> None:
    clause, words = "a" * 50 + ", " + "b" * 50, " ".join(["word"] * 20)
    assert pieces(clause) == ["a" * 50 + ",", "b" * 50]
    assert [len(part) for part in pieces(words)] == [54, 44]  # not 84 and one word
    assert pieces("x" * 200) == ["x" * 74, "x" * 74, "x" * 52]


def test_languages_without_spaces_are_divided_at_their_own_signs() -> None:
    assert pieces("あ" * 50 + "。" + "い" * 50 + "。") == ["あ" * 50 + "。", "い" * 50 + "。"]
    assert lines("あ" * 60) == "あ" * 30 + "\n" + "あ" * 30


@given(st.text(st.sampled_from("ab .,!?…\"'\n\t 。、"), max_size=400))
def test_no_character_of_the_text_is_lost(text: str) -> None:
    parts = pieces(text)
    assert re.sub(r"\s", "", "".join(parts)) == re.sub(r"\s", "", text)
    assert all(0 < len(part) <= MOST for part in parts)


@pytest.mark.parametrize("length", [1, LINE, LINE + 1, MOST])
def test_a_cue_has_at_most_two_lines_of_about_the_same_length(length: int) -> None:
    text = ("four " * 17)[:length].strip()
    shown = lines(text).split("\n")
    assert " ".join(shown) == text
    assert len(shown) == (1 if len(text) <= LINE else 2)
    assert max(map(len, shown)) <= LINE + 3


def test_subrip() -> None:
    made = "".join(srt([Cue(0, RATE, "One --> two."), Cue(3661 * RATE + 12, 3662 * RATE, SENTENCES[:52])]))
    assert made == (
        "1\n00:00:00,000 --> 00:00:01,000\nOne → two.\n\n"
        "2\n01:01:01,000 --> 01:01:02,000\nIt was the best of times,\nit was the worst of times.\n\n"
    )


def test_webvtt_says_whose_it_is_and_has_no_markup_of_its_own() -> None:
    made = "".join(vtt([Cue(RATE // 2, RATE, "1 < 2 & 3 --> 4")], vtt_mark("box-7")))
    assert made == "WEBVTT\n\nNOTE job box-7\n\n00:00:00.500 --> 00:00:01.000\n1 &lt; 2 &amp; 3 --&gt; 4\n\n"
