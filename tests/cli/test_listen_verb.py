"""`listen` as a process before a scripted supervisor: what is fed, what is written where, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import msgspec
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from msgspec.structs import replace
from scripted_supervisor import ENGINE, Script, listening

from ipc import control
from ipc.errors import EngineDied, Problem
from ipc.feeding import Fed
from ipc.hearing import Listened, Live
from ipc.states import Stopped

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]
ROOT = Path(__file__).parents[2]
SOUND = bytes(range(250)) * 64
EAR = replace(ENGINE, name="ears", kind="stt")
LINES = (Live(0.2, "one", " too"), Live(0.4, " two", ended=True), Live(0.5, " three", " four"))
HEARD = Listened("one two three", 0.5, 3, "en", "miniature int8")


class Ears(Script):
    """Says its lines once something was fed, and the answer when that was all."""

    dies = False
    sound = b""
    payload: str

    async def items(self, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        assert isinstance(command, control.Ask)
        self.payload = command.payload
        news = anyio.Event()
        fed.wake = lambda: news.set()
        said, end = False, False
        while not end:
            data, end = fed.fresh() or (b"", False)
            if data:
                fed.drop(len(data))
                fed.grant(len(data))
                self.sound += data
                for line in () if said else LINES:
                    yield control.Piece(msgspec.json.encode(line).decode() + "\n")
                said = True
                if self.dies:
                    raise EngineDied(Problem("Engine died", "ears crashed.", "Ask again."), "{")
            elif not end:
                await news.wait()
                news = anyio.Event()
        yield control.Answered(msgspec.json.encode(HEARD).decode(), 3, 0.1, None)


@pytest.fixture
async def ears(state: Path) -> AsyncGenerator[Ears]:
    script = Ears(state, engines=(EAR, replace(EAR, name="deaf", state=Stopped("operator")), ENGINE))
    async with listening(script):
        yield script


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "engineroom.py"), "listen", *arguments]


async def ran(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    with anyio.fail_after(30):
        return await anyio.run_process(command(*arguments), input=stdin, check=False)


def sound_file(folder: Path) -> str:
    with wave.open(str(folder / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(SOUND)
    return "a.wav"


async def test_a_pipe_gets_only_what_was_committed_as_lines(ears: Ears) -> None:
    done = await ran("ears", "--raw", "--language", "fr", "--hotwords", "Engine Room", stdin=SOUND)
    assert (done.returncode, done.stdout) == (0, b"one two\nthree\n")
    assert done.stderr.decode() == "3 words · 500 ms of sound · en · miniature int8\n"
    assert ears.sound == SOUND
    assert json.loads(ears.payload) == {"language": "fr", "hotwords": "Engine Room"}


async def test_a_file_is_heard_and_json_tells_every_change_and_the_answer(ears: Ears, tmp_path: Path) -> None:
    done = await ran("ears", sound_file(tmp_path), "--fast", "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[:-1] == [{"at": o.at, "commit": o.commit, "guess": o.guess, "ended": o.ended} for o in LINES]
    assert told[-1] == msgspec.to_builtins(HEARD)
    assert (done.returncode, ears.sound) == (0, SOUND)


async def test_a_death_keeps_what_was_committed_and_is_told(ears: Ears) -> None:
    ears.dies = True
    done = await ran("ears", "--raw", stdin=SOUND)
    assert (done.returncode, done.stdout) == (6, b"one two\nthree\n")
    assert done.stderr.decode() == "engineroom: Engine died: ears crashed.\n  Ask again.\n"


async def test_ctrl_c_ends_it_with_what_was_heard(ears: Ears) -> None:
    async with await anyio.open_process(command("ears", "--raw")) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = BufferedByteReceiveStream(process.stdout)
        with anyio.fail_after(30):
            await process.stdin.send(SOUND)
            assert await lines.receive_until(b"\n", 100) == b"one two"
            process.send_signal(signal.SIGINT)
            assert await lines.receive_until(b"\n", 100) == b"three"
            assert await process.wait() == 0


async def test_ctrl_c_leaves_an_engine_that_never_answers(ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = anyio.Event()

    async def deaf(self: Ears, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        heard.set()
        await anyio.sleep_forever()
        yield control.Piece("")

    monkeypatch.setattr(Ears, "items", deaf)
    async with await anyio.open_process(command("ears", "--raw")) as process:
        with anyio.fail_after(30):
            await heard.wait()
            while process.returncode is None:  # two that come at once may be one to it
                process.send_signal(signal.SIGINT)
                with anyio.move_on_after(0.2):
                    await process.wait()
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        ("writer", "Does not listen: writer is of kind llm, not stt.\n  Speak to one of these: ears, deaf."),
        ("eers", "No such engine: No engine is named 'eers'.\n  Did you mean 'ears'?"),
        ("deaf", "Does not run: deaf is stopped"),
    ],
)
async def test_who_cannot_be_spoken_to(ears: Ears, run: Run, tmp_path: Path, engine: str, told: str) -> None:
    done = await run("listen", engine, sound_file(tmp_path))
    assert (done.code, done.out) == (1, "")
    assert told in done.err


async def test_what_is_no_wav_never_reaches_the_engine(ears: Ears, run: Run, tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(b"ID3" + bytes(100))
    done = await run("listen", "ears", "song.mp3")
    assert (done.code, done.out) == (1, "")
    assert "Not WAV: song.mp3 begins with" in done.err
    assert not hasattr(ears, "payload")


async def test_a_keyboard_is_no_microphone(ears: Ears) -> None:
    ours, theirs = pty.openpty()
    try:
        done = await anyio.run_process(command("ears"), stdin=theirs, check=False)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 1
    assert b"stdin is the keyboard" in done.stderr
    assert b"arecord -q -f S16_LE -r 16000 -c 1 | engineroom listen ears" in done.stderr
