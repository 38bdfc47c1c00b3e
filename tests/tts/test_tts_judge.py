"""Which takes are kept, and which are spoken anew."""

from __future__ import annotations

import math

import pytest

from engines.tts.judge import SILENCE, Heard, better, judged, loops
from engines.tts.languages import LANGUAGES
from engines.tts.pace import characters_per_second

VARIED = [(number * 37) % 6000 for number in range(540)]


def take(
    characters: int = 280,
    seconds: float = 21.6,
    language: str = "en",
    tokens: list[int] = VARIED,
    *,
    ended: bool = True,
    rms: float = 0.05,
) -> Heard:
    return Heard(characters, language, tokens, ended, seconds, rms)


@pytest.mark.parametrize(
    ("heard", "faults"),
    [
        (take(), ()),
        (take(seconds=14), ()),
        (take(seconds=43), ()),
        (take(seconds=10.5), ("short",)),
        (take(seconds=70), ("long",)),
        (take(seconds=70, ended=False), ("cut", "long")),
        (take(rms=0.0002), ("silent",)),
        (take(rms=math.nan), ("silent",)),
        (take(tokens=VARIED[:500] + 40 * [7]), ("loops",)),
        (take(4, 0.3), ()),
        (take(4, 0.9), ()),
        (take(4, 3.5), ()),
        (take(4, 8), ("long",)),
        (take(1, 0.2), ()),
        (take(90, 20, "zh"), ()),
        (take(280, 20, "zh"), ("short",)),
        (take(280, 20, "ko"), ("short",)),
    ],
)
def test_what_is_wrong_with_a_take(heard: Heard, faults: tuple[str, ...]) -> None:
    assert judged(heard).faults == faults


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("characters", [1, 10, 60, 280, 550])
def test_nothing_is_wrong_with_a_reader_a_third_faster_or_half_as_fast(language: str, characters: int) -> None:
    usual = characters / characters_per_second(language)
    assert judged(take(characters, usual / 1.33, language)).faults == ()
    assert judged(take(characters, usual * 2, language)).faults == ()
    assert judged(take(characters, usual * 3 + 4, language)).faults == ("long",)


@pytest.mark.parametrize(
    ("tokens", "wrong"),
    [
        ([], False),
        ([5, 5, 5], False),
        (25 * [5], True),
        (VARIED + 24 * [5], False),
        (VARIED + 25 * [5], True),
        (VARIED + 13 * [5, 9], True),
        (VARIED + 4 * [1, 2, 3, 4, 5, 6, 7, 8], True),
        (VARIED + 3 * [1, 2, 3, 4, 5, 6, 7, 8], False),
        (VARIED + 12 * [5, 9] + VARIED[:5], False),
        (VARIED + 50 * [SILENCE], False),
        (VARIED + 13 * [5, 9] + 50 * [SILENCE], True),
        (100 * [SILENCE], False),
    ],
)
def test_a_loop_is_a_second_of_the_same_few_tokens(tokens: list[int], wrong: bool) -> None:
    assert loops(tokens) is wrong


def test_the_better_take_loses_no_words_and_then_has_the_likelier_pace() -> None:
    order = [
        take(seconds=21),
        take(seconds=30),
        take(seconds=70),
        take(tokens=25 * [5]),
        take(seconds=8),
        take(ended=False),
        take(seconds=8, ended=False),
        take(rms=0.0),
    ]
    verdicts = [judged(heard) for heard in order]
    for place, one in enumerate(verdicts):
        assert not better(one, one)
        for other in verdicts[place + 1 :]:
            assert better(one, other)
            assert not better(other, one)


def test_a_take_without_any_sound_can_be_judged() -> None:
    assert judged(take(280, 0.0, tokens=[], rms=0.0)).faults == ("short", "silent")
    assert judged(take(0, 0.0, tokens=[], rms=0.0)).faults == ("silent",)
