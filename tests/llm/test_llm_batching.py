"""Flights that come and go while others are in the air: the real library and the miniature, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from flying_kit import Heard, Sky
from llm_files import Q4_0, Q8_0, quantized
from llm_recorders import MINIATURE, Orders, questions
from llm_sky import Script, watched

from engines.contract import OutOfMemory
from engines.llm import generate
from engines.llm.context import Context
from engines.llm.engine import LlmEngine, create
from engines.llm.settings import LlmSettings

GREEDY = LlmSettings(temperature=0.0, max_tokens=48, n_ctx=512)
Q4_K_M = 15
STORY = {"prompt": "Tell me a short story."}


@pytest.fixture
def recorder() -> Heard:
    return Heard()


@pytest.fixture
def engine(recorder: Heard) -> Iterator[LlmEngine]:
    engine = create(recorder)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The miniature at four levels."""
    folder = tmp_path_factory.mktemp("levels")
    levels = {"q8_0": Q8_0, "q4_0": Q4_0, "q4_k_m": Q4_K_M}
    return {"f16": str(MINIATURE), **{name: str(quantized(folder, level)) for name, level in levels.items()}}


def change(settings: LlmSettings, **more: Any) -> LlmSettings:
    return msgspec.structs.replace(settings, **more)


def job(count: int = 1, *, first: int = 0, **more: Any) -> Orders:
    return Orders(questions(first + count, **more)[first:], deterministic=False)


def person(*requests: dict[str, Any]) -> Orders:
    return Orders(requests or [{"prompt": "What is a token?"}], stream=True, deterministic=False)


def alone(engine: LlmEngine, requests: list[dict[str, Any]]) -> list[str]:
    """Each answer as it is when nothing else is there."""
    answers = []
    for request in requests:
        flight = Orders([request], deterministic=False)
        engine.fly(Sky(flight))
        answers += flight.answers()
    return answers


# ── joining and leaving ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("level", ["f16", "q8_0", "q4_0"])
def test_flights_that_join_at_any_step_answer_as_alone(engine: LlmEngine, models: dict[str, str], level: str) -> None:
    engine.load(change(GREEDY, model=models[level], prompt_cache=0))
    expected = alone(engine, questions(7))
    engine.apply(change(GREEDY, model=models[level], parallel=4, prompt_cache=0))
    flights = [job(2), job(2, first=2), job(2, first=4), job(1, first=6)]
    Script((0, flights[0]), (3, flights[1]), (4, flights[2]), (17, flights[3])).play(engine)
    assert [answer for flight in flights for answer in flight.answers()] == expected


def test_a_flight_lands_while_another_goes_on(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=2))
    sky = Script((0, job(max_tokens=40)), (5, job(max_tokens=3)))
    sky.play(engine)
    assert sky.landed_at[1] < sky.landed_at[0]


def test_orders_beyond_the_free_sequences_wait_in_the_engine(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=2))
    flights = [job(5, max_tokens=4), job(3, max_tokens=4)]
    Script((0, flights[0]), (0, flights[1])).play(engine)
    assert [len(flight.ended) for flight in flights] == [5, 3]


def test_a_flight_without_orders_lands(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    sky = Sky(Orders([]))
    engine.fly(sky)
    assert len(sky.landed) == 1


def test_a_prompt_that_is_too_long_fails_alone(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=2, n_ctx=64))
    flight = Orders(
        [STORY, {"prompt": "word " * 200}, {"prompt": "Tell me a short story. " * 7, "max_tokens": 400}, STORY]
    )
    Script((0, flight), (2, job())).play(engine)
    assert list(flight.problems) == [1]
    assert flight.results[2].finish == "length"
    assert flight.results[2].prompt_tokens + flight.results[2].tokens <= 64
    assert flight.results[0].answer == flight.results[3].answer


# ── people ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize("level", ["f16", "q8_0", "q4_0"])
def test_a_person_is_answered_at_once_and_the_job_s_text_stays_the_same(
    engine: LlmEngine, models: dict[str, str], parallel: int, level: str
) -> None:
    settings = change(GREEDY, model=models[level], parallel=parallel, prompt_cache=0)
    engine.load(settings)
    expected = alone(engine, questions(6))
    batch, ask = job(6), person()
    sky = Script((0, batch), (9, ask))
    sky.play(engine)
    assert batch.answers() == expected
    assert ask.answers() == expected[:1]
    assert sky.landed_at[1] <= 9 + 2 + ask.results[0].tokens
    assert sky.landed_at[1] < sky.landed_at[0]


