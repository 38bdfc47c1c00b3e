"""Requests that are fed: nothing is lost before the flight, nothing is heard twice, nothing grows without limit."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from job_site import REFUSED, Site, site
from msgspec.structs import replace

from ipc import control, work
from ipc.envelopes import FEED_WINDOW_BYTES
from ipc.errors import EngineDied, EngineRoomError, RequestFailed
from ipc.feeding import Fed
from supervisor.jobs.asks import KEPT_CHARACTERS, UNREAD_CHARACTERS, Ask

pytestmark = pytest.mark.anyio


class Wish:
    """A request under way: what it granted, what came of it, and how it ended."""

    def __init__(self) -> None:
        self.granted: list[int] = []
        self.fed = Fed(self.granted.append)
        self.items: list[control.Piece | control.Answered] = []
        self.failure: EngineRoomError | None = None


@asynccontextmanager
async def asked(it: Site, *first: bytes) -> AsyncIterator[Wish]:
    """A request that was fed so much before anything could fly; cancelled at the end of the block."""
    wish = Wish()
    for data in first:
        wish.fed.put(data, False)

    async def ask() -> None:
        try:
            async for item in it.foreman.answering.ask("writer", "{}", wish.fed):
                wish.items.append(item)
        except EngineRoomError as error:
            wish.failure = error

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        yield wish
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()


async def test_what_is_fed_before_the_flight_follows_it_and_what_is_fed_later_comes_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as it, asked(it, b"early ", b"bird ") as wish:
        engine, flight = await it.flight()
        wish.fed.put(b"worm", False)
        wish.fed.put(b"", False)
        wish.fed.put(b"", True)
        number = flight.flight
        assert it.floor.fed == [
            (engine, work.Feed(number, b"early bird ", False)),
            (engine, work.Feed(number, b"worm", False)),
            (engine, work.Feed(number, b"", True)),
        ]
        it.foreman.said(engine, work.Took(number, 11))
        it.foreman.said(engine, work.UnitDone(number, "", 0, "{}", 1, 0.5, None))
        it.land(engine, flight)
        await anyio.wait_all_tasks_blocked()
        assert wish.granted == [11]
        assert wish.items == [control.Answered("{}", 1, 0.5, None)]


async def test_what_a_drained_flight_had_not_read_is_fed_to_the_next(tmp_path: Path) -> None:
    async with site(tmp_path) as it, asked(it, b"hello") as wish:
        engine, flight = await it.flight()
        wish.fed.put(b"", True)
        it.land(engine, flight)
        engine, again = await it.flight()
        assert again.flight != flight.flight
        assert it.floor.fed[-1] == (engine, work.Feed(again.flight, b"hello", True))


async def test_what_was_heard_once_is_never_asked_again(tmp_path: Path) -> None:
    async with site(tmp_path) as it, asked(it, b"hello") as wish:
        engine, flight = await it.flight()
        it.foreman.said(engine, work.Took(flight.flight, 2))
        it.land(engine, flight)
        await anyio.wait_all_tasks_blocked()
        assert len(it.floor.flown) == 1
        assert isinstance(wish.failure, RequestFailed)
        assert wish.failure.problem.title == "Interrupted"


async def test_a_death_ends_it_with_the_text_so_far_and_what_is_fed_then_goes_nowhere(tmp_path: Path) -> None:
    async with site(tmp_path) as it, asked(it, b"hello") as wish:
        engine, flight = await it.flight()
        it.foreman.said(engine, work.Took(flight.flight, 5))
        it.foreman.said(engine, work.Piece(flight.flight, "", 0, "hel"))
        await anyio.wait_all_tasks_blocked()
        it.foreman.said(engine, work.Piece(flight.flight, "", 0, "lo"))
        it.lose(engine, flight, "own")
        wish.fed.put(b"more", False)
        await anyio.wait_all_tasks_blocked()
        assert isinstance(wish.failure, EngineDied)
        assert wish.failure.text == "hello"
        assert [message.data for _, message in it.floor.fed] == [b"hello"]


async def test_who_is_fed_is_fed_where_it_flies_when_another_process_takes_the_engines_place(tmp_path: Path) -> None:
    async with site(tmp_path) as it, asked(it) as wish:
        _, flight = await it.flight()
        it.floor.engines["writer:former"] = replace(it.floor.engines["writer"], name="writer:former")
        it.foreman.handed_over("writer", "writer:former")
        wish.fed.put(b"hello", False)
        assert it.floor.fed == [("writer:former", work.Feed(flight.flight, b"hello", False))]


async def test_who_does_not_read_the_answer_may_not_feed_more() -> None:
    granted: list[int] = []
    ask = Ask("fake", "writer", "{}", Fed(granted.append))
    ask.fed.put(b"x" * 30, False)
    ask.took(10)
    ask.add("a" * UNREAD_CHARACTERS)
    ask.took(10)
    ask.took(10)
    assert granted == [10]
    items = ask.items()
    await anext(items)
    assert granted == [10, 20]


async def test_of_an_answer_without_end_only_the_last_is_kept() -> None:
    ask = Ask("fake", "writer", "{}")
    items = ask.items()
    for number in range(40):
        ask.add(f"{number:02}" * (KEPT_CHARACTERS // 20))
        await anext(items)
    ask.add("!")
    ask.died("writer is gone")
    await anext(items)
    with pytest.raises(EngineDied) as died:
        await anext(items)
    assert KEPT_CHARACTERS <= len(died.value.text) < KEPT_CHARACTERS * 1.2
    assert died.value.text.endswith("39!")


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Cycles stay in memory, and a task that was cancelled is in one: the supervisor seldom looks for them."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("ends", ["left", "dead", "refused"])
async def test_what_was_fed_and_said_is_not_kept_once_nobody_waits(tmp_path: Path, ends: str) -> None:
    async with site(tmp_path) as it:
        before, _ = tracemalloc.get_traced_memory()
        async with asked(it, b"x" * FEED_WINDOW_BYTES) as wish:
            engine, flight = await it.flight()
            for _ in range(16):
                it.foreman.said(engine, work.Piece(flight.flight, "", 0, "y" * (KEPT_CHARACTERS // 16)))
                await anyio.wait_all_tasks_blocked()
            if ends == "dead":
                it.lose(engine, flight, "own")
            elif ends == "refused":
                it.foreman.said(engine, work.UnitFailed(flight.flight, "", 0, REFUSED))
        it.foreman.said(engine, work.Piece(flight.flight, "", 0, "z" * KEPT_CHARACTERS))
        wish.items.clear()
        wish.failure = None
        it.floor.fed.clear()
        after, _ = tracemalloc.get_traced_memory()
        assert after - before < FEED_WINDOW_BYTES // 2


async def test_what_was_fed_is_let_go_when_nobody_waits_and_nothing_more_of_it_flies(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        async with asked(it, b"hello") as wish:
            engine, flight = await it.flight()
        wish.fed.again()
        assert wish.fed.fresh() is None
        it.foreman.said(engine, work.Took(flight.flight, 5))
        wish.fed.put(b"more", False)
        assert wish.fed.fresh() is None
        assert (len(it.floor.fed), wish.granted) == (1, [])
        it.land(engine, flight)
        assert len(it.floor.flown) == 1
