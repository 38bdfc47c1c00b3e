"""Chats with a real model, in real terminals: whatever happens to an answer, the next message is taken and answered."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from room_kit import ROOT, Room, open_room, wait_for
from terminal_kit import Terminal

MINIATURE = ROOT / "engines" / "llm" / "miniature" / "miniature-f16.gguf"
NEVER_WRITTEN = (194).to_bytes(4, "little")
"""The token of a byte that no text holds."""
FULL, SHORT = 2000, 12


def endless(folder: Path) -> Path:
    """The miniature without a token that ends an answer: only a limit or the reader does."""
    data = MINIATURE.read_bytes().replace(b"<|end|>", b"<|and|>").replace(b"<|endoftext|>", b"<|andoftext|>")
    for name in (b"tokenizer.ggml.eos_token_id", b"tokenizer.ggml.eot_token_id"):
        value = data.index(name) + len(name) + 4
        data = data[:value] + NEVER_WRITTEN + data[value + 4 :]
    path = folder / "endless.gguf"
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    with open_room() as room:
        model = endless(room.work)
        common = f'kind = "llm"\nmodel = "{model}"\ngpu = "cpu"\ntemperature = 0.0\nmax_tokens = {SHORT}\n'
        room.config = f'[engine.writer]\n{common}[engine.small]\n{common}n_ctx = 128\n[engine.fake]\nkind = "fake"\n'
        room.run("up")
        room.run("start", "writer")
        yield room


def longest(room: Room, tokens: int) -> None:
    """How long answers are from now on."""
    room.json("set", "writer", f"max_tokens={tokens}")


def free(room: Room) -> bool:
    """Whether nothing flies on the engine."""
    return bool(room.engine("writer")["units"] == 0)


def ten_messages(room: Room, chat: Talking, stop: str) -> None:
    """One of them is stopped, one loses its engine, one meets an engine that the operator stopped."""
    for number in range(1, 11):
        long = number in (3, 5)
        if long:
            longest(room, FULL)
        if number == 7:
            room.run("stop", "writer")
        chat.says(f"message {number}")
        if long:
            wait_for(chat.answers, "the first of the answer")
            assert not free(room)
        if number == 3:
            chat.terminal.press(stop)
            chat.ends("stopped · ~")
            wait_for(lambda: free(room), "the engine is free", 2.0)
        elif number == 5:
            os.kill(room.engine("writer")["pid"], signal.SIGKILL)
            chat.ends("Engine died: writer")
            chat.ends("died · ~")
        elif number == 7:
            chat.ends("writer is stopped by the operator: engineroom start writer")
            room.run("start", "writer")
        else:
            chat.ends(f"{SHORT} tokens")
        if long:
            longest(room, SHORT)
        chat.is_alive(f"after message {number}")


class Talking:
    """A chat in a terminal: what stands in the `field`, before a question, and whether a line is of an answer."""

    def __init__(
        self, terminal: Terminal, field: Callable[[], str], mark: str, is_answer: Callable[[str], bool]
    ) -> None:
        self.terminal = terminal
        self._field = field
        self._mark = mark
        self._is_answer = is_answer
        self._asked = ""
        self._seen: set[str] = set()

    def says(self, text: str) -> None:
        """Type a message and send it."""
        self._asked = text
        self.terminal.press(text)
        wait_for(lambda: self._field() == text, f"{text!r} is typed")
        self.terminal.press("\r")

    def answers(self) -> bool:
        """Whether something of the answer is there; a long one pushes its question out of sight."""
        lines = self.terminal.lines()
        asked = [index for index, line in enumerate(lines) if line == f"{self._mark}{self._asked}"]
        if not asked:
            return self._asked in self._seen
        self._seen.add(self._asked)
        return any(map(self._is_answer, lines[asked[-1] + 1 :]))

    def ends(self, told: str) -> None:
        """Wait until the answer to the last message ended so."""
        wait_for(lambda: told in " ".join(self.terminal.lines()[-8:]), told)

    def is_alive(self, when: str) -> None:
        """What is typed stands in the field, and can be taken away."""
        wait_for(lambda: self._field() == "", f"an empty field {when}")
        self.terminal.press("x")
        wait_for(lambda: self._field() == "x", f"the field takes a letter {when}")
        self.terminal.press("\x7f")
        wait_for(lambda: self._field() == "", f"and gives it back {when}")


def test_ten_messages_in_a_terminal(room: Room) -> None:
    terminal = Terminal(room, "chat", "writer", "--system", "Be brief.")

    def field() -> str:
        last = terminal.lines()[-1:]
        return last[0].removeprefix(">").strip() if last and last[0].startswith(">") else "no prompt"

    chat = Talking(terminal, field, "> ", lambda line: line[0].isascii())
    wait_for(lambda: field() == "", "the first prompt")
    ten_messages(room, chat, "\x03")
    terminal.press("half a line")
    wait_for(lambda: field() == "half a line", "a line")
    terminal.press("\x03")
    wait_for(lambda: field() == "", "ctrl+c drops the line and does not leave")
    terminal.press("\x1b[200~one\ntwo\x1b[201~")
    wait_for(lambda: terminal.lines()[-1] == "two", "a paste of two lines is one message")
    terminal.press("\x15/save talk.jsonl\r")
    wait_for(lambda: terminal.shows("Saved to talk.jsonl."), "it is saved")
    assert len((room.work / "talk.jsonl").read_text().splitlines()) == 1 + 10 + 9, "the seventh got no answer"
    terminal.press("\x03")
    wait_for(terminal.ended, "ctrl+c on an empty line leaves")
    assert terminal.exit_code() == 0


def test_ten_messages_in_the_dashboard(room: Room) -> None:
    terminal = Terminal(room)
    wait_for(lambda: terminal.shows("c chat"), "the first frame")
    terminal.press("c")

    def field() -> str:
        lines = terminal.lines()
        typed = lines[-2].strip() if len(lines) > 1 and "alt+enter" in lines[-1] else "no field"
        return "" if typed.startswith("A message; enter sends it") else typed

    chat = Talking(terminal, field, " > ", lambda line: line.startswith("   "))
    wait_for(lambda: field() == "", "the chat")
    ten_messages(room, chat, "\x1b")
    assert terminal.shows("10 messages")
    terminal.press("\x1b")
    wait_for(lambda: terminal.shows("q detach"), "esc leaves the chat")
    terminal.press("q")
    wait_for(terminal.ended, "q leaves")


def piped(room: Room, *arguments: str, lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        room.command("chat", *arguments),
        input=lines, capture_output=True, text=True, env=room.environment(), cwd=room.work, timeout=60, check=False,
    )  # fmt: skip


def test_a_conversation_longer_than_the_context_goes_on_through_pipes(room: Room) -> None:
    done = piped(room, "small", "--max-tokens", "20", lines="What is a token?\n\n" * 12)
    assert done.returncode == 0
    assert {line.partition(".")[0] for line in done.stderr.splitlines()} == {"The context is full"}
    assert len(done.stdout.splitlines()) == 12
    assert all(done.stdout.splitlines())


def test_a_message_that_fits_into_no_context_fails_alone(room: Room) -> None:
    done = piped(room, "small", lines=f"Hello\n{'word ' * 300}\nHello\n")
    assert done.returncode == 1
    assert [bool(line) for line in done.stdout.splitlines()] == [True, False, True]
    assert "Prompt too long" in done.stderr


@pytest.mark.parametrize(
    ("engine", "told"),
    [("fake", "fake is of kind fake, not llm.\n  Chat with one of these: writer, small."), ("writr", "'writer'?")],
)
def test_who_cannot_be_talked_with(room: Room, engine: str, told: str) -> None:
    done = piped(room, engine, lines="Hello\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