def test_a_unit_is_suspended_within_its_prompt(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, n_batch=16, prompt_cache=0))
    long = {"prompt": "The cache keeps the keys and values of earlier tokens. " * 15 + "What is a token?"}
    expected = alone(engine, [long])
    batch = Orders([long], deterministic=False)
    sky = Script((0, batch), (3, person()))
    sky.play(engine)
    assert sky.landed_at[1] < sky.landed_at[0]
    assert batch.answers() == expected


@pytest.mark.parametrize("deterministic", [True, False])
def test_where_host_memory_is_short_a_person_waits_until_a_unit_ends(
    engine: LlmEngine, monkeypatch: pytest.MonkeyPatch, deterministic: bool
) -> None:
    engine.load(change(GREEDY, prompt_cache=0))
    requests = questions(3, max_tokens=20)
    expected = alone(engine, requests)
    states: list[int] = []
    size = Context.state_bytes

    def asked(self: Context, sequence: int) -> int:
        states.append(size(self, sequence))
        return states[-1]

    monkeypatch.setattr(Context, "state_bytes", asked)
    monkeypatch.setattr(generate, "free_bytes", lambda: 2 * states[-1])
    batch, ask = Orders(requests, deterministic=deterministic), person()
    sky = Script((0, batch), (5, ask))
    ended: list[int] = []
    monkeypatch.setattr(ask, "piece", lambda order, text: ended.append(len(batch.ended)))
    sky.play(engine)
    assert set(ended) == {1}, "it was answered between the first unit and the second"
    assert batch.answers() == expected
    assert states
    monkeypatch.setattr(generate, "free_bytes", lambda: 2 * states[-1] + 1)
    batch, ask, before = Orders(requests, deterministic=deterministic), person(), list(ended)
    monkeypatch.setattr(ask, "piece", lambda order, text: ended.append(len(batch.ended)))
    Script((0, batch), (5, ask)).play(engine)
    assert set(ended[len(before) :]) == {0}, "with a byte more it was answered at once"


def test_people_queue_behind_people(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    first, second = person({**STORY, "max_tokens": 12}), person({**STORY, "max_tokens": 12})
    sky = Script((0, job(2)), (2, first), (4, second))
    sky.play(engine)
    assert sky.landed_at[1] < sky.landed_at[2] < sky.landed_at[0]
    assert first.answers() == second.answers()
    waited = second.results[0].ttft_seconds
    assert waited is not None
    assert waited > first.results[0].seconds / 3  # since it was heard, not since it began


def test_a_bad_request_of_a_person_stops_nobody(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    batch, ask = job(), person({"nonsense": 1})
    Script((0, batch), (5, ask)).play(engine)
    assert ask.problems[0].title == "Unknown key"
    assert batch.answers() == alone(engine, questions(1))


def test_several_people_share_the_batch(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=3, prompt_cache=0))
    expected = alone(engine, questions(3))
    people = [person(question) for question in questions(3)]
    batch = job(4)
    Script((0, batch), (2, people[0]), (3, people[1]), (5, people[2])).play(engine)
    assert [flight.answers()[0] for flight in people] == expected
    assert ["".join(flight.pieces[0]) for flight in people] == expected


def test_a_long_prompt_is_read_in_small_parts_while_a_person_reads_along(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=2, n_ctx=2048, n_batch=2048, prompt_cache=0))
    ask = person({**STORY, "max_tokens": 40})
    long = Orders([{"prompt": "word " * 1500, "max_tokens": 1}], deterministic=False)
    sky = Script((0, ask), (3, long))
    engine.apply(change(GREEDY, parallel=2, n_ctx=2048, n_batch=2048, prompt_cache=0, threads=1))
    sizes: list[int] = []
    batching = engine._ready()._batching
    batching._pace.room = lambda: 100  # type: ignore[method-assign]
    compute = Context.compute

    def watching(self: Context, stretches: Any, stop: Any) -> list[int] | None:
        sizes.append(sum(len(stretch.tokens) for stretch in stretches))
        return compute(self, stretches, stop)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Context, "compute", watching)
        sky.play(engine)
    assert max(sizes) == 101
    assert len(long.results) == 1


