"""The engine on the real model: what is computed together, for whom first, what once, and what is not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from embed_kit import EXPECTED, TEXTS, Asked, Counted, cosines, texts
from flying_kit import Sky

from engines.embed.settings import EmbedSettings

pytest_plugins = ["embed_fixtures"]


@pytest.fixture
def engine(data: Path) -> Counted:
    return Counted(wait_ms=0)


def test_vectors_are_those_of_sentence_transformers(engine: Counted) -> None:
    together, alone = texts(*TEXTS), [texts(text) for text in TEXTS]
    engine.ask(together)
    engine.retune(EmbedSettings(threads=1, cache_entries=0))
    for one in alone:
        engine.ask(one)
    assert cosines(together.vectors(), EXPECTED).min() > 0.99999
    assert cosines(np.concatenate([one.vectors() for one in alone]), EXPECTED).min() > 0.99999
    assert np.abs(np.linalg.norm(together.vectors(), axis=1) - 1).max() < 1e-5


def test_a_long_text_is_cut_and_counted(engine: Counted) -> None:
    asked = texts(*TEXTS)
    engine.ask(asked)
    result = asked.results[0]
    assert (result["dimensions"], result["truncated"]) == (384, 1)
    assert max(length for run in engine.runs for length in run) == 256
    assert result["tokens"] == sum(map(sum, engine.runs))


def test_requests_that_wait_together_are_computed_together(engine: Counted) -> None:
    asked = [texts(f"this is number {number}") for number in range(8)]
    engine.ask(*asked)
    assert engine.runs == [[6] * 8]
    assert all(len(one.results) == 1 for one in asked)


def test_texts_of_one_length_are_computed_together_so_that_little_is_padded(engine: Counted) -> None:
    long, short = "a much longer text about the boiler and the engine " * 4, "short"
    engine.ask(texts(long, short, short + "er", long + "too"))
    assert sorted(map(len, engine.runs)) == [2, 2]
    assert all(max(run) - min(run) < 3 for run in engine.runs)


def test_a_batch_has_no_more_texts_than_the_knob_says(data: Path) -> None:
    engine = Counted(batch_size=3)
    engine.ask(texts(*(f"number {n}" for n in range(8))))
    assert [len(run) for run in engine.runs] == [3, 3, 2]


def test_people_come_before_jobs(engine: Counted) -> None:
    job = Asked([{"text": f"unit text {n}"} for n in range(3)], stream=False)
    person = texts("a person waits")
    late = texts("another person, who comes later")

    def then(sky: Sky) -> None:
        if len(engine.runs) == 1:
            sky.waiting.append(late)

    sky = engine.ask(job, person, then=then)
    assert sky.landed == [person, late, job]


def test_a_request_that_comes_during_a_long_one_does_not_wait_for_its_end(data: Path) -> None:
    engine = Counted(batch_size=2)
    long = texts(*(f"number {n}" for n in range(12)))
    short = texts("a short question that comes late")

    def then(sky: Sky) -> None:
        if len(engine.runs) == 1 and not short.results:
            sky.waiting.append(short)

    sky = engine.ask(long, then=then)
    assert sky.landed[0] is short
    assert len(engine.runs) == 7


def test_a_text_is_computed_once_however_many_want_it(engine: Counted) -> None:
    first, second = texts("same", "same", "other"), texts("same")
    job = Asked([{"text": "same"}, {"text": "same"}], stream=False)
    engine.ask(first, second)
    engine.ask(job)
    assert sum(map(len, engine.runs)) == 2
    assert cosines(job.vectors(), np.repeat(first.vectors()[:1], 2, axis=0)).min() > 0.999
    assert (first.vectors()[0] == second.vectors()[0]).all()
    assert job.results[0] == {"dimensions": 384, "tokens": 6, "truncated": 0}


def test_what_was_asked_before_is_not_computed_again_and_people_see_how_often(engine: Counted) -> None:
    engine.ask(texts(*TEXTS))
    runs = len(engine.runs)
    again = texts(*TEXTS)
    engine.ask(again)
    assert len(engine.runs) == runs
    assert cosines(again.vectors(), EXPECTED).min() > 0.999
    assert again.results[0]["truncated"] == 1
    assert engine.heard.words == "cache 50 % of 32"


def test_deterministic_work_hangs_on_nothing_that_was_asked_before(engine: Counted) -> None:
    unit = [{"text": text} for text in TEXTS[:6]]
    first, again = (Asked(unit, stream=False, deterministic=True) for _ in range(2))
    engine.ask(first, texts(*TEXTS[:3]))
    engine.ask(again, Asked([{"text": "company"}], stream=False))
    assert np.array_equal(first.vectors(), again.vectors())


def test_a_cancelled_request_leaves_the_others_alone(data: Path) -> None:
    engine = Counted(batch_size=1)
    gone, stays = texts("shared", "only of the one that goes"), texts("own", "shared")

    def then(sky: Sky) -> None:
        gone.gone = len(engine.runs) >= 1

    sky = engine.ask(gone, stays, then=then)
    assert set(sky.landed) == {gone, stays}
    assert gone.results == {}
    assert len(stays.vectors()) == 2
    assert sum(map(len, engine.runs)) <= 3


def test_a_text_of_a_cancelled_request_that_another_waits_for_is_still_computed(data: Path) -> None:
    engine = Counted(batch_size=1)
    gone, stays = texts("first of all", "shared"), texts("shared")

    def then(sky: Sky) -> None:
        gone.gone = len(engine.runs) == 1

    engine.ask(gone, stays, then=then)
    assert len(stays.vectors()) == 1


def test_who_asks_alone_never_waits_and_company_is_waited_for_only_as_long_as_told(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Counted(wait_ms=1000)
    naps = 0

    def nap(seconds: float) -> None:
        nonlocal naps
        naps += 1

    monkeypatch.setattr("engines.embed.loaded.time.sleep", nap)
    engine.ask(texts("alone"))
    assert naps == 0
    late = texts("the other comes back late")

    def then(sky: Sky) -> None:
        if len(engine.runs) == 2 and naps == 3:
            sky.waiting.append(late)

    engine.ask(texts("two that"), texts("come together"))
    engine.ask(texts("one of them asks again"), then=then)
    assert (naps, len(engine.runs)) == (3, 3), "the next run had both"
    engine.retune(EmbedSettings(threads=1, wait_ms=0))
    engine.ask(texts("and without any patience"))
    assert naps == 3


@pytest.mark.parametrize(
    ("payload", "title"),
    [
        ({"texts": []}, "Bad request"),
        ({}, "Bad request"),
        ({"texts": ["a"], "text": "b"}, "Bad request"),
        ({"prompt": "a"}, "Bad request"),
        ({"texts": ["x" * 2**20 + "y"]}, "Text too long"),
        ({"texts": ["a"] * 3000}, "Too many texts"),
    ],
)
def test_a_bad_request_fails_with_a_sentence_and_the_engine_is_well(
    engine: Counted, payload: dict[str, object], title: str
) -> None:
    bad, good = Asked(payload), texts("well")
    sky = engine.ask(bad, good)
    assert bad.problems[0].title == title
    assert bad.problems[0].hint
    assert len(sky.landed) == 2
    assert good.results


def test_two_thousand_texts_fit_into_one_answer(engine: Counted) -> None:
    asked = texts(*(["same"] * 2040))
    engine.ask(asked)
    assert asked.vectors().shape == (2040, 384)
    assert len(json.dumps(asked.results[0])) < 4 * 2**20


def test_shorter_texts_are_other_texts(engine: Counted) -> None:
    engine.ask(texts(TEXTS[12]))
    engine.retune(EmbedSettings(threads=1, max_tokens=8))
    asked = texts(TEXTS[12])
    engine.ask(asked)
    assert engine.runs[-1] == [8]
    assert asked.results[0]["truncated"] == 1
    assert cosines(asked.vectors(), EXPECTED[12:13])[0] < 0.999
