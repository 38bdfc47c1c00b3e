"""Flights that are fed, in a real child: each piece arrives, beside other flights, and who waits for it sleeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from spawned import child, fly

from engines.flight import AirborneFlight
from engines.sky import Flights
from engines.worker import Worker
from ipc import work

pytestmark = pytest.mark.anyio
ECHO = {"prompt": "", "habit": "echo"}


async def test_an_engine_says_what_it_is_fed_while_it_is_fed(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(fly(1, ECHO, stream=True), work.Feed(1, b"one ", False))
        assert (await fake.until(work.Took)).count == 4
        assert (await fake.until(work.Piece)).text == "one "
        fake.send(work.Feed(1, b"two", False), work.Feed(1, b"", True))
        assert (await fake.until(work.Piece)).text == "two"
        assert '"one two"' in (await fake.until(work.UnitDone)).result
        fake.send(work.Feed(1, b"late", False), work.Feed(99, b"of no flight", True))
        await fake.until(work.Landed)
        await fake.fly(fly(2, {"prompt": "hello"}))


async def test_others_fly_beside_one_that_waits_to_be_fed_and_it_can_be_cancelled(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"joining": True, "parallel": 4})
        fake.send(fly(1, ECHO, stream=True))
        heard = await fake.fly(fly(2, {"prompt": "hello"}))
        assert [message.flight for message in heard if isinstance(message, work.UnitDone)] == [2]
        fake.send(work.CancelFlight(1))
        assert await fake.until(work.Landed) == work.Landed(1)


def _sky() -> tuple[Flights, AirborneFlight]:
    sky = Flights()
    worker = Worker.__new__(Worker)
    return sky, AirborneFlight(fly(1, ECHO, stream=True), worker)


@pytest.mark.parametrize(
    "news",
    [
        lambda sky, flight: sky.feed(1, b"x", False),
        lambda sky, flight: sky.cancel(1),
        lambda sky, flight: sky.change(lambda: None),
        lambda sky, flight: sky.add(flight),
    ],
)
def test_who_rests_is_woken_by_any_news(news: Callable[[Flights, AirborneFlight], None]) -> None:
    sky, flight = _sky()
    sky.add(flight)
    assert sky.board() is flight
    sky.rest(0.0)  # the news of its coming
    waker = threading.Timer(0.05, news, (sky, flight))
    waker.start()
    began = time.monotonic()
    sky.rest(30.0)
    assert 0.04 < time.monotonic() - began < 10
    waker.join()


def test_who_rests_without_news_wakes_after_the_time_it_told() -> None:
    sky, _ = _sky()
    began = time.monotonic()
    sky.rest(0.05)
    assert 0.05 <= time.monotonic() - began < 10
