"""How long chunks are, and what they are expected to take."""

from __future__ import annotations

from typing import Any

import pytest

from engines.tts.budget import MOST_TOKENS, Backend, characters, expected, limit, penalty, start
from engines.tts.languages import LANGUAGES
from engines.tts.pace import tokens_per_character
from engines.tts.settings import CHARACTERS_OF_LADDER_TOKENS, LADDER_CHARACTERS, LADDER_TOKENS, TtsSettings


@pytest.mark.parametrize(
    ("told", "language", "words", "most"),
    [
        ({}, "en", 9000, 280),
        ({}, "de", 100, 280),
        ({"budget": "smart"}, "fr", 100, 280),
        ({"budget": "language"}, "en", 100, 450),
        ({"budget": "language"}, "fr", 100, 275),
        ({"budget": "language"}, "it", 100, 280),
        ({"budget": "length"}, "en", 1000, 500),
        ({"budget": "length"}, "en", 1001, 400),
        ({"budget": "length"}, "en", 5000, 400),
        ({"budget": "length"}, "en", 5001, 450),
        ({}, "zh", 100, 96),
        ({}, "ko", 100, 129),
        ({"batch_size": 350}, "zh", 100, 350),
        ({"batch_size": 350, "budget": "length"}, "en", 100, 350),
        ({"tokens": 400}, "en", 100, 200),
        ({"tokens": 400, "batch_size": 550}, "en", 100, 200),
        ({"tokens": 400, "batch_size": 120}, "en", 100, 120),
        ({"tokens": 400, "batch_size": 550}, "zh", 100, 69),
        ({"tokens": 1}, "zh", 100, 1),
    ],
)
def test_the_longest_chunk(told: dict[str, Any], language: str, words: int, most: int) -> None:
    assert characters(TtsSettings(**told), language, words) == most


def test_the_ladder_beats_every_minimum_of_a_language() -> None:
    settings = TtsSettings(budget="language", parallel=1)
    settings = TtsSettings(budget="language", parallel=1, **settings.step_down())  # type: ignore[arg-type]
    assert characters(settings, "en", 100) == LADDER_CHARACTERS
    settings = TtsSettings(budget="language", parallel=1, **settings.step_down())  # type: ignore[arg-type]
    assert settings.tokens == LADDER_TOKENS
    assert all(characters(settings, language, 100) <= CHARACTERS_OF_LADDER_TOKENS for language in LANGUAGES)
    assert all(expected(settings, language, 100, 200, 9.0) <= LADDER_TOKENS for language in LANGUAGES)


@pytest.mark.parametrize(("length", "tokens"), [(50, 327), (150, 381), (260, 440), (280, 450)])
def test_the_formula_of_users(length: int, tokens: int) -> None:
    assert expected(TtsSettings(budget="smart", batch_size=280), "en", 464, length, 9.0) == tokens
    assert expected(TtsSettings(budget="smart"), "en", 464, length, 9.0) == tokens


@pytest.mark.parametrize(
    ("told", "language", "words", "length", "tokens"),
    [
        ({"budget": "language"}, "en", 100, 450, 500),
        ({"budget": "language"}, "en", 100, 150, 500),
        ({"budget": "language"}, "fr", 100, 275, 800),
        ({"budget": "language"}, "fr", 100, 138, 701),
        ({"budget": "language"}, "de", 100, 280, 1000),
        ({"budget": "language"}, "de", 100, 140, 900),
        ({"budget": "length"}, "en", 464, 300, 400),
        ({"budget": "length"}, "en", 2000, 300, 500),
        ({"budget": "length"}, "en", 50000, 300, 500),
        ({}, "en", 100, 280, 585),
        ({"tokens": 450}, "en", 100, 220, 450),
        ({"tokens": 450}, "en", 100, 100, 225),
        ({"budget": "language"}, "en", 100, 2, 112),
    ],
)
def test_what_a_chunk_is_expected_to_take(
    told: dict[str, Any], language: str, words: int, length: int, tokens: int
) -> None:
    assert expected(TtsSettings(**told), language, words, length, 2.0) == tokens


def test_the_safe_start_suffices_for_the_usual_pace_where_the_users_formula_cuts() -> None:
    needed = 280 * tokens_per_character("en")
    assert expected(TtsSettings(), "en", 464, 280, start("en")) > 1.3 * needed
    assert expected(TtsSettings(budget="smart"), "en", 464, 280, start("en")) < needed


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_limit_is_generous_and_fits_the_model(language: str) -> None:
    longest = characters(TtsSettings(), language, 100)
    assert 2.5 * longest * tokens_per_character(language) < limit(language, longest) < 4096 - 2
    assert limit(language, 5000) == MOST_TOKENS
    assert limit(language, 1) > 25


@pytest.mark.parametrize(
    ("told", "backend", "words", "value"),
    [
        ({}, "english", 9000, 1.15),
        ({}, "turbo", 100, 1.2),
        ({}, "multilingual", 100, 2.0),
        ({"budget": "length"}, "english", 1000, 1.15),
        ({"budget": "length"}, "multilingual", 5000, 1.15),
        ({"budget": "length"}, "english", 5001, 1.2),
        ({"budget": "length", "repetition_penalty": 1.3}, "english", 5001, 1.3),
    ],
)
def test_the_penalty_on_repetition(told: dict[str, Any], backend: Backend, words: int, value: float) -> None:
    assert penalty(TtsSettings(**told), backend, words) == value
