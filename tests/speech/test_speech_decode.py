"""Many chunks decoded together are what the library writes of each alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from speech_decode_kit import EXAGGERATION, GREEDY, chunk, decoded, finish, of_the_library, small_t3, voice

from engines.tts.decode.chunk import Sampling
from engines.tts.decode.conditioning import conditioning
from engines.tts.decode.decoder import Decoder
from engines.tts.decode.limits import can_analyze
from engines.tts.miniature.shrink import Sizes

LENGTHS = (9, 71, 31)
TURBO = Sampling(temperature=0.0, top_k=1000, top_p=0.95, repetition_penalty=1.2)


@pytest.fixture(scope="module")
def english() -> Any:
    return small_t3("english")


@pytest.fixture(scope="module")
def alone(english: Any) -> dict[int, list[int]]:
    """What the library writes for the text of each length."""
    return {length: of_the_library(english, length) for length in LENGTHS}


def test_unequal_chunks_together_are_the_librarys_own_tokens(english: Any, alone: dict[int, list[int]]) -> None:
    written = decoded(Decoder(english, "fp32"), [chunk(english, length) for length in LENGTHS])
    assert written == list(alone.values())
    assert [len(tokens) for tokens in written] == [120] * 3
    assert len({tuple(tokens[:5]) for tokens in written}) == 3  # each says its own text


def test_so_are_those_of_one_voice_which_share_what_is_before_them(english: Any, alone: dict[int, list[int]]) -> None:
    given = conditioning(english, voice(), EXAGGERATION)
    decoder = Decoder(english, "fp32")
    for length in (9, 71):
        unguided = chunk(english, 31, given=given, sampling=Sampling(temperature=0.0, cfg=0.0), limit=9)
        assert decoded(decoder, [unguided, chunk(english, length, given=given)])[1] == alone[length]
    assert len(unguided.tokens) == 9
    assert unguided.tokens == decoded(Decoder(english, "fp32"), [replace(unguided, tokens=[])])[0]


def test_so_are_turbos() -> None:
    t3 = small_t3("turbo")
    written = decoded(Decoder(t3, "fp32"), [chunk(t3, length, sampling=TURBO) for length in LENGTHS])
    assert written == [of_the_library(t3, length) for length in LENGTHS]
    assert [len(tokens) for tokens in written] == [120] * 3
    assert len({tuple(tokens[:5]) for tokens in written}) == 3


def test_multilingual_chunks_are_the_librarys_too_with_its_analyzer_and_no_hook_is_left() -> None:
    t3 = small_t3("multilingual", Sizes(dimensions=32, layers=14, heads=16))
    assert can_analyze(t3)
    sampling = Sampling(temperature=0.0, repetition_penalty=2.0)
    before = _implementation(t3)
    decoder = Decoder(t3, "fp32")
    likely = decoded(decoder, [chunk(t3, 12, sampling=sampling, limit=6)])[0][5]
    t3.speech_head.weight.data[6562] = 3 * t3.speech_head.weight.data[likely]
    decoder = Decoder(t3, "fp32")
    watched = [chunk(t3, length, sampling=sampling, limit=60, analyze=True) for length in (12, 9, 12)]
    plain = chunk(t3, 12, sampling=sampling, limit=60)
    written = decoded(decoder, [*watched, plain])
    assert sum(len(layer.self_attn._forward_hooks) for layer in t3.tfmr.layers) == 0
    assert _implementation(t3) == before
    assert written[0] == written[2] == of_the_library(t3, 12, 60, repetition_penalty=2.0)
    assert len(plain.tokens) < len(written[0])  # the analyzer does not let it stop before the text is said


def _implementation(t3: Any) -> tuple[str, bool]:
    return t3.tfmr.config._attn_implementation, t3.tfmr.config.output_attentions


def test_chunks_join_and_leave_in_the_air_and_nobody_notices(english: Any, alone: dict[int, list[int]]) -> None:
    decoder = Decoder(english, "fp32")
    first, second, short = chunk(english, 71), chunk(english, 9), chunk(english, 31, limit=13)
    unguided = chunk(english, 55, sampling=Sampling(temperature=0.0, cfg=0.0), limit=1000)
    third = chunk(english, 31)
    decoder.begin([short, unguided, first])
    for _ in range(20):
        decoder.step()
    assert decoder.aloft == 2
    decoder.begin([second])
    for _ in range(20):
        decoder.step()
    decoder.drop(unguided)
    decoder.begin([third])
    finish(decoder)
    assert [one.tokens for one in (first, second, third)] == [alone[71], alone[9], alone[31]]
    assert short.tokens == alone[31][:13]
    assert len(unguided.tokens) == 40


def test_a_dropped_chunk_writes_no_more_and_dropping_it_again_is_nothing(english: Any) -> None:
    decoder, one = Decoder(english, "fp32"), chunk(english, 9)
    decoder.begin([one])
    decoder.step()
    decoder.drop(one)
    decoder.drop(one)
    assert decoder.aloft == 0
    assert decoder.step() == []
    assert len(one.tokens) == 1


def test_a_chunk_that_needs_more_than_expected_goes_on_from_where_it_was(
    english: Any, alone: dict[int, list[int]]
) -> None:
    long, never, other = chunk(english, 9, expected=40), chunk(english, 71, expected=120), chunk(english, 31)
    assert decoded(Decoder(english, "fp32"), [long, never, other]) == [alone[9], alone[71], alone[31]]
    assert long.extended == 4  # at 40, 60, 80 and 100
    assert never.extended == other.extended == 0
    assert not long.ended
    assert long.over


def test_the_stop_token_ends_a_chunk_and_is_not_among_its_tokens(english: Any) -> None:
    kept = english.speech_head.weight.data[6562].clone()
    decoder, before = Decoder(english, "fp32"), chunk(english, 9, limit=5)
    tokens = decoded(decoder, [before])[0]
    english.speech_head.weight.data[6562] = 3 * english.speech_head.weight.data[tokens[3]]
    try:
        one, at_once = chunk(english, 9), chunk(english, 9)
        assert decoded(Decoder(english, "fp32"), [one]) == [of_the_library(english, 9)]
        assert one.ended
        assert 0 < len(one.tokens) < 120
        english.speech_head.weight.data[6562] = 3 * english.speech_head.weight.data[tokens[0]]
        assert decoded(Decoder(english, "fp32"), [at_once]) == [[]]
        assert at_once.ended
    finally:
        english.speech_head.weight.data[6562] = kept


def test_a_chunk_whose_numbers_break_ends_and_the_others_go_on(english: Any, alone: dict[int, list[int]]) -> None:
    decoder = Decoder(english, "fp32")
    broken, fine, next_one = chunk(english, 31), chunk(english, 9), chunk(english, 71)
    broken.conditioning = broken.conditioning * torch.nan
    decoder.begin([broken, fine])
    assert decoder.step() == [broken]
    assert broken.broken
    assert not broken.ended
    assert broken.tokens == []
    decoder.begin([next_one])  # into the same rows
    finish(decoder)
    assert [fine.tokens, next_one.tokens] == [alone[9], alone[71]]


def test_out_of_memory_at_the_start_leaves_the_others_as_they_were(
    english: Any, alone: dict[int, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = Decoder(english, "fp32")
    one, refused = chunk(english, 9), chunk(english, 71, expected=1000)
    decoder.begin([one])
    for _ in range(30):
        decoder.step()
    with _scarce(monkeypatch), pytest.raises(torch.OutOfMemoryError):
        decoder.begin([refused])
    assert decoder.aloft == 1
    finish(decoder)
    assert one.tokens == alone[9]
    assert decoded(decoder, [chunk(english, 71)]) == [alone[71]]


def test_out_of_memory_with_nothing_aloft_holds_nothing(
    english: Any, alone: dict[int, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = Decoder(english, "fp32")
    with _scarce(monkeypatch), pytest.raises(torch.OutOfMemoryError):
        decoder.begin([chunk(english, 9, limit=4000, expected=4000)])
    assert decoder.aloft == 0
    assert list(decoder._model.cache.tensors()) == []
    assert decoded(decoder, [chunk(english, 9)]) == [alone[9]]


@contextmanager
def _scarce(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Memory for two of the four tensors of keys and values."""
    zeros, made = torch.zeros, []

    def scarce(*sizes: Any, **named: Any) -> Any:
        made.append(sizes)
        if len(made) > 2:
            raise torch.OutOfMemoryError
        return zeros(*sizes, **named)

    with monkeypatch.context() as patched:
        patched.setattr(torch, "zeros", scarce)
        yield


