"""Texts cut where it hurts least, and where chance begins."""

from __future__ import annotations

import pytest

from engines.tts import seeds
from engines.tts.pieces import SHORTEST, halved, packed

STORY = "The boiler feeds the engine; the engine turns the wheel. Steam rises, and nobody sees it! Why would they?"


@pytest.mark.parametrize("most", [20, 40, 57, 80, 200])
def test_packed_pieces_are_short_and_leave_out_no_word(most: int) -> None:
    pieces = packed(STORY, most)
    assert " ".join(text for text, _ in pieces) == STORY
    assert all(len(text) <= most for text, _ in pieces)


def test_a_piece_ends_with_a_sentence_where_one_fits_else_with_a_clause_else_with_a_word() -> None:
    assert packed(STORY, 60)[0] == ("The boiler feeds the engine; the engine turns the wheel.", "sentence")
    assert packed(STORY, 50)[0] == ("The boiler feeds the engine;", "clause")
    assert packed(STORY, 22)[0] == ("The boiler feeds the", "none")


def test_a_word_longer_than_a_piece_stays_whole() -> None:
    assert [text for text, _ in packed("a " + "x" * 30 + " b", 10)] == ["a", "x" * 30, "b"]
    assert packed("x" * 30, 10) == [("x" * 30, "sentence")]


def test_nothing_gives_no_piece() -> None:
    assert packed("  ", 10) == []


@pytest.mark.parametrize(
    "text", ["Steam rises, and nobody sees it! —", "— … — Steam rises. —— … !", "Steam. ——— ——— Rises."]
)
def test_marks_alone_are_no_piece_and_none_is_lost(text: str) -> None:
    for most in range(5, 40):
        pieces = [piece for piece, _ in packed(text, most)]
        assert " ".join(pieces) == text
        assert all(any(map(str.isalnum, piece)) for piece in pieces)


def test_no_half_is_marks_alone() -> None:
    assert halved("Steam rises up. " + "— " * 20) is None


def test_chinese_is_cut_at_its_own_marks() -> None:
    assert packed("今天天气很好。我们去公园。", 8) == [("今天天气很好。", "sentence"), ("我们去公园。", "sentence")]


def test_halves_meet_at_the_sentence_nearest_to_the_middle() -> None:
    assert halved(STORY) == (
        "The boiler feeds the engine; the engine turns the wheel.",
        "Steam rises, and nobody sees it! Why would they?",
        "sentence",
    )


def test_without_marks_halves_meet_at_a_space() -> None:
    first, second, pause = halved("one two three four five six seven eight") or ("", "", "")
    assert f"{first} {second}" == "one two three four five six seven eight"
    assert abs(len(first) - len(second)) < 8
    assert pause == "none"


@pytest.mark.parametrize("text", ["short text here.", "x" * 100, "Yes. " + "x" * 100])
def test_what_would_leave_a_crumb_is_not_halved(text: str) -> None:
    assert halved(text) is None
    assert len("Yes.") < SHORTEST


def test_a_seed_hangs_on_all_that_tells_chunks_apart_and_on_nothing_else() -> None:
    of = (7, 3, 0, "text")
    seed = seeds.first(*of)
    assert seed == seeds.first(*of)
    others = {seeds.first(8, 3, 0, "text"), seeds.first(7, 4, 0, "text"), seeds.first(7, 3, 1, "text")}
    others |= {seeds.first(7, 3, 0, "texts"), *(seeds.again(seed, attempt) for attempt in (1, 2, -1, -2))}
    assert len(others | {seed}) == 9
    assert all(0 <= one < 2**31 for one in others)
    assert seeds.again(seed, 0) == seed
