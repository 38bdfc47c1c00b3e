"""Subtitles: all of the text, within the limits of the screen, at the times of the words, never overlapping."""

from __future__ import annotations

import re

from heard_kit import segment
from hypothesis import given
from hypothesis import strategies as st

from engines.stt.output.atoms import atoms
from engines.stt.output.cues import Cue, Layout, cues
from engines.stt.output.spaces import tidy
from engines.stt.output.subtitles import srt, vtt, vtt_mark
from ipc.hearing import Segment, Word

USUAL = Layout(42, 2, 7000)
SPOKEN = st.text(st.sampled_from("abcdefg  ,.!? \n-あ漢。、กา\u0301\u0e31é>"), max_size=300)


@st.composite
def segments(draw: st.DrawFn) -> list[Segment]:
    """In order, some with words, some that take no time, some that begin before the last one has ended."""
    made: list[Segment] = []
    at = 0.0
    for text in draw(st.lists(SPOKEN, max_size=5)):
        begin = max(0.0, at + draw(st.floats(-0.5, 4)))
        end = begin + draw(st.floats(0, 30))
        said = text.split(" ") if draw(st.booleans()) else []
        step = (end - begin) / (len(said) + 1)
        words = [Word(begin + n * step, begin + (n + 0.8) * step, f" {word}", 0.9) for n, word in enumerate(said)]
        made.append(segment(begin, end, text, words))
        at = end
    return made


LAYOUTS = st.builds(Layout, st.integers(10, 60), st.integers(1, 3), st.integers(1000, 9000))


@given(segments(), LAYOUTS)
def test_every_limit_holds_and_no_character_is_lost(heard: list[Segment], layout: Layout) -> None:
    made = list(cues(heard, layout))
    free = 0
    for cue in made:
        assert free <= cue.begin < cue.end <= cue.begin + layout.milliseconds
        free = cue.end
        assert 1 <= len(cue.lines) <= layout.lines
        assert all(line and line == line.strip() and len(line) <= layout.characters for line in cue.lines)
    shown = "".join(line for cue in made for line in cue.lines)
    assert shown.replace(" ", "") == "".join(tidy(one.text) for one in heard).replace(" ", "")


@given(segments(), LAYOUTS)
def test_files_can_be_read_back_whatever_was_said(heard: list[Segment], layout: Layout) -> None:
    made = list(cues(heard, layout))
    blocks = [block.split("\n") for block in "".join(srt(made)).split("\n\n") if block]
    assert [int(block[0]) for block in blocks] == list(range(1, len(made) + 1))
    assert all(re.fullmatch(r"[\d:,]+ --> [\d:,]+", block[1]) for block in blocks)
    assert [len(block) - 2 for block in blocks] == [len(cue.lines) for cue in made]
    head, *blocks_of_vtt = "".join(vtt(made)).split("\n\n")
    assert head == "WEBVTT"
    assert [len(block.split("\n")) for block in blocks_of_vtt if block] == [len(cue.lines) + 1 for cue in made]


def test_a_short_segment_is_one_subtitle_at_its_own_times() -> None:
    assert list(cues([segment(1, 2.5, " Stop the engine.")], USUAL)) == [Cue(1000, 2500, ("Stop the engine.",))]


def test_two_lines_are_about_as_long_as_each_other() -> None:
    (cue,) = cues([segment(0, 5, "It was the best of times, it was the worst of times.")], USUAL)
    assert cue.lines == ("It was the best of times,", "it was the worst of times.")


def test_a_long_segment_is_cut_at_the_end_of_a_sentence_even_where_that_takes_one_more() -> None:
    said = " ".join(["It was the best of all times that anybody knew."] * 3)
    assert [" ".join(cue.lines) for cue in cues([segment(0, 12, said)], USUAL)] == [
        "It was the best of all times that anybody knew."
    ] * 3


def test_a_long_sentence_is_cut_at_a_comma_and_else_between_words_without_a_rest_of_one() -> None:
    clauses = "Everybody who had come so far up the river that year, had brought nothing but a boat and a dog."
    first, second = cues([segment(0, 7, clauses)], USUAL)
    assert " ".join(first.lines).endswith("that year,")
    halves = list(cues([segment(0, 7, " ".join(["word"] * 20))], USUAL))
    assert [len(" ".join(cue.lines)) for cue in halves] == [49, 49]
    assert second.begin == first.end


def test_times_are_those_of_the_words_where_the_model_told_them() -> None:
    said = "Red left. Blue right."
    words = [Word(0.5, 0.9, " Red", 1), Word(1, 1.5, " left.", 1), Word(6, 6.4, " Blue", 1), Word(7, 9, " right.", 1)]
    assert list(cues([segment(0, 10, said, words)], USUAL)) == [
        Cue(500, 1500, ("Red left.",)),
        Cue(6000, 9000, ("Blue right.",)),
    ]


def test_without_words_each_part_gets_its_share_of_the_time() -> None:
    first, second = cues([segment(10, 18, "One two. Six ten.")], USUAL)
    assert (first.begin, second.end) == (10_000, 18_000)
    assert first.end == second.begin - 8000 // 17 == 10_000 + round(8000 * 8 / 17)


def test_a_word_that_is_not_in_the_text_moves_no_other() -> None:
    words = [Word(0, 1, " One", 1), Word(1, 2, " uh", 1), Word(3, 4, " two", 1)]
    assert [(one.text, one.begin, one.end) for one in atoms(segment(0, 5, "One two", words), 42)] == [
        ("One", 0, 1000),
        ("two", 3000, 4000),
    ]


def test_a_single_word_is_shown_no_longer_than_told() -> None:
    assert [(cue.begin, cue.end) for cue in cues([segment(0, 25, "Ah.")], USUAL)] == [(0, 7000)]


def test_segments_that_overlap_make_subtitles_that_do_not() -> None:
    made = list(cues([segment(0, 2, "One."), segment(1.5, 3, "Two."), segment(2.5, 2.6, "Six.")], USUAL))
    assert [(cue.begin, cue.end) for cue in made] == [(0, 2000), (2000, 3000), (3000, 3040)]


def test_chinese_is_cut_anywhere_but_before_a_full_stop() -> None:
    said = "我们今天要讲的是一个很长的故事，" * 4 + "完了。"
    made = list(cues([segment(0, 14, said)], Layout(16, 2, 7000)))
    assert "".join(line for cue in made for line in cue.lines) == said
    assert all(line[0] not in "，。" for cue in made for line in cue.lines)


def test_hours_have_as_many_digits_as_they_need() -> None:
    late = [segment(3599.9995, 3602, "One."), segment(360_000, 360_001.5, "Two.")]
    assert "".join(srt(cues(late, USUAL))) == (
        "1\n01:00:00,000 --> 01:00:02,000\nOne.\n\n2\n100:00:00,000 --> 100:00:01,500\nTwo.\n\n"
    )


def test_signs_that_mean_something_to_players_are_only_text() -> None:
    said = [Cue(0, 1000, ("a --> b & <i>",))]
    assert "".join(srt(said)) == "1\n00:00:00,000 --> 00:00:01,000\na → b & <i>\n\n"
    assert "".join(vtt(said, vtt_mark("box-3"))) == (
        "WEBVTT\n\nNOTE job box-3\n\n00:00:00.000 --> 00:00:01.000\na --&gt; b &amp; &lt;i&gt;\n\n"
    )
