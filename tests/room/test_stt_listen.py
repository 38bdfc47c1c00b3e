"""Somebody speaks to a real engine in a whole room: right words, soon, on a terminal, and whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from room_kit import ROOT, Room, open_room, wait_for
from terminal_kit import Terminal

from bench.stt.speaker import Latencies, Spoken, latencies, spoken
from engines.stt.unit import RATE
from ipc.client import connect_unix
from ipc.errors import EngineDied
from ipc.listening import Listening

pytestmark = pytest.mark.anyio
CONFIG = '[engine.ears]\nkind = "stt"\ngpu = "cpu"\ncpu_threads = 1\nunload_after = 0\n'
PIECE = RATE // 10


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    with open_room(CONFIG) as room:
        room.environ["OMP_NUM_THREADS"] = "1"
        room.run("up")
        room.run("start", "ears")
        yield room


def written(room: Room, said: Spoken) -> str:
    """As a file."""
    path = room.work / "said.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(said.samples.tobytes())
    return str(path)


def of_text(said: Spoken, text: str) -> Latencies:
    """Only its word errors mean anything."""
    return latencies(said, [(0.0, text)])


def test_all_utterances_come_out_right_and_the_answer_is_what_was_committed(room: Room) -> None:
    said = spoken(24)
    told = room.run("listen", "ears", written(room, said), "--fast", "--json").stdout.splitlines()
    *lines, answer = map(json.loads, told)
    assert answer["text"] == "".join(line["commit"] for line in lines)
    assert of_text(said, answer["text"]).word_errors <= 0.02
    assert [line["ended"] for line in lines].count(True) == 24
    assert answer["model"] == "miniature int8"


async def speak(listening: Listening, said: Spoken, began: float) -> None:
    for begin in range(0, len(said.samples), PIECE):
        await anyio.sleep_until(began + (begin + PIECE) / RATE)
        await listening.feed(said.samples[begin : begin + PIECE].tobytes())
    listening.end()


async def test_words_are_there_while_somebody_still_speaks(room: Room) -> None:
    said, commits = spoken(1), list[tuple[float, str]]()
    async with connect_unix(room.state / "socket") as client, client.listen("ears") as listening:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                began = anyio.current_time()
                tasks.start_soon(speak, listening, said, began)
                async for live in listening:
                    commits.append((anyio.current_time() - began, live.commit))
    measured = latencies(said, commits)
    assert measured.word_errors <= 0.2
    assert measured.at(0.5) < 1.5, "on a busy machine; bench.stt.live measures"


def test_on_a_terminal_the_text_appears_and_ctrl_c_ends_with_it(room: Room) -> None:
    said = spoken(5)
    words = [word for word, _ in said.words]
    terminal = Terminal(room, "listen", "ears", written(room, said))
    wait_for(lambda: terminal.shows(f"{words[0]} {words[1]}"), "the first words")
    assert not terminal.ended()
    terminal.press("\x03")
    wait_for(terminal.ended, "it ends")
    lines = terminal.lines()
    assert lines[0] == "Listening; ctrl+c ends."
    assert lines[1].startswith(f"{words[0]} {words[1]}")
    assert "miniature int8" in lines[-1]
    assert terminal.exit_code() == 0
    assert room.engine("ears")["units"] == 0


def test_a_person_who_leaves_frees_the_engine(room: Room) -> None:
    process = subprocess.Popen(
        room.command("listen", "ears", "--raw"), stdin=subprocess.PIPE, env=room.environment(), cwd=room.work
    )
    wait_for(lambda: room.engine("ears")["units"] == 1, "it listens")
    process.kill()
    process.communicate()
    wait_for(lambda: room.engine("ears")["units"] == 0, "nobody is listened to")


async def test_a_killed_engine_leaves_a_sentence_and_what_was_committed(room: Room) -> None:
    said, heard = spoken(2), list[str]()
    async with connect_unix(room.state / "socket") as client, client.listen("ears") as listening:
        with anyio.fail_after(60):
            await listening.feed(said.samples.tobytes())  # and it is not the end
            async for live in listening:
                heard.append(live.commit)
                if live.ended:
                    break
            os.kill(room.engine("ears")["pid"], signal.SIGKILL)
            with pytest.raises(EngineDied) as died:
                _ = [live async for live in listening]
    assert died.value.text == listening.text
    assert died.value.text.startswith("".join(heard).strip())
    assert died.value.problem.detail.startswith("ears ")
    room.await_engine("ears", "ready")


def test_a_file_of_another_sort_is_refused_in_a_sentence(room: Room) -> None:
    song = room.work / "song.mp3"
    Path(song).write_bytes(b"ID3" + bytes(100))
    done = room.run("listen", "ears", str(song), code=1)
    assert "Not WAV" in done.stderr
    assert "ffmpeg" in done.stderr


def test_the_example_writes_a_line_for_each_utterance(room: Room) -> None:
    said = spoken(3)
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "listen.py")],
        input=said.samples.tobytes(), env={**room.environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 3
    assert [line.strip() for line in lines] == lines
    assert of_text(said, " ".join(lines)).word_errors <= 0.1
