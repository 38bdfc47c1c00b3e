"""Which engines the operator stopped: kept before the answer, or said not to be, and tried again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from supervisor import stopped
from supervisor.board import Board
from supervisor.stopped import Stops

pytestmark = pytest.mark.anyio


class Folder:
    """A state folder in which something can be in the way of the next write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.board = Board(lambda _: None)
        self.stops = Stops(path, self.board)
        self._obstacle = path / "stopped.json.new"

    def block(self) -> None:
        self._obstacle.mkdir()

    def free(self) -> None:
        self._obstacle.rmdir()

    def stall(self) -> None:
        """The next write waits until `go_on`."""
        os.mkfifo(self._obstacle)

    def go_on(self) -> None:
        os.close(os.open(self._obstacle, os.O_RDONLY | os.O_NONBLOCK))

    def kept(self) -> list[str]:
        return sorted(Stops(self.path, self.board).wanted)

    def words(self) -> list[str]:
        return [happening.word for happening in self.board.last(10)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


async def test_stops_and_starts_are_on_disk_when_it_answers(folder: Folder) -> None:
    assert folder.kept() == []
    for engine in ("writer", "voice"):
        assert await folder.stops.remember(engine, stopped=True) == ""
    assert folder.kept() == ["voice", "writer"]
    assert await folder.stops.remember("writer", stopped=False) == ""
    assert folder.kept() == ["voice"]
    assert folder.words() == []
    assert [one.name for one in folder.path.iterdir()] == ["stopped.json"]


@pytest.mark.parametrize("content", [b"{", b'{"writer": true}'])
def test_a_file_that_is_not_ours_stops_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stopped.json").write_bytes(content)
    assert Stops(tmp_path, Board(lambda _: None)).wanted == frozenset()


@pytest.mark.parametrize(("first", "words"), [([], ["stop-not-kept", "stop-kept"]),
                                              (["writer"], ["start-not-kept", "start-kept"])])  # fmt: skip
async def test_what_cannot_be_kept_is_said_once_and_kept_when_it_can(
    tmp_path: Path, first: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopped, "AGAIN_SECONDS", 0.01)
    (tmp_path / "stopped.json").write_text(json.dumps(first))
    folder = Folder(tmp_path)
    folder.block()
    said = await folder.stops.remember("writer", stopped=not first)
    assert f"{tmp_path}/stopped.json: Is a directory" in said
    assert await folder.stops.remember("writer", stopped=not first) == said
    assert folder.words() == words[:1]
    assert "Is a directory" in folder.board.last(1)[0].text
    assert folder.kept() == first
    folder.free()
    async with anyio.create_task_group() as group:
        group.start_soon(folder.stops.run)
        with anyio.fail_after(10):
            while folder.words() != words:
                await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert folder.kept() == ([] if first else ["writer"])


async def test_only_those_concerned_are_told(folder: Folder) -> None:
    await folder.stops.remember("writer", stopped=True)
    folder.block()
    await folder.stops.remember("voice", stopped=True)
    assert await folder.stops.remember("writer", stopped=True) == ""
    assert [happening.about for happening in folder.board.last(10)] == ["voice"]


async def test_what_is_no_longer_wanted_is_neither_kept_nor_told(folder: Folder) -> None:
    folder.block()
    await folder.stops.remember("writer", stopped=True)
    assert await folder.stops.remember("writer", stopped=False) == ""
    folder.free()
    await folder.stops.remember("voice", stopped=True)
    assert folder.kept() == ["voice"]
    assert folder.words() == ["stop-not-kept"]


async def test_many_at_once_are_all_kept(folder: Folder) -> None:
    engines = [f"engine-{number}" for number in range(20)]
    answers: list[str] = []

    async def stop(engine: str) -> None:
        answers.append(await folder.stops.remember(engine, stopped=True))

    async with anyio.create_task_group() as group:
        for engine in engines:
            group.start_soon(stop, engine)
    assert answers == [""] * len(engines)
    assert folder.kept() == sorted(engines)


async def test_a_slow_disk_holds_up_nobody(folder: Folder) -> None:
    folder.stall()
    answers: list[str] = []

    async def stop(engine: str) -> None:
        answers.append(await folder.stops.remember(engine, stopped=True))

    async with anyio.create_task_group() as group:
        for engine in ("writer", "voice"):
            group.start_soon(stop, engine)
        with anyio.fail_after(10):
            while folder.stops.wanted != {"writer", "voice"}:
                await anyio.lowlevel.checkpoint()
        assert answers == [], "not on disk"
        with anyio.fail_after(10):
            while len(answers) < 2:
                folder.go_on()
                await anyio.sleep(0.01)
