"""Conversations through a model's template, and what happens with none or a bad one."""

from __future__ import annotations

import logging

import pytest

from engines.llm.chat import Chat
from engines.llm.request import Message
from ipc.errors import RequestFailed

TURNS = (Message("system", "Be brief."), Message("user", "Hello"))


def test_template_is_followed_to_the_letter() -> None:
    chat = Chat(
        "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}]{{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}",
        "<s>",
        "</s>",
    )
    assert chat.prompt(TURNS) == "<s>[system]Be brief.\n[user]Hello\n[assistant]"


def test_without_template_a_prompt_is_itself() -> None:
    assert Chat(None, "", "").prompt(TURNS[1:]) == "Hello"


def test_without_template_turns_are_written_plainly() -> None:
    assert Chat(None, "", "").prompt(TURNS) == "system: Be brief.\n\nuser: Hello\n\nassistant:"


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no system role') }}",
        "{{ messages[7]['role'] + 1 }}",
        "{{ 1 / 0 }}",
        "{{ ''.__class__.mro() }}",
    ],
)
def test_refusal_of_a_template_is_the_unit_s_problem(template: str) -> None:
    with pytest.raises(RequestFailed) as raised:
        Chat(template, "", "").prompt(TURNS)
    assert raised.value.problem.title == "Conversation refused"


def test_unreadable_template_is_said_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        chat = Chat("{% for %}", "", "")
    assert "template" in caplog.text
    assert chat.prompt(TURNS[1:]) == "Hello"
