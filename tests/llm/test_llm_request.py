"""What is a request and what is not, and that each refusal says why and what to do."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.llm.request import Message, Request, parse
from ipc.errors import RequestFailed


def test_prompt_is_one_user_turn() -> None:
    request = parse('{"id": "p1", "prompt": "Hello", "max_tokens": 5, "stop": "."}')
    assert request.turns() == (Message("user", "Hello"),)
    assert request.stops() == (".",)
    assert request.max_tokens == 5


def test_messages_are_kept_in_order() -> None:
    request = parse('{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}')
    assert [turn.role for turn in request.turns()] == ["system", "user"]


def test_empty_stop_texts_count_for_nothing() -> None:
    assert parse('{"prompt": "a", "stop": ["", "x"]}').stops() == ("x",)
    assert parse('{"prompt": "a", "stop": ""}').stops() == ()


@pytest.mark.parametrize(
    ("line", "title", "words"),
    [
        ("", "Not JSON", "cannot be read"),
        ("{", "Not JSON", "truncated"),
        ('{"prompt": "a"} x', "Not JSON", "trailing"),
        (b'{"prompt": "\xff"}', "Not JSON", "utf-8"),
        ("[]", "Bad request", "Expected `object`"),
        ("{}", "Bad request", "neither"),
        ('{"answer": ""}', "Bad request", "empty"),
        ('{"answer": "a", "max_tokens": 5}', "Bad request", "no line of an earlier job's output"),
        ('{"answer": "a", "prompt": "b"}', "Bad request", "no line of an earlier job's output"),
        ('{"answer": 5}', "Bad request", "no line of an earlier job's output"),
        ('{"tokens": 5}', "Unknown key", "`tokens`"),
        ('{"prompt": null}', "Bad request", "neither"),
        ('{"prompt": ""}', "Bad request", "`.prompt`"),
        ('{"messages": []}', "Bad request", "`.messages`"),
        ('{"prompt": "a", "messages": [{"role": "user", "content": "b"}]}', "Bad request", "both"),
        ('{"messages": [{"role": "robot", "content": "b"}]}', "Bad request", "'robot'"),
        ('{"prompt": 5}', "Bad request", "got `int` at `.prompt`"),
        ('{"prompt": "a", "temperature": 9}', "Bad request", "`.temperature`"),
        ('{"prompt": "a", "max_tokens": 0}', "Bad request", "`.max_tokens`"),
        ('{"prompt": "a", "id": 99999999999999999999}', "Bad request", "`.id`"),
        ('{"promt": "a"}', "Unknown key", "`promt`"),
        ('{"prompt": "a", "presence_penalty": 3}', "Bad request", "`.presence_penalty`"),
        ('{"messages": [{"role": "user", "content": "b"}], "raw": true}', "Bad request", "`raw`"),
        ('{"prompt": "a", "grammar": ""}', "Bad request", "`.grammar`"),
        ('{"prompt": "a", "grammar": "root ::= \\"a\\"{3,1}"}', "Bad grammar", "{3,1}"),
        ('{"prompt": "a", "grammar": "root ::= \\"a\\"", "json_schema": true}', "Bad request", "both"),
        ('{"prompt": "a", "json_schema": 5}', "Bad schema", "5 is no schema"),
        ('{"prompt": "a", "json_schema": {"not": {}}}', "Bad schema", "`not`"),
        ('{"prompt": "a", "json_schema": ' + "[" * 50_000 + "]" * 50_000 + "}", "Bad request", "too deeply"),
        ('{"prompt": ' + "[" * 50_000, "Bad request", "`.prompt`"),
    ],
)
def test_refusals_say_why(line: str | bytes, title: str, words: str) -> None:
    with pytest.raises(RequestFailed) as raised:
        parse(line)
    assert raised.value.problem.title == title
    assert words in raised.value.problem.detail
    assert raised.value.problem.hint


def test_a_line_of_an_earlier_output_asks_with_its_answer() -> None:
    line = '{"id": "p1", "answer": "It is so.", "tokens": 3, "prompt_tokens": 2, "finish": "stop"}'
    assert parse(line) == Request(id="p1", prompt="It is so.")
    assert parse('{"answer": "It is so."}') == Request(prompt="It is so.")


def test_a_line_that_asks_nothing_is_told_what_it_may_have() -> None:
    with pytest.raises(RequestFailed) as raised:
        parse('{"id": "a"}')
    assert "`answer` of an earlier job" in raised.value.problem.hint


@pytest.mark.parametrize("schema", ["true", "{}", '{"type": "integer", "x": 123456789012345678901234567890}'])
def test_a_schema_travels_as_it_was_written(schema: str) -> None:
    line = f'{{"prompt": "a", "json_schema": {schema}}}'
    request = parse(line)
    assert request.gbnf().count("root ::= ") == 1
    assert msgspec.json.encode(request).decode() == line.replace(": ", ":", 1).replace(
        ', "json_schema": ', ',"json_schema":'
    )


def test_no_schema_is_no_grammar() -> None:
    assert parse('{"prompt": "a", "json_schema": null}').gbnf() == ""
    assert parse('{"prompt": "a"}').gbnf() == ""


def test_unknown_key_names_the_nearest() -> None:
    with pytest.raises(RequestFailed) as raised:
        parse('{"prompt": "a", "temprature": 1}')
    assert "`temperature`" in raised.value.problem.hint


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_a_request_or_a_refusal(line: bytes) -> None:
    try:
        request = parse(line)
    except RequestFailed:
        return
    assert request.turns()


@given(
    st.builds(
        Request,
        id=st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(),
        prompt=st.text(min_size=1),
        temperature=st.none() | st.floats(0, 5),
        seed=st.none() | st.integers(0, 2**31 - 1),
        stop=st.none() | st.text(max_size=10) | st.lists(st.text(max_size=10), max_size=3).map(tuple),
    )
)
def test_a_request_survives_its_journey_as_json(request: Request) -> None:
    assert parse(msgspec.json.encode(request)) == request
