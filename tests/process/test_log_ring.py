"""The ring keeps what is recent, numbers everything, and wakes who follows."""

from __future__ import annotations

import anyio
import pytest

from supervisor.process.ring import LogRing

pytestmark = pytest.mark.anyio


def texts(ring: LogRing, count: int, since: int = 1) -> list[str]:
    return [line.text for line in ring.tail(count, since=since)]


def test_it_numbers_over_its_whole_life() -> None:
    ring = LogRing(lines=3)
    ring.append("stdout", ["a", "b"])
    ring.append("stderr", ["c", "d", "e"])
    ring.note("f")
    assert [(line.number, line.stream, line.text) for line in ring.tail(10)] == [
        (4, "stderr", "d"),
        (5, "stderr", "e"),
        (6, "supervisor", "f"),
    ]


def test_a_tail_is_of_what_is_kept_and_asked_for() -> None:
    ring = LogRing()
    assert texts(ring, 5) == []
    ring.append("stdout", ["a", "b", "c"])
    assert texts(ring, 2) == ["b", "c"]
    assert texts(ring, 0) == []
    assert texts(ring, -1) == []
    assert texts(ring, 5, since=3) == ["c"]
    assert texts(ring, 5, since=4) == []


def test_it_is_bounded_by_characters_too() -> None:
    ring = LogRing(lines=100, characters=10)
    ring.append("stdout", ["1234", "5678", "90ab"])
    assert texts(ring, 100) == ["5678", "90ab"]


def test_of_a_burst_only_the_end_is_kept() -> None:
    ring = LogRing(lines=2)
    ring.append("stdout", ["old"])
    ring.append("stdout", [str(number) for number in range(1000)])
    assert [(line.number, line.text) for line in ring.tail(9)] == [(1000, "998"), (1001, "999")]


async def test_a_follower_gets_the_tail_and_then_what_comes() -> None:
    ring = LogRing()
    ring.append("stdout", ["a", "b", "c"])
    heard: list[list[str]] = []

    async def follow() -> None:
        async for batch in ring.follow(2):
            heard.append([line.text for line in batch])
            if batch[-1].text == "end":
                return

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(follow)
            await anyio.wait_all_tasks_blocked()
            ring.append("stderr", ["d", "e"])
            ring.append("stderr", [])
            await anyio.wait_all_tasks_blocked()
            ring.append("stderr", ["end"])
    assert heard == [["b", "c"]] * 3 + [["d", "e"]] * 3 + [["end"]] * 3


async def test_a_slow_follower_misses_lines_and_the_numbers_tell() -> None:
    ring = LogRing(lines=2)
    ring.append("stdout", ["a"])
    following = ring.follow(10)
    assert [line.number for line in await anext(following)] == [1]
    ring.append("stdout", ["b", "c", "d"])
    ring.append("stdout", ["e"])
    assert [line.number for line in await anext(following)] == [4, 5]
    await following.aclose()
