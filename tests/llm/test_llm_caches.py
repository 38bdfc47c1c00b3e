"""Prompts are read once: shared system messages, the next turn of a chat, and what must not be used again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flying_kit import Heard, Sky
from llm_odd_models import recurrent, windowed
from llm_recorders import Orders, questions
from llm_sky import Script, counted, read

from engines.llm.context import Context
from engines.llm.engine import LlmEngine, create
from engines.llm.settings import LlmSettings

GREEDY = LlmSettings(temperature=0.0, max_tokens=24, n_ctx=1024)
SYSTEM = "You are a patient teacher. You answer in plain and short words, and you never guess. " * 6


@pytest.fixture
def engine() -> Iterator[LlmEngine]:
    engine = create(Heard())
    yield engine
    engine.close()


def change(settings: LlmSettings, **more: Any) -> LlmSettings:
    return msgspec.structs.replace(settings, **more)


def under(system: str, question: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in question.items() if key != "prompt"}
    turns = [{"role": "system", "content": system}, {"role": "user", "content": question["prompt"]}]
    return {"messages": turns, **rest}


def job(requests: list[dict[str, Any]]) -> Orders:
    return Orders(requests, deterministic=False)


def person(engine: LlmEngine, turns: list[tuple[str, str]], **more: Any) -> tuple[str, int, int]:
    """The answer, the tokens of the prompt, and how many of them were not computed."""
    messages = [{"role": role, "content": content} for role, content in turns]
    flight = Orders([{"messages": messages, **more}], stream=True, deterministic=False)
    engine.fly(Sky(flight))
    done = flight.results[0]
    return done.answer, done.prompt_tokens, done.cached_tokens


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_shared_system_message_is_computed_once(engine: LlmEngine, parallel: int) -> None:
    requests = [under(SYSTEM, question) for question in questions(7)]
    engine.load(change(GREEDY, parallel=parallel, n_ctx=512))
    engine.fly(Sky(expected := Orders(requests)))
    engine.apply(change(GREEDY, parallel=parallel))
    flight = job(requests)
    with counted() as stretches:
        engine.fly(Sky(flight))
    prompts = [flight.results[at].prompt_tokens for at in range(7)]
    first, shared, *_ = sorted(flight.results[at].cached_tokens for at in range(7))
    assert (first, shared > 100) == (0, True)
    assert read(stretches) <= sum(prompts) - 6 * shared
    assert flight.answers() == expected.answers()


def test_without_room_each_computes_its_own_at_the_same_time(engine: LlmEngine) -> None:
    requests = [under(SYSTEM, question) for question in questions(3)]
    engine.load(change(GREEDY, parallel=3, prompt_cache=0))
    sky = Script((0, flight := job(requests)))
    sky.play(engine)
    assert [flight.results[at].cached_tokens for at in range(3)] == [0, 0, 0]
    first = [flight.results[at].ttft_seconds or 0 for at in range(3)]
    assert max(first) - min(first) < 0.5 * max(first)


def test_a_system_message_too_large_for_the_room_keeps_nobody_waiting(
    engine: LlmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.llm.loaded.prompt_cache_bytes", lambda header, settings: 1000)
    requests = [under(SYSTEM, question) for question in questions(6)]
    engine.load(change(GREEDY, parallel=3))
    sky = Script((0, job([{**request, "max_tokens": 1} for request in requests[:3]])))
    sky.play(engine)
    assert sky.step <= 3
    engine.fly(Sky(flight := job(requests)))
    engine.fly(Sky(expected := Orders(requests)))
    assert flight.answers() == expected.answers()


def test_the_one_who_computes_for_the_others_is_cancelled(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=2, n_batch=16))
    stopped = False
    doomed = Orders([under(SYSTEM, questions(1)[0])], deterministic=False, cancelled=lambda: stopped)

    def stop() -> None:
        nonlocal stopped
        stopped = True

    other = job([under(SYSTEM, questions(2)[1])])
    Script((0, doomed), (1, other), then={4: stop}).play(engine)
    assert doomed.ended == []
    engine.fly(Sky(expected := Orders([under(SYSTEM, questions(2)[1])])))
    assert other.answers() == expected.answers()


def test_the_next_turn_of_a_chat_goes_on_from_the_last(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, prompt_cache=0))
    turns = [("system", SYSTEM), ("user", "What is a token?")]
    answer, before, cached = person(engine, turns)
    assert cached == 0
    turns += [("assistant", answer), ("user", "Why do we batch requests?")]
    again, after, cached = person(engine, turns)
    assert before <= cached < after
    engine.apply(change(GREEDY, n_ctx=900, prompt_cache=0))
    assert person(engine, turns)[::2] == (again, 0)


def test_a_chat_outlives_the_job_that_took_its_sequence(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    turns = [("system", SYSTEM), ("user", "What is a token?")]
    answer, before, _ = person(engine, turns)
    engine.fly(Sky(job(questions(3))))
    turns += [("assistant", answer), ("user", "Why do we batch requests?")]
    assert person(engine, turns)[2] >= before


def test_two_chats_keep_a_sequence_each(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=2, prompt_cache=0))
    chats = [[("system", SYSTEM + name), ("user", "What is a token?")] for name in ("You are Ada.", "You are Bob.")]
    for turns in chats:
        turns.append(("assistant", person(engine, turns)[0]))
    for turns in chats:
        _, prompt, cached = person(engine, [*turns, ("user", "Who are you?")])
        assert cached > 0.8 * prompt


def test_after_an_edit_only_what_is_the_same_is_used(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, prompt_cache=0))
    person(engine, [("system", SYSTEM), ("user", "What is a token?")])
    asked = [("system", SYSTEM), ("user", "Explain the KV cache.")]
    changed, _, cached = person(engine, asked)
    assert cached > 100
    engine.apply(change(GREEDY, n_ctx=900, prompt_cache=0))
    assert person(engine, asked)[0] == changed


def test_a_cancelled_answer_leaves_nothing_wrong_behind(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, n_batch=32))
    stopped = False
    request = under(SYSTEM, questions(1)[0])
    doomed = Orders([request], stream=True, deterministic=False, cancelled=lambda: stopped)

    def stop() -> None:
        nonlocal stopped
        stopped = True

    for step in (2, 9):
        stopped = False
        Script((0, doomed), then={step: stop}).play(engine)
    engine.fly(Sky(flight := Orders([request], deterministic=False)))
    engine.fly(Sky(expected := Orders([request])))
    assert flight.results[0].cached_tokens > 0
    assert flight.answers() == expected.answers()


@pytest.mark.parametrize("model", [recurrent, windowed])
def test_models_that_cannot_go_back_use_whole_caches(
    engine: LlmEngine, tmp_path: Path, model: Callable[[Path], Path]
) -> None:
    engine.load(change(GREEDY, model=str(model(tmp_path / "model.gguf")), parallel=3, n_ctx=512))
    requests = [under(SYSTEM, question) for question in questions(7)]
    engine.fly(Sky(expected := Orders(requests)))
    engine.apply(change(GREEDY, model=str(tmp_path / "model.gguf"), parallel=3))
    flight, ask = job(requests), Orders(requests[:1], stream=True, deterministic=False)
    Script((0, flight), (6, ask)).play(engine)
    assert flight.answers() == expected.answers()
    assert ask.answers() == expected.answers()[:1]
    assert sum(flight.results[at].cached_tokens > 100 for at in range(7)) == 6


def test_where_a_cache_cannot_be_cut_all_is_computed(engine: LlmEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.load(change(GREEDY, prompt_cache=0))
    asked = [("system", SYSTEM), ("user", "What is a token?")]
    expected = person(engine, asked)

    def refuse(self: Context, sequence: int, count: int) -> bool:
        self.forget(sequence)
        return False

    monkeypatch.setattr(Context, "cut", refuse)
    assert person(engine, asked) == expected


def test_a_change_of_the_room_applies_at_once(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=2))
    engine.fly(Sky(job([under(SYSTEM, questions(1)[0])])))
    prefixes = engine._ready()._caches.prefixes
    assert prefixes.bytes > 0
    engine.apply(change(GREEDY, parallel=2, prompt_cache=0))
    assert prefixes.bytes == 0


def test_a_system_prompt_of_the_engine_stands_where_a_request_has_none(engine: LlmEngine) -> None:
    own = under("Be brief.", questions(1)[0])
    engine.load(change(GREEDY, n_ctx=512))
    engine.fly(Sky(expected := Orders([under(SYSTEM, questions(1)[0]), own])))
    engine.apply(change(GREEDY, n_ctx=512, system_prompt=SYSTEM))
    engine.fly(Sky(flight := Orders([questions(1)[0], own])))
    assert flight.answers() == expected.answers()
    assert flight.results[0].prompt_tokens == expected.results[0].prompt_tokens > flight.results[1].prompt_tokens
