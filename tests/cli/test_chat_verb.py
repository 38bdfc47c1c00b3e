"""`chat` before a scripted supervisor: what it sends, what stdout holds, a connection that ctrl+c does not touch."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pexpect
import pytest
from msgspec.structs import replace
from scripted_supervisor import ENGINE, ENGINES, Script, listening

from cli import chat_words
from ipc import control
from ipc.chat.conversation import Conversation
from ipc.control import Answered
from ipc.feeding import Fed
from ipc.states import Loading, Ready

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]
ROOT = Path(__file__).parents[2]

SSH = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift 2
echo once >> "$0.times"
exec "$@"
"""


def requests(script: Script) -> list[dict[str, Any]]:
    """What each request said."""
    return [json.loads(one.payload) for one in script.asked if isinstance(one, control.Ask)]


async def test_a_line_in_is_a_message_and_its_answer_a_line_out(script: Script, run_process: Run) -> None:
    options = ("--system", "Be brief.", "--max-tokens", "9", "--temperature", "0.5")
    ran = await run_process("chat", "writer", *options, stdin=b"What?\n\n  /clear \nAnd \xff?")
    assert (ran.code, ran.out, ran.err) == (0, "Tokens are pieces.\n" * 3, "")
    last = requests(script)[-1]
    assert (last["max_tokens"], last["temperature"]) == (9, 0.5)
    said = [turn["content"] for turn in last["messages"]]
    assert said == ["Be brief.", "What?", "Tokens are pieces.", "/clear", "Tokens are pieces.", "And �?"]


async def test_what_a_dead_engine_had_said_is_on_stdout(script: Script, run_process: Run) -> None:
    script.died = True
    ran = await run_process("chat", "writer", stdin=b"What?\nAnd?\n")
    assert (ran.code, ran.out) == (6, "Tokens are \nTokens are \n")
    assert ran.err.count("Engine died: writer is gone.\n  Ask again.\n") == 2


async def test_a_refused_message_does_not_end_the_others(script: Script, run_process: Run) -> None:
    script.fails = control.Ask
    ran = await run_process("chat", "writer", stdin=b"What?\nAnd?\n")
    assert (ran.code, ran.out, ran.err.count("Unknown engine")) == (1, "\n\n", 2)


async def test_an_engine_of_another_kind_is_refused(script: Script, run_process: Run) -> None:
    script.engines = (*ENGINES, replace(ENGINE, name="mic", kind="stt"))
    ran = await run_process("chat", "mic", stdin=b"What?\n")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        "engineroom: Does not chat: mic is of kind stt, not llm.",
        "  Chat with one of these: writer, ear, scribe, vectors.",
    ]


