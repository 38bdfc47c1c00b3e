"""What works for long at a desk: each step is seen, and it ends at the next one when it has to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from spawned import knobs, true

from engines.bootstrap import Exit, Origin
from engines.contract import Planning
from engines.desk_role import DeskRole
from engines.settings import EngineSettings
from engines.worker import Worker
from ipc import work

pytestmark = pytest.mark.anyio

Assembly = Callable[[Path, Iterator[work.ResultRow], EngineSettings, Callable[[], None]], None]


def begun(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> tuple[Worker, list[work.FromChild], list[Exit]]:
    """A desk whose kind assembles so, at work on an output; what it says, and how it ended."""
    monkeypatch.setattr("engines.fake.assemble.assemble", assembly)
    said: list[work.FromChild] = []
    exits: list[Exit] = []
    worker = Worker(asyncio.get_running_loop(), said.append, exits.append)
    desk = DeskRole(Origin("fake", "fake:desk", -1), worker)
    worker.start(desk.close)
    desk.hear(work.Assemble(1, "box-1", str(folder / "part"), knobs({})))
    return worker, said, exits


async def test_what_an_assembly_does_without_rows_shows_as_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(part: Path, rows: Iterator[work.ResultRow], settings: EngineSettings, step: Callable[[], None]) -> None:
        for _ in range(5):
            step()

    worker, said, exits = begun(slow, monkeypatch, tmp_path)
    await true(lambda: bool(said))
    assert said == [work.Assembled(1, 0)]
    assert worker.progress == 5
    worker.leave()
    await true(lambda: bool(exits))


async def test_a_desk_that_has_to_leave_ends_its_assembly_at_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way = threading.Event()

    def endless(part: Path, rows: Iterator[work.ResultRow], settings: EngineSettings, step: Callable[[], None]) -> None:
        while True:
            step()
            under_way.set()

    worker, said, exits = begun(endless, monkeypatch, tmp_path)
    await true(under_way.is_set)
    worker.leave()
    await true(lambda: bool(exits))
    assert exits == [Exit.LEFT]
    assert said == []


async def test_a_desk_that_has_to_leave_ends_its_planning_at_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way = threading.Event()

    def endless(source: Path, cursor: str, limit: int, settings: EngineSettings, step: Callable[[], None]) -> Planning:
        while True:
            step()
            under_way.set()

    monkeypatch.setattr("engines.fake.plan.plan", endless)
    said: list[work.FromChild] = []
    exits: list[Exit] = []
    worker = Worker(asyncio.get_running_loop(), said.append, exits.append)
    desk = DeskRole(Origin("fake", "fake:desk", -1), worker)
    worker.start(desk.close)
    desk.hear(work.Plan(1, str(tmp_path / "source"), "", 1, knobs({})))
    await true(under_way.is_set)
    worker.leave()
    await true(lambda: bool(exits))
    assert exits == [Exit.LEFT]
    assert said == []
    assert worker.progress > 0
