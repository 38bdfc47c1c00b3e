"""What two passes agree on is committed, and never taken back."""

from __future__ import annotations

import random

import pytest

from engines.stt.listening.agreement import Agreement, continuation, same, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" Hello, world.  It's me", [" Hello,", " world.", " It's", " me"]),
        ("Hello", [" Hello"]),
        ("你好，世界 ok", [" 你", "好，", "世", "界", " ok"]),
        (" 안녕 하세요", [" 안녕", " 하세요"]),
        ("abc世", [" abc", "世"]),
    ],
)
def test_words_keep_their_spaces_and_scripts_without_spaces_are_divided(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_case_and_marks_are_no_difference_between_words() -> None:
    assert same(" Hello,", " hello")
    assert not same(" hello", " hallo")
    assert not same(" ?", " !")


def test_only_what_two_passes_begin_with_is_committed() -> None:
    agreement = Agreement()
    assert agreement.hear(" stop the") == ""
    assert agreement.guess == " stop the"
    assert agreement.hear(" Stop, the engine") == " Stop, the"
    assert agreement.guess == " engine"
    assert agreement.hear(" stop the angel now") == ""
    assert agreement.hear(" stop the angel now") == " angel now"
    assert agreement.guess == ""


def test_the_last_word_is_held_while_somebody_speaks() -> None:
    agreement = Agreement()
    agreement.hear(" one for")
    assert agreement.hear(" one for", held=1) == " one"
    assert agreement.guess == " for"
    assert agreement.hear(" one four", held=1) == ""
    assert agreement.hear(" one four") == " four"


def test_the_end_commits_what_is_left_and_a_shorter_pass_takes_nothing_back() -> None:
    agreement = Agreement()
    agreement.hear(" a b c")
    agreement.hear(" a b c")
    assert agreement.end(" a b") == ""
    assert agreement.committed == [" a", " b", " c"]
    assert Agreement().end(" all of it") == " all of it"


@pytest.mark.parametrize(
    ("committed", "heard", "at"),
    [
        ("", "a b", 0),
        ("a b", "", 0),
        ("a b", "a b c", 2),
        ("a b", "a x c", 2),
        ("a b", "a x b c", 3),
        ("a b c", "a c d", 2),
        ("a", "a a b", 1),
    ],
)
def test_where_a_pass_that_heard_committed_words_otherwise_goes_on(committed: str, heard: str, at: int) -> None:
    assert continuation(words_of(committed), words_of(heard)) == at


def test_a_cut_commits_what_lies_before_it_and_knows_again_what_was_committed_from_behind() -> None:
    agreement = Agreement()
    agreement.hear(" a b c d e")
    agreement.hear(" a b c d x")
    assert agreement.cut(" a b") == "", "they are committed already"
    assert agreement.hear(" c d y") == ""
    assert agreement.hear(" c d y") == " y"
    assert agreement.cut(" c d y z") == " z"
    assert agreement.hear(" m") == ""
    assert agreement.hear(" m") == " m"


def test_whatever_passes_hear_the_commits_are_only_added_to() -> None:
    chance = random.Random(7)
    for _ in range(200):
        agreement, before, told = Agreement(), list[str](), ""
        for _ in range(12):
            text = "".join(f" {chance.choice('abc')}" for _ in range(chance.randrange(6)))
            told += agreement.hear(text, held=chance.randrange(2))
            assert agreement.committed[: len(before)] == before
            before = list(agreement.committed)
        told += agreement.end(" a b c")
        assert told == "".join(agreement.committed)
