"""Conversations through a model's template, and what happens with none or a bad one."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from engines.contract import CannotLoad
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
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
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


# ── a template of the operator's ──────────────────────────────────────────────────────────────────────────

OWN = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"


def test_a_template_is_given_as_text_or_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "own.jinja"
    file.write_text(OWN)
    for wanted in (OWN, str(file)):
        assert Chat.through(wanted, "<s>", "</s>").prompt(TURNS) == "<system>Be brief.<user>Hello"


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("{% for %}", "no Jinja template: "),
        ("{{ messages[7].content }}", "refuses a plain question: "),
        ("{{ raise_exception('never') }}", "says: never"),
        ("{{ 'Once upon a time' }}", "leaves out what the user says"),
        ("/nowhere/own.jinja", "/nowhere/own.jinja: No such file"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_before_any_unit_meets_it(wanted: str, why: str) -> None:
    with pytest.raises(CannotLoad, match=why) as raised:
        Chat.through(wanted, "", "")
    assert raised.value.problem.title == "Bad chat template"
    assert "nothing for the model's own" in raised.value.problem.hint


def test_a_file_that_is_no_text_is_no_template(tmp_path: Path) -> None:
    file = tmp_path / "own.jinja"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(CannotLoad, match="no text in UTF-8"):
        Chat.through(str(file), "", "")