class Steering(Script):
    """Its answer would steer a terminal."""

    async def items(self, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        if isinstance(command, control.Ask):
            yield control.Piece("Once \x1b[2J upon")
            yield control.Answered('{"answer": "Once \\u001b[2J upon", "finish": "stop"}', 5, 0.1, 0.02)
        else:
            async for item in super().items(command, fed):
                yield item


@pytest.mark.parametrize("terminal", [True, False])
async def test_from_a_pipe_too_a_terminal_is_not_steered(state: Path, tmp_path: Path, terminal: bool) -> None:
    (tmp_path / "asked").write_text("What?\n")
    ours = f"{sys.executable} {ROOT / 'engineroom.py'} chat writer < {tmp_path / 'asked'}"
    async with listening(Steering(state)):
        child = pexpect.spawn("/bin/sh", ["-c", ours if terminal else f"{ours} | od -c"], timeout=30, encoding="utf-8")
        try:
            await anyio.to_thread.run_sync(child.expect, pexpect.EOF)
        finally:
            child.close(force=True)
    if terminal:
        assert child.before == "Once �[2J upon\r\n"
    else:
        assert "033   [   2   J" in str(child.before)


class Endless(Script):
    """The first answer never ends."""

    async def items(self, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        if isinstance(command, control.Ask) and not requests(self):
            self._note(command)
            yield control.Piece("Once upon a \x1b[2J")
            await anyio.sleep_forever()
        async for item in super().items(command, fed):
            yield item


@pytest.fixture
async def endless(state: Path) -> AsyncGenerator[Script]:
    async with listening(Endless(state)) as script:
        yield script


async def test_ctrl_c_stops_the_answer_and_not_the_connection_to_another_host(
    endless: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    ours = f'#!/bin/sh\nexec {sys.executable} {ROOT / "engineroom.py"} "$@"\n'
    for name, text in (("ssh", SSH), ("engineroom", ours)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TERM", "dumb")
    command = [str(ROOT / "engineroom.py"), "--host", "ada@box", "chat", "writer"]
    child = pexpect.spawn(sys.executable, command, timeout=30, encoding="utf-8")

    async def until(text: str) -> None:
        await anyio.to_thread.run_sync(child.expect_exact, text)

    try:
        await until("> ")
        opened = (programs / "ssh.times").read_text()
        child.send("What?\r")
        await until("Once upon a �[2J")
        child.sendintr()
        await until("stopped · ~1 token")
        await until("> ")
        child.send("And?\r")
        await until("Tokens are pieces.")
        await until("> ")
        child.sendeof()
        await anyio.to_thread.run_sync(child.expect, pexpect.EOF)
        assert (programs / "ssh.times").read_text() == opened
    finally:
        child.close(force=True)
    assert child.exitstatus == 0
    assert [turn["content"] for turn in requests(endless)[-1]["messages"]] == ["What?", "Once upon a \x1b[2J", "And?"]


@pytest.mark.parametrize(
    ("brackets", "pasted"), [(True, "\x1b[200~one\r\rtwo\x1b[201~"), (False, "one\r\rtwo")], ids=["GNU", "libedit"]
)
def test_what_is_pasted_is_one_message(brackets: bool, pasted: str) -> None:
    program = f"from cli.chat_keyboard import Keyboard; print(repr(Keyboard(brackets={brackets}).message()))"
    child = pexpect.spawn(sys.executable, ["-c", program], cwd=ROOT, timeout=20, encoding="utf-8")
    child.expect_exact("> ")
    child.send(pasted)
    child.expect("two")
    child.send(" and more\r")
    child.expect_exact(r"'one\n\ntwo and more'")
    child.close()


@pytest.mark.parametrize(
    ("row", "seconds", "told"),
    [
        (None, 9.0, ""),
        (ENGINE, 0.1, ""),
        (replace(ENGINE, state=Ready(1, 1, 0)), 4.0, "writer: ready · 4.0 s"),
        (replace(ENGINE, state=Loading(1, 0.62)), 1.0, "writer: loading 62 %"),
        (replace(ENGINE, hold="heat: 92 °C, resumes at 82"), 1.0, "writer: ready · 2 in flight · held · heat: 92 °C"),
    ],
)
def test_what_an_answer_waits_for(row: Any, seconds: float, told: str) -> None:
    assert chat_words.waiting("writer", row, seconds).startswith(told)
    assert bool(chat_words.waiting("writer", row, seconds)) == bool(told)


def test_what_is_said_after_an_answer() -> None:
    conversation = Conversation()
    exchange = conversation.ask("What?")
    conversation.answered(Answered('{"answer": "So.", "finish": "length"}', 23, 0.1, 0.04))
    said = chat_words.summary(exchange, conversation)
    assert said == "cut off · 23 tokens · 230 tok/s · first after 40 ms · in all 1 message, 23 tokens"
    exchange = conversation.ask("And?")
    conversation.add("It")
    conversation.stop()
    assert chat_words.summary(exchange, conversation) == "stopped · ~1 token · in all 2 messages, ~24 tokens"
    assert chat_words.dropped(1).startswith("The context is full. The oldest question and its answer are")
    assert chat_words.dropped(2).startswith("The context is full. The oldest 2 questions and answers are")
