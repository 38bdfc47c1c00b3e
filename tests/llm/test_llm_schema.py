"""JSON schemas as grammars: numbers within bounds to the digit, and a sentence for whatever a grammar cannot say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engines.llm.digits import integers, numbers
from engines.llm.schema import to_gbnf
from ipc.errors import RequestFailed

_PIECE = re.compile(r'"(?:\\.|[^"])*"|\[[^\]]*\]|\{[^}]*\}|[()|?*+]')


def matches(expression: str, text: str) -> bool:
    """Whether an expression without names of rules, read as a regular expression, is all of the text."""
    pieces = [re.escape(piece[1:-1]) if piece[0] == '"' else piece for piece in _PIECE.findall(expression)]
    return re.fullmatch("".join(pieces), text) is not None


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────

BOUND = st.integers(-12_000, 12_000)


@given(BOUND, st.integers(0, 3000), st.lists(st.integers(-13_000, 13_000), max_size=20))
def test_whole_numbers_are_those_within_the_bounds(low: int, width: int, others: list[int]) -> None:
    high = low + width
    expression = integers(low, high)
    for number in (low - 1, low, low + 1, high - 1, high, high + 1, 0, *others):
        assert matches(expression, str(number)) is (low <= number <= high), number


@given(BOUND, st.integers(0, 300), st.booleans(), st.booleans(), st.lists(st.floats(-13_000, 13_000), max_size=20))
def test_fractions_are_those_within_the_bounds(
    low: int, width: int, above: bool, below: bool, others: list[float]
) -> None:
    high = low + width
    assume(width or not (above or below))
    expression = numbers(low, high, above=above, below=below)
    edges = [edge + step for edge in (low, high) for step in (-1, -0.5, -0.001, 0, 0.001, 0.5, 1)]
    for number in (*edges, 0.0, *(round(other, 3) + 0.0 for other in others)):  # no number is written -0.0
        inside = (number > low if above else number >= low) and (number < high if below else number <= high)
        assert matches(expression, str(number)) is inside, number


@pytest.mark.parametrize(
    ("low", "high", "inside", "outside"),
    [
        (0, None, "0 9 10 99 123456789", "-1 01"),
        (None, 5, "5 0 -1 -99999", "6 10"),
        (17, None, "17 20 99 100 4000", "16 9 0 -17"),
        (None, -3, "-3 -4 -10", "-2 0 3"),
    ],
)
def test_a_bound_may_be_missing(low: int | None, high: int | None, inside: str, outside: str) -> None:
    expression = integers(low, high)
    assert [text for text in inside.split() if not matches(expression, text)] == []
    assert [text for text in outside.split() if matches(expression, text)] == []


def test_bounds_of_a_whole_number_are_rounded_towards_it() -> None:
    within = {"type": "integer", "minimum": -2.5, "exclusiveMinimum": -4, "maximum": 3.5, "exclusiveMaximum": 3}
    expression = to_gbnf(json.dumps(within)).removeprefix("root ::= ")
    assert [number for number in range(-6, 7) if matches(expression, str(number))] == [-2, -1, 0, 1, 2]


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (False, "`false` allows nothing"),
        ("text", '"text" is no schema'),
        ([], r"\[\] is no schema"),
        ({"type": "text"}, '"text" is no type'),
        ({"type": []}, r"\[\] is no type"),
        ({"pattern": "^a+$"}, "`pattern` is more than a grammar can say"),
        ({"items": {"properties": {"a": {"not": {}}}}}, "`not` is more"),
        ({"type": "array", "uniqueItems": True}, "`uniqueItems` is more"),
        ({"type": "integer", "multipleOf": 5}, "`multipleOf` is more"),
        ({"enum": []}, "`enum` is no list of anything"),
        ({"enum": "a"}, "`enum` is no list"),
        ({"anyOf": []}, "`anyOf` is no list"),
        ({"properties": 5}, "`properties` is no object"),
        ({"properties": {"a": False}}, "`false` allows nothing"),
        ({"required": [5]}, "`required` is no list of names"),
        ({"required": ["a"], "additionalProperties": False}, "`false` allows nothing"),
        ({"prefixItems": 5}, "`prefixItems` is no list"),
        ({"items": False, "minItems": 1}, "`minItems` is more than it has items"),
        ({"minItems": -1}, "`minItems` is no whole number"),
        ({"minItems": True}, "`minItems` is no whole number"),
        ({"maxLength": "a"}, "`maxLength` is no whole number"),
        ({"minLength": 3, "maxLength": 2}, "`maxLength` is less than `minLength`"),
        ({"minLength": 2001}, "`minLength` is more than 2000"),
        ({"type": "integer", "minimum": 3, "exclusiveMaximum": 3}, "no number lies within its bounds"),
        ({"type": "integer", "minimum": 0.2, "maximum": 0.8}, "no number lies"),
        ({"type": "number", "minimum": 5, "maximum": 3}, "no number lies"),
        ({"type": "number", "minimum": 0.5}, "`minimum` of a number with fractions has to be whole"),
        ({"type": "number", "minimum": 1e16}, "at most 16 digits"),
        ({"type": "integer", "exclusiveMinimum": True}, "`exclusiveMinimum` is no number"),
        ({"$ref": "https://example.org/a.json"}, "lies elsewhere"),
        ({"$ref": "#/$defs/a"}, "leads nowhere"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a", "minItems": 1}}}, "without an end"),
        ({"allOf": [{"$ref": "#"}]}, "without an end"),
        ({"allOf": [{"type": "integer"}, {"type": "string"}]}, "no `type` in common"),
        ({"allOf": [{"format": "date"}, {"format": "time"}]}, "two different `format`"),
        (
            {"allOf": [{"properties": {"a": {}}, "additionalProperties": False}, {"properties": {"b": {}}}]},
            "`additionalProperties` forbids",
        ),
        ({"allOf": [{"minimum": 1}, {"minimum": "a"}]}, "`minimum` is of the wrong kind"),
    ],
)
def test_what_a_grammar_cannot_say_is_refused(schema: Any, why: str) -> None:
    with pytest.raises(RequestFailed, match=why) as raised:
        to_gbnf(json.dumps(schema))
    assert raised.value.problem.title == "Bad schema"
    assert raised.value.problem.hint


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"items": ' * 70 + "{}" + "}" * 70, "too deeply"),
        ('{"items": ' * 5000 + "{}" + "}" * 5000, "too deeply"),
        ('{"const": 1e999}', "infinite"),
        ('{"const": ' + "1" * 5000 + "}", "cannot be read"),
        ('{"const": "' + "a" * 140_000 + '"}', "its grammar is too large"),
    ],
)
def test_a_schema_out_of_all_measure_is_refused(text: str, why: str) -> None:
    with pytest.raises(RequestFailed, match=why):
        to_gbnf(text)
    with pytest.raises(RequestFailed, match=why):
        to_gbnf(text)


def test_a_schema_may_have_hundreds_of_properties_that_may_be_left_out() -> None:
    assert to_gbnf(json.dumps({"properties": {f"p{n}": {"type": "string"} for n in range(200)}}))


def test_what_only_describes_is_passed_over() -> None:
    described: dict[str, Any] = {
        "type": "null",
        "title": "Nothing",
        "description": "…",
        "default": None,
        "examples": [1],
        "x-own": {},
    }
    assert to_gbnf(json.dumps(described)) == to_gbnf('{"type": "null"}')


def test_a_schema_that_is_too_large_is_told_in_its_own_words() -> None:
    large = {"properties": {f"p{n}": {"type": "string", "maxLength": 2000} for n in range(600)}}
    with pytest.raises(RequestFailed) as raised:
        to_gbnf(json.dumps(large))
    problem = raised.value.problem
    assert (problem.title, problem.detail) == (
        "Bad schema",
        "The JSON schema cannot be used: its grammar is too large.",
    )
    assert "`maxItems` and `maxLength`" in problem.hint
