"""Watchers and happenings: a slow watcher gets a fresh snapshot instead of what it missed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from ipc.snapshot import Happened, Happening, HostReading, Snapshot, SupervisorRow, Update
from supervisor.board import QUEUE_LENGTH, Board, Watcher

pytestmark = pytest.mark.anyio


def snapshot() -> Snapshot:
    host = HostReading(0.0, 0.0, 0.0, 0, 0, 0, 0, 0, 0)
    row = SupervisorRow(1, "0", "host", "/s", "/", 0.0, "nobody", 0, None)
    return Snapshot(0.0, 0.0, row, host, (), (), ())


async def watcher_hears(stream: AsyncIterator[Update]) -> None:
    assert isinstance(await anext(stream), Happened)


async def take(watcher: Watcher, count: int) -> list[Update]:
    taken: list[Update] = []
    with anyio.fail_after(5):
        async for update in watcher.updates(snapshot):
            taken.append(update)
            if len(taken) == count:
                break
    return taken


async def test_a_watch_begins_with_a_snapshot_and_goes_on_with_what_happens() -> None:
    board = Board(lambda happening: None)
    with board.watching() as watcher:
        stream = watcher.updates(snapshot)
        assert isinstance(await anext(stream), Snapshot)
        board.happen("info", "writer", "engine-ready", "writer is ready")
        happened = await anext(stream)
    assert isinstance(happened, Happened)
    assert happened.happening.word == "engine-ready"


async def test_a_watcher_that_waits_is_woken() -> None:
    board = Board(lambda happening: None)
    with board.watching() as watcher:
        stream = watcher.updates(snapshot)
        await anext(stream)
        async with anyio.create_task_group() as group:
            group.start_soon(watcher_hears, stream)
            await anyio.wait_all_tasks_blocked()
            board.happen("info", "a", "b", "c")


async def test_what_a_slow_watcher_missed_becomes_one_fresh_snapshot() -> None:
    board = Board(lambda happening: None)
    with board.watching() as watcher:
        stream = watcher.updates(snapshot)
        await anext(stream)
        for _ in range(QUEUE_LENGTH + 1):
            board.happen("info", "a", "b", "c")
        assert isinstance(await anext(stream), Snapshot)
        board.happen("info", "a", "after", "c")
        after = await anext(stream)
    assert isinstance(after, Happened)
    assert after.happening.word == "after"


async def test_a_watcher_that_left_hears_nothing_more() -> None:
    board = Board(lambda happening: None)
    with board.watching() as watcher:
        await take(watcher, 1)
    board.happen("info", "a", "b", "c")
    stream = watcher.updates(snapshot)
    with anyio.move_on_after(0.05) as limit:
        await anext(stream)
    assert limit.cancelled_caught


def test_happenings_are_numbered_without_a_gap_and_told_once() -> None:
    told: list[Happening] = []
    board = Board(told.append)
    for text in "abc":
        board.happen("info", "x", "y", text)
    assert [happening.sequence for happening in told] == [1, 2, 3]
    assert board.last(2) == tuple(told[1:])
    assert board.last(0) == ()
    assert board.last_sequence == 3
