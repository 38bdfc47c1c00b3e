"""Answers that keep to a grammar or a schema: the real library, the miniature, and dice that are as wild as can be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import jsonschema
import msgspec
import pytest
from flying_kit import Heard, Sky
from llm_recorders import Orders, questions
from llm_sky import Script

from engines.llm.engine import LlmEngine, create
from engines.llm.settings import LlmSettings

WILD = LlmSettings(
    temperature=1.5,
    top_k=0,
    top_p=1.0,
    min_p=0.0,
    max_tokens=1500,
    n_ctx=2048,
    parallel=8,
    type_k="q8_0",
    type_v="q8_0",
)
SEEDS = 50


@pytest.fixture(scope="module")
def engine() -> Iterator[LlmEngine]:
    engine = create(Heard())
    engine.load(WILD)
    yield engine
    engine.close()


def ask(engine: LlmEngine, *requests: dict[str, Any], deterministic: bool = True) -> Orders:
    flight = Orders(requests, deterministic=deterministic)
    engine.fly(Sky(flight))
    return flight


def seeded(count: int = SEEDS, **more: Any) -> list[dict[str, Any]]:
    return [{"prompt": "Tell me a short story.", "seed": seed, **more} for seed in range(count)]


def answers(engine: LlmEngine, schema: Any, count: int = SEEDS) -> list[Any]:
    """All that ended of themselves, read as JSON; those that a limit cut are few."""
    flight = ask(engine, *seeded(count, json_schema=schema))
    assert not flight.problems
    ended = [result.answer for result in flight.results.values() if result.finish == "stop"]
    assert len(ended) >= 0.9 * count
    read = [json.loads(text) for text in ended]
    for one in read:
        jsonschema.validate(one, schema)
    return read


# ── schemas ───────────────────────────────────────────────────────────────────────────────────────────────

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "the \"age\"\\": {"type": "integer", "minimum": 0, "maximum": 120},
        "tags": {"type": "array", "items": {"enum": ["a", 'b "q" \\', "ü", None, 1.5]}, "minItems": 1, "maxItems": 3},
        "score": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        "kind": {"const": {"of": ["person"]}},
        "mail": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["the \"age\"\\", "kind"],
}  # fmt: skip


@pytest.mark.parametrize("schema", [True, {}], ids=str)
def test_any_json_parses_whatever_the_dice_say(engine: LlmEngine, schema: Any) -> None:
    assert len({type(one) for one in answers(engine, schema)}) > 1


def test_objects_are_as_the_schema_says_whatever_the_dice_say(engine: LlmEngine) -> None:
    read = answers(engine, PERSON)
    order = list(PERSON["properties"])
    for one in read:
        assert list(one) == [name for name in order if name in one]
    assert len({tuple(one) for one in read}) > 3, "what is not required comes and goes"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "boolean"}, "c": {"enum": [1, 2]}}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "required": ["b"], "additionalProperties": {"type": "boolean"}},
        {"type": "object", "additionalProperties": False},
        {"type": ["integer", "null", "array"], "minimum": 10, "maxItems": 0},
        {"type": "array", "items": {"type": "array", "maxItems": 2, "items": {"type": "boolean"}}, "minItems": 2},
        {"type": "array", "prefixItems": [{"type": "boolean"}, {"type": "null"}], "items": {"const": 1}, "minItems": 4},
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "array",
            "items": [{"type": "boolean"}, {"type": "integer"}],
            "additionalItems": False,
        },
        {"type": "string", "minLength": 3, "maxLength": 3000},
        {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "boolean"}]},
        {"properties": {"n": {"type": "integer"}}, "anyOf": [{"required": ["n"]}, {"properties": {"m": {"const": 1}}}]},
        {
            "allOf": [
                {"$ref": "#/$defs/named"},
                {"properties": {"n": {"type": "number", "maximum": 5}}, "required": ["n"]},
                {"properties": {"n": {"type": "integer", "minimum": -5}}},
            ],
            "$defs": {"named": {"type": "object", "properties": {"name": {"enum": ["x", "y"]}}, "required": ["name"]}},
        },
    ],
    ids=str,
)
def test_each_way_to_say_it_is_kept_to(engine: LlmEngine, schema: Any) -> None:
    answers(engine, schema, 10)


def test_a_schema_may_refer_to_itself(engine: LlmEngine) -> None:
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "leaf": {"type": "boolean"},
                    "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["leaf", "left"],
            }
        },
    }
    assert any(one["left"] for one in answers(engine, tree, 30))


def test_dates_and_identifiers_are_real_ones(engine: LlmEngine) -> None:
    formats = ("date", "date-time", "uuid", "time")
    schema = {
        "type": "object",
        "properties": {name: {"type": "string", "format": name} for name in formats},
        "required": list(formats),
    }
    for one in answers(engine, schema, 20):
        date.fromisoformat(one["date"])
        datetime.fromisoformat(one["date-time"])
        UUID(one["uuid"])


# ── grammars ──────────────────────────────────────────────────────────────────────────────────────────────


def test_answers_keep_to_a_grammar_whatever_the_dice_say(engine: LlmEngine) -> None:
    flight = ask(engine, *seeded(grammar='root ::= "yes" | "no" | [a-f]{2,4} "!"'))
    said = flight.answers()
    assert len(said) == SEEDS
    assert all(re.fullmatch(r"yes|no|[a-f]{2,4}!", one) for one in said)
    assert len(set(said)) > 5


def test_a_token_is_two_characters_of_a_grammar_where_it_fits(engine: LlmEngine) -> None:
    done = ask(engine, {"prompt": "What is a token?", "grammar": "root ::= .+", "temperature": 0}).results[0]
    plain = ask(engine, {"prompt": "What is a token?", "temperature": 0}).results[0]
    assert (done.answer, done.tokens) == (plain.answer, plain.tokens)


def test_the_same_seed_repeats_a_grammar_s_answer(engine: LlmEngine) -> None:
    once, again = (ask(engine, *seeded(10, json_schema=PERSON)).answers() for _ in range(2))
    assert once == again


def test_settings_that_change_in_the_middle_of_an_answer_leave_it_to_its_grammar(engine: LlmEngine) -> None:
    schema = {"type": "object", "properties": {"list": {"type": "array", "items": {"type": "integer"}, "minItems": 20}}}
    flight = Orders(seeded(4, json_schema={**schema, "required": ["list"]}), deterministic=False)
    changes = [msgspec.structs.replace(WILD, temperature=heat) for heat in (0.5, 3.0)]
    then: dict[int, Callable[[], object]] = {
        9 + 7 * at: partial(engine.apply, change) for at, change in enumerate([*changes, WILD])
    }
    Script((0, flight), then=then).play(engine)
    ended = [result for result in flight.results.values() if result.finish == "stop"]
    assert ended
    assert all(result.tokens > 23 for result in ended), "they were at work when the last change came"
    for result in ended:
        jsonschema.validate(json.loads(result.answer), schema)


def test_penalties_count_beside_a_grammar(engine: LlmEngine) -> None:
    same = {"prompt": "Hello", "grammar": "root ::= [a-z]{12}", "temperature": 0, "top_k": 40}
    flight = ask(engine, same, {**same, "presence_penalty": 2.0, "frequency_penalty": 2.0, "repeat_penalty": 5.0})
    plain, varied = flight.answers()
    assert re.fullmatch("[a-z]{12}", varied)
    assert varied != plain


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_bad_grammar_fails_its_unit_alone(
    engine: LlmEngine, capfd: pytest.CaptureFixture[str], deterministic: bool
) -> None:
    bad = ["root ::= nothing", 'x ::= "a"', "root ::= root", " ", 'root ::= "a', 'root ::= "a"{3,1}', "root ::= ("]
    refused = ({"prompt": "Hello", "grammar": text} for text in bad)
    flight = ask(engine, *refused, *questions(3, temperature=0), deterministic=deterministic)
    assert sorted(flight.problems) == list(range(len(bad)))
    assert {problem.title for problem in flight.problems.values()} == {"Bad grammar"}
    assert "the engine's log says where" in flight.problems[0].detail
    assert "Undefined rule identifier 'nothing'" in capfd.readouterr().err
    assert "does not contain a 'root' symbol" in flight.problems[1].detail
    assert "left recursion" in flight.problems[2].detail
    assert all(flight.results[index].finish == "stop" for index in range(len(bad), len(bad) + 3))


def test_a_schema_that_is_too_large_for_the_library_is_told_in_its_own_words(engine: LlmEngine) -> None:
    schema: dict[str, Any] = {"type": "string", "maxLength": 2000}
    for most in (10, 1000, 2000):
        schema = {"type": "array", "maxItems": most, "items": schema}
    problem = ask(engine, {"prompt": "Hello", "json_schema": schema}).problems[0]
    assert (problem.title, problem.detail) == (
        "Bad schema",
        "The JSON schema cannot be used: its grammar is too large.",
    )
    assert "`maxItems` and `maxLength`" in problem.hint


@pytest.mark.parametrize("temperature", [0, 1.5])
def test_a_grammar_that_leads_nowhere_fails_its_unit_alone(engine: LlmEngine, temperature: float) -> None:
    stuck = {"prompt": "Hello", "grammar": 'root ::= "a" [z-a]', "temperature": temperature}
    flight = ask(engine, stuck, *questions(2, temperature=0))
    assert flight.problems[0].title == "Grammar led nowhere"
    assert [flight.results[index].finish for index in (1, 2)] == ["stop", "stop"]


def test_what_a_limit_cuts_says_so(engine: LlmEngine) -> None:
    done = ask(
        engine, {"prompt": "Hello", "json_schema": {"type": "string", "minLength": 100}, "max_tokens": 5}
    ).results[0]
    assert (done.finish, done.tokens) == ("length", 5)
    with pytest.raises(json.JSONDecodeError):
        json.loads(done.answer)