def test_memory_that_is_not_needed_any_more_goes_back(english: Any, alone: dict[int, list[int]]) -> None:
    decoder = Decoder(english, "fp32")
    for count in (4, 2):
        many = [chunk(english, 9, limit=1000, expected=1000) for _ in range(count)]
        decoder.begin(many)
        for one in many:
            decoder.drop(one)
        assert decoder._model.cache.size() == (8, 1088)  # it is soon needed again
    decoder.begin([chunk(english, 9, limit=2, expected=100)])
    assert decoder._model.cache.size() == (2, 64)
    with pytest.raises(RuntimeError):
        decoder.release()
    finish(decoder)
    decoder.release()
    assert decoder._model.cache.size() == (0, 0)
    assert decoded(decoder, [chunk(english, 9)]) == [alone[9]]


def test_without_guidance_and_at_any_temperature_it_works(english: Any) -> None:
    odd = [
        Sampling(cfg=0.0),
        Sampling(temperature=0.0, cfg=0.0),
        Sampling(top_p=0.0),
        Sampling(min_p=1.0),
        Sampling(min_p=0.0, repetition_penalty=1.0),
        Sampling(temperature=2.0, cfg=2.0, top_p=0.5),
    ]
    chunks = [chunk(english, 9, sampling=sampling, limit=30) for sampling in odd]
    written = decoded(Decoder(english, "fp32"), chunks)
    assert [len(tokens) for tokens in written] == [30] * len(odd)
    assert written[2] == written[3] == decoded(Decoder(english, "fp32"), [chunk(english, 9, limit=30)])[0]
    assert written[0] != written[1]


def test_chance_follows_from_the_seed_alone(english: Any) -> None:
    lively = Sampling(temperature=1.0)

    def written(seeds: list[int]) -> list[list[int]]:
        return decoded(
            Decoder(english, "fp32"), [chunk(english, 31, sampling=lively, limit=40, seed=seed) for seed in seeds]
        )

    one, two, three = written([1, 2, 3])
    assert one != two != three
    assert written([1, 2, 3]) == [one, two, three]
    assert written([3, 1, 2]) == [three, one, two]  # whichever rows they have
    assert written([2]) == [two]
    assert lively != GREEDY


def test_the_library_cannot_run_what_was_taken_from_it_and_the_tokens_are_the_same(alone: dict[int, list[int]]) -> None:
    t3 = small_t3("english")
    decoder = Decoder(t3, "fp32", take=True)
    left = sum(parameter.numel() for layer in t3.tfmr.layers for parameter in layer.parameters())
    assert left == 2 * 2 * 32  # the norms
    assert decoded(decoder, [chunk(t3, 31)]) == [alone[31]]