# ── flights that repeat to the byte ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("level", ["f16", "q4_k_m"])
@pytest.mark.parametrize("parallel", [1, 4])
def test_a_deterministic_flight_is_the_same_with_people_in_its_midst(
    engine: LlmEngine, models: dict[str, str], level: str, parallel: int
) -> None:
    wild = change(GREEDY, model=models[level], parallel=parallel, temperature=1.0, seed=3, max_tokens=30)
    engine.load(wild)
    lengths = [{"max_tokens": 5 + 4 * at} for at in range(9)]
    requests = [{**question, **length} for question, length in zip(questions(9), lengths, strict=True)]
    undisturbed = Orders(requests)
    with watched() as expected:
        engine.fly(Sky(undisturbed))
    disturbed = Orders(requests)
    people = [
        (at, person({**question, "max_tokens": 9})) for at, question in zip((2, 3, 20, 33), questions(4), strict=True)
    ]
    sky = Script((0, disturbed), *people, (1, job(3)), (0, Orders(requests)))
    with watched() as batches:
        sky.play(engine)
    assert disturbed.answers() == undisturbed.answers()
    repeating = [batch for batch in batches if all(lane[0] for lane in batch)]
    assert repeating[: len(expected)] == expected == repeating[len(expected) :]
    assert not any(lane[0] for batch in batches if batch not in repeating for lane in batch)
    assert all(len(flight.results) == 1 for _, flight in people)
    assert max(sky.landed_at[at] for at in (1, 2, 3, 4)) < sky.landed_at[0] < sky.landed_at[5]


def test_it_is_told_while_a_deterministic_flight_waits_for_people(
    engine: LlmEngine, recorder: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.load(change(GREEDY, parallel=2))
    said: list[tuple[int, str]] = []
    sky = Script((0, Orders(questions(2))), (4, person()), (6, person()))
    monkeypatch.setattr(recorder, "say", lambda words: said.append((sky.step, words)))
    sky.play(engine)
    last = max(sky.landed_at[1], sky.landed_at[2])
    assert said == [(4, "a deterministic job waits for people"), (last, "")]
    said.clear()
    Script((0, job(2)), (4, person())).play(engine)
    assert said == []


def test_suspended_units_of_a_deterministic_flight_come_back_to_their_places(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=3))
    requests = [{"prompt": "word " * 9 * at + "What is a token?", "max_tokens": 9} for at in range(1, 4)]
    with watched() as expected:
        engine.fly(Sky(Orders(requests)))
    sky = Script((0, Orders(requests)), (4, person()), (4, person()))
    with watched() as batches:
        sky.play(engine)
    assert [batch for batch in batches if batch[0][0]] == expected
    assert len(batches) > len(expected)


def test_deterministic_flights_are_computed_one_after_the_other(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=4))
    sky = Script((0, job(2, max_tokens=20)), (1, Orders(questions(2))), (2, Orders(questions(2))), (3, job(1)))
    with watched() as batches:
        sky.play(engine)
    assert all(len({lane[0] for lane in batch}) == 1 for batch in batches)
    assert [sky.landed_at[at] for at in range(4)] == sorted(sky.landed_at[at] for at in range(4))


def test_nothing_from_a_cache_goes_into_a_deterministic_flight(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, system_prompt="You answer shortly and in plain words. " * 8))
    engine.fly(Sky(job()))
    flight = Orders(questions(2))
    engine.fly(Sky(flight))
    assert [flight.results[at].cached_tokens for at in (0, 1)] == [0, 0]


# ── cancelling ────────────────────────────────────────────────────────────────────────────────────────────


def test_cancelling_one_flight_leaves_the_others_alone(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=3, prompt_cache=0))
    expected = alone(engine, questions(3))
    stopped = False
    doomed = Orders([STORY] * 5, deterministic=False, cancelled=lambda: stopped)

    def stop() -> None:
        nonlocal stopped
        stopped = True

    batch = job(3)
    sky = Script((0, batch), (1, doomed), then={12: stop})
    sky.play(engine)
    assert sky.landed_at[1] == 12
    assert batch.answers() == expected
    assert len(doomed.ended) < 5


