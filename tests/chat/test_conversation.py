"""A conversation alone: what is sent, how answers end, what is dropped when the context is full."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.llm.request import parse
from ipc.chat.conversation import Conversation
from ipc.chat.orders import Clear, Help, Leave, Order, Retry, Save, Say, System, order
from ipc.chat.saved import as_markdown, save
from ipc.control import Answered
from ipc.errors import Problem, RequestFailed

WHOLE = Answered('{"answer": "So.", "finish": "stop", "tokens": 2, "prompt_tokens": 4}', 2, 0.1, 0.01)
GONE = Problem("Engine died", "killed by signal 9.", "Ask again.")


def too_long(tokens: int, context: int) -> Problem:
    return Problem("Prompt too long", f"The prompt has {tokens} tokens and the context {context}.", "Shorten it.")


def talked(*pairs: tuple[str, str]) -> Conversation:
    """A conversation of whole exchanges."""
    conversation = Conversation()
    for question, answer in pairs:
        conversation.ask(question)
        conversation.answered(Answered(json.dumps({"answer": answer, "finish": "stop"}), 1, 1.0, None))
    return conversation


def contents(conversation: Conversation) -> list[str]:
    return [message["content"] for message in conversation.messages()]


def test_what_is_sent_is_a_request_of_a_language_model() -> None:
    conversation = talked(("one", "1"))
    conversation.system, conversation.options = "Be brief.", {"max_tokens": 7, "temperature": 0.5}
    conversation.ask("two — ☃")
    request = parse(conversation.payload())
    assert [(turn.role, turn.content) for turn in request.turns()] == [
        *(("system", "Be brief."), ("user", "one"), ("assistant", "1"), ("user", "two — ☃")),
    ]
    assert (request.max_tokens, request.temperature) == (7, 0.5)


def test_an_answer_comes_in_pieces_and_is_measured_at_its_end() -> None:
    conversation = Conversation()
    exchange = conversation.ask("What?")
    conversation.add("So")
    assert (exchange.answer, conversation.open, conversation.tokens, conversation.estimated) == (
        "So",
        exchange,
        1,
        True,
    )
    conversation.answered(WHOLE)
    assert (exchange.answer, exchange.end, exchange.numbers) == ("So.", "whole", WHOLE)
    assert (conversation.open, conversation.tokens, conversation.estimated) == (None, 2, False)
    conversation.add("late")
    assert exchange.answer == "So."


def test_an_answer_that_met_a_limit_is_cut() -> None:
    conversation = Conversation()
    exchange = conversation.ask("What?")
    conversation.answered(Answered('{"answer": "So", "finish": "length"}', 1, 1.0, None))
    assert exchange.end == "cut"


def test_the_text_of_a_stopped_answer_stays_in_the_conversation() -> None:
    conversation = Conversation()
    conversation.ask("one")
    conversation.add("half")
    conversation.stop()
    conversation.ask("two")
    assert contents(conversation) == ["one", "half", "two"]


def test_turns_alternate_whatever_got_no_answer() -> None:
    conversation = Conversation()
    for _ in range(3):
        conversation.ask("unanswered")
        conversation.stop()
    conversation.ask("last")
    assert contents(conversation) == ["last"]


def test_all_that_a_dead_engine_said_is_kept() -> None:
    conversation = Conversation()
    exchange = conversation.ask("one")
    conversation.add("ha")
    conversation.fail(GONE, died="half")
    assert (exchange.answer, exchange.end, exchange.problem) == ("half", "died", GONE)


def test_again_forgets_the_last_answer_only() -> None:
    conversation = talked(("one", "1"), ("two", "2"))
    assert conversation.again() is conversation.open
    assert contents(conversation) == ["one", "1", "two"]
    assert Conversation().again() is None


def test_clear_keeps_the_system_message() -> None:
    conversation = talked(("one", "1"))
    conversation.system = "Be brief."
    conversation.clear()
    conversation.ask("two")
    assert contents(conversation) == ["Be brief.", "two"]


def test_as_many_of_the_oldest_are_dropped_as_leaves_room() -> None:
    conversation = talked(*[(f"{n:05}", "answer") for n in range(100)])
    exchange = conversation.ask("last!")
    assert conversation.shorten(too_long(tokens=2000, context=1000))
    kept = len(conversation.messages()) // 2
    assert exchange.dropped == 100 - kept
    assert 36 <= kept <= 38, "three quarters of the context, which is half of what was sent"
    assert contents(conversation)[0] == f"{exchange.dropped:05}"
    assert conversation.shorten(too_long(tokens=1100, context=1000))
    assert len(conversation.messages()) // 2 < kept, "the estimate was too low: more goes"


def test_without_the_numbers_the_oldest_exchange_is_dropped_and_the_system_message_never() -> None:
    conversation = talked(("one", "1"), ("two", "2"))
    conversation.system = "Be brief."
    conversation.ask("three")
    assert conversation.shorten(Problem("Prompt too long", "It is too long.", ""))
    assert contents(conversation) == ["Be brief.", "two", "2", "three"]


def test_where_nothing_can_be_dropped_it_is_said() -> None:
    conversation = Conversation()
    conversation.ask("much too long")
    assert not conversation.shorten(too_long(9, 4))
    talking = talked(("one", "1"))
    talking.ask("two")
    assert not talking.shorten(GONE), "another refusal is no reason to drop anything"


@given(st.lists(st.tuples(st.text(min_size=1, max_size=9), st.text(max_size=9)), max_size=8), st.integers(2, 99))
def test_dropping_ends(pairs: list[tuple[str, str]], tokens: int) -> None:
    conversation = talked(*pairs)
    conversation.ask("last")
    refusal, rounds = too_long(tokens, tokens - 1), 0
    while conversation.shorten(refusal):
        rounds += 1
        assert rounds <= len(pairs)
    assert contents(conversation) == ["last"]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("  ", None),
        ("hello", Say("hello")),
        (" /clear", Say("/clear")),
        ("/etc/passwd, what is it?", Say("/etc/passwd, what is it?")),
        ("/clear", Clear()),
        ("/retry ", Retry()),
        ("/system Be\nbrief.", System("Be\nbrief.")),
        ("/system", System("")),
        ("/save a b.md", Save("a b.md")),
        ("/save", Help("/save needs the name of a file.")),
        ("/quit", Leave()),
        ("/exit", Leave()),
        ("/help", Help()),
        ("/clera", Help("/clera is not known so. With a space before it, it is a message.")),
        ("/clear all", Help("/clear is not known so. With a space before it, it is a message.")),
    ],
)
def test_orders(typed: str, wanted: Order | None) -> None:
    assert order(typed) == wanted


def test_a_conversation_is_saved_as_lines_for_programs(tmp_path: Path) -> None:
    conversation = talked(("one", "1"), ("zwei – ☃", ""))
    conversation.system = "Be brief."
    save(conversation, "writer", tmp_path / "talk.jsonl", again=False)
    lines = (tmp_path / "talk.jsonl").read_text(encoding="utf-8").splitlines()
    said = [(line["role"], line["content"]) for line in map(json.loads, lines)]
    assert said == [("system", "Be brief."), ("user", "one"), ("assistant", "1"), ("user", "zwei – ☃")]


def test_a_conversation_is_saved_for_people() -> None:
    conversation = talked(("one", "1"))
    conversation.ask("two")
    conversation.add("hal")
    conversation.stop()
    text = as_markdown(conversation, "writer")
    assert text == (
        "# Chat with writer\n\n## You\n\none\n\n## writer\n\n1\n\n## You\n\ntwo\n\n## writer\n\nhal\n\n*(stopped)*\n"
    )


def test_what_is_there_is_not_replaced_unless_it_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "talk.md"
    path.write_text("mine")
    with pytest.raises(RequestFailed) as refused:
        save(talked(), "writer", path, again=False)
    assert (refused.value.problem.title, path.read_text()) == ("File is there", "mine")
    save(talked(), "writer", path, again=True)
    assert path.read_text() == "# Chat with writer\n"
    with pytest.raises(RequestFailed) as lost:
        save(talked(), "writer", tmp_path / "nowhere" / "talk.md", again=False)
    assert "nowhere/talk.md cannot be written: No such file or directory." in lost.value.problem.detail
    assert [one.name for one in tmp_path.iterdir()] == ["talk.md"]
