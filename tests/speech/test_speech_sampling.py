"""What may be drawn, and how often, is what the library's processors leave."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engines.tts.decode.chunk import Sampling
from engines.tts.decode.sampling import BROKEN, Chance, Sampler

SIZE = 40
USED = (3, 17, 25)
GRID = 4000


def _logits() -> Any:
    return 2 * torch.randn(1, SIZE, generator=torch.Generator().manual_seed(0))


def _used(rows: int = 1) -> Any:
    used = torch.zeros(rows, SIZE, dtype=torch.bool)
    used[:, list(USED)] = True
    return used


@pytest.mark.parametrize("turbo", [False, True])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(top_p=0.7, repetition_penalty=2.0),
        Sampling(temperature=1.5, min_p=0.2, top_p=0.9),
        Sampling(min_p=0.0, top_p=1.0, repetition_penalty=1.0),
        Sampling(top_k=5, min_p=0.0, top_p=0.95),
        Sampling(top_k=1000, min_p=0.0, top_p=0.6, repetition_penalty=1.2),
    ],
)
def test_tokens_come_as_often_as_the_library_means_them_to(sampling: Sampling, turbo: bool) -> None:
    wanted = _shares(_logits(), sampling, turbo)
    counts = torch.zeros(SIZE)
    chances = [(at + 0.5) / GRID for at in range(GRID)]
    sampler = Sampler([sampling] * GRID, _used(GRID), [], penalty_last=turbo)
    drawn = sampler.draw(_logits().repeat(GRID, 1), chances)
    counts = torch.bincount(drawn, minlength=SIZE) / GRID
    assert torch.allclose(counts, wanted, atol=1.5 / GRID)


def _shares(logits: Any, sampling: Sampling, turbo: bool) -> Any:
    from transformers.generation import logits_process as p

    ids = torch.tensor([USED])
    penalty = p.RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty)
    steps: list[Any] = [p.TemperatureLogitsWarper(sampling.temperature)]
    if sampling.top_k:
        steps.append(p.TopKLogitsWarper(sampling.top_k))
    steps += [p.MinPLogitsWarper(sampling.min_p), p.TopPLogitsWarper(sampling.top_p)]
    steps = [*steps, penalty] if turbo else [penalty, *steps]
    for step in steps:
        logits = step(ids, logits)
    return logits.softmax(-1)[0]


def test_each_row_has_its_own_parameters() -> None:
    samplings = [Sampling(temperature=0.0), Sampling(top_p=0.5), Sampling(top_k=2), Sampling(repetition_penalty=3.0)]
    chances = [0.3, 0.6, 0.9, 0.1]
    together = Sampler(samplings, _used(4), [5], penalty_last=False).draw(_logits().repeat(4, 1), chances)
    for at, (sampling, chance) in enumerate(zip(samplings, chances, strict=True)):
        assert Sampler([sampling], _used(), [5], penalty_last=False).draw(_logits(), [chance])[0] == together[at]


def test_what_no_sound_can_be_made_of_is_never_drawn() -> None:
    logits = _logits()
    likeliest = int(logits.argmax())
    for sampling in (Sampling(), Sampling(temperature=0.0)):
        for chance in (0.0, 0.5, 0.9999999):
            drawn = Sampler([sampling], _used(), [likeliest], penalty_last=False).draw(_logits(), [chance])
            assert int(drawn) not in (likeliest, BROKEN)


def test_what_is_drawn_is_penalized_from_then_on() -> None:
    sampler = Sampler([Sampling(temperature=0.0, repetition_penalty=100.0)], _used(), [], penalty_last=False)
    drawn = [int(sampler.draw(_logits().abs(), [0.0])) for _ in range(5)]
    assert len({*drawn}) == 5


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_rows_that_are_no_numbers_are_told(number: float) -> None:
    logits = _logits().repeat(3, 1)
    logits[1, 7] = number
    drawn = Sampler([Sampling()] * 3, _used(3), [], penalty_last=False).draw(logits, [0.5] * 3)
    assert drawn[1] == BROKEN
    assert drawn[0] == drawn[2] != BROKEN


def test_chance_is_the_same_for_the_same_seed_and_lies_below_1() -> None:
    one, same, other = Chance(7), Chance(7), Chance(8)
    numbers = [one.next() for _ in range(1000)]
    assert numbers == [same.next() for _ in range(1000)]
    assert numbers != [other.next() for _ in range(1000)]
    assert len({*numbers}) > 990
    assert all(0 <= number < 1 for number in numbers)