def test_a_suspended_flight_is_cancelled(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    stopped = False
    doomed = Orders([STORY] * 2, deterministic=False, cancelled=lambda: stopped)

    def stop() -> None:
        nonlocal stopped
        stopped = True

    ask = person({**STORY, "max_tokens": 20})
    sky = Script((0, doomed), (4, ask), then={8: stop})
    sky.play(engine)
    assert doomed.ended == []
    assert sky.landed_at[0] == 8
    assert ask.results[0].tokens > 3
    assert alone(engine, [STORY])[0]


@pytest.mark.parametrize("cuts", [True, False])
def test_a_cancel_within_a_batch_costs_the_others_nothing(
    engine: LlmEngine, monkeypatch: pytest.MonkeyPatch, cuts: bool
) -> None:
    engine.load(change(GREEDY, parallel=2, n_ctx=2048, n_batch=2048, prompt_cache=0))
    expected = alone(engine, [STORY])
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += bool(sky.step >= 6)
        return asked > 250  # the writer's part of the batch is computed

    if not cuts:

        def refuse(self: Context, sequence: int, count: int) -> bool:
            self.forget(sequence)
            return False

        monkeypatch.setattr(Context, "cut", refuse)
    writer = Orders([STORY], deterministic=False)
    doomed = Orders([{"prompt": "word " * 1500}], deterministic=False, cancelled=cancelled)
    sky = Script((0, writer), (6, doomed))
    sky.play(engine)
    assert doomed.ended == []
    assert asked < 260
    assert writer.answers() == expected


def test_out_of_memory_in_a_batch_ends_all_and_leaves_nothing_behind(
    engine: LlmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.load(change(GREEDY, parallel=2))
    expected = alone(engine, [STORY])
    sky = Script((0, job()), (0, person()), then={6: lambda: monkeypatch.setattr("llama_cpp.llama_decode", no_memory)})
    with pytest.raises(OutOfMemory, match="no room to compute"):
        sky.play(engine)
    monkeypatch.undo()
    engine.fly(Sky())
    again = Orders([STORY], deterministic=False)
    engine.fly(Sky(again))
    assert again.answers() == expected
    assert again.results[0].cached_tokens == 0


def no_memory(context: object, batch: object) -> int:
    """What the library answers then."""
    return -2


# ── changes at once ───────────────────────────────────────────────────────────────────────────────────────


def test_a_change_reaches_an_answer_that_is_being_written(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, seed=5))
    expected = alone(engine, [STORY])[0]
    wild = change(GREEDY, seed=5, temperature=5.0, top_k=0, top_p=1.0, min_p=0.0, threads=2)
    flight = Orders([STORY], deterministic=False)
    Script((0, flight), then={8: lambda: engine.apply(wild)}).play(engine)
    changed = flight.answers()[0]
    assert changed != expected
    assert changed[:12] == expected[:12]
    engine.apply(change(GREEDY, seed=5))
    shorter = Orders([STORY], deterministic=False)
    Script((0, shorter), then={8: lambda: engine.apply(change(GREEDY, max_tokens=10))}).play(engine)
    assert shorter.results[0].tokens == 10


def test_a_request_s_own_values_outlast_a_change(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, temperature=1.0))
    fixed = {**STORY, "temperature": 0, "max_tokens": 30}
    expected = alone(engine, [fixed])
    flight = Orders([fixed], deterministic=False)
    Script((0, flight), then={5: lambda: engine.apply(change(GREEDY, temperature=5.0, max_tokens=6))}).play(engine)
    assert flight.answers() == expected


def test_a_change_does_not_reach_what_must_repeat_to_the_byte(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=2))
    undisturbed = Orders(questions(4))
    engine.fly(Sky(undisturbed))
    flight = Orders(questions(4))
    Script((0, flight), then={5: lambda: engine.apply(change(GREEDY, parallel=2, temperature=5.0))}).play(engine)
    assert flight.answers() == undisturbed.answers()


def test_penalties_remember_what_was_written_before_a_change(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    batching = engine._ready()._batching
    written: list[int] = []

    def look() -> None:
        (lane,) = batching._running
        written.extend(lane.tokens[len(lane.asked.prompt) :])

    penal = change(GREEDY, repeat_penalty=10.0)
    flight = Orders([STORY], deterministic=False)
    Script((0, flight), then={20: lambda: engine.apply(penal), 26: look}).play(engine)
    assert not {*written[:20]} & {*written[20:]}


# ── places in the batch ───────────────────────────────────────────────────────────────────────────────────


def test_units_move_together_when_others_have_left(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=4, prompt_cache=0))
    lengths = [30, 4, 30, 4]
    requests = [{**q, "max_tokens": n} for q, n in zip(questions(4), lengths, strict=True)]
    expected = alone(engine, requests)
    flight = Orders(requests, deterministic=False)
    seen: set[tuple[int, ...]] = set()
    batching = engine._ready()._batching
    Script(
        (0, flight),
        then={at: lambda: seen.add(tuple(lane.sequence for lane in batching._lanes)) for at in range(40)},
    ).play(engine)
    assert flight.answers() == expected
    assert (0, 1) in seen
    assert not any(lanes and lanes[-1] - lanes[0] >= len(lanes) for lanes in seen)
