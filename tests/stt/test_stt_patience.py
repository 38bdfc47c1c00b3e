"""When a batch counts as hung: by its size, and by how slow the machine was seen to be."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any

import pytest
from flying_kit import Heard
from stt_engine_kit import Asked, Engine, quick, unit_of_all, utterances

from engines.stt import streams
from engines.stt.aboard import Part, Trip
from engines.stt.decode.decoder import Floats
from engines.stt.decode.take import Take
from engines.stt.decode.way import Way
from engines.stt.folder import found
from engines.stt.manner import Manners
from engines.stt.patience import Patience
from engines.stt.streams import Streams

MANNER = Manners(found(quick())).of(quick(), {}, deterministic=False)
HOUR = 3600.0


def test_a_large_batch_of_a_slow_machine_may_take_hours() -> None:
    patience = Patience()
    assert patience.seconds(64) > 2 * HOUR, "nothing is known yet: large-v3 in float32 takes minutes for a window"
    patience.learn(1, 100.0)
    assert patience.seconds(64) > 64 * 100 * 5


def test_on_a_quick_machine_a_batch_that_hangs_is_found_within_minutes() -> None:
    patience = Patience()
    patience.learn(8, 0.5)
    patience.learn(8, 0.1)
    assert patience.seconds(64) == patience.seconds(1) == 600


class Clock:
    """The streams' own."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_what_takes_longer_than_it_may_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, over, news = Clock(), threading.Event(), SimpleQueue[Any]()
    monkeypatch.setattr(streams, "time", clock)
    two, patience = Streams(2, news), Patience()
    assert not two.alive(patience.seconds), "nothing is under way"
    asked = Asked(unit_of_all(utterances(1)[0]))
    part = Part(Trip(asked, 1), asked.orders[0], unit_of_all(utterances(1)[0]), MANNER, 0)
    two.begin((part,) * 32, over.wait)
    clock.now = 2 * HOUR
    assert two.alive(patience.seconds)
    two.begin((part,), over.wait)
    assert two.alive(patience.seconds)
    clock.now += 601
    assert not two.alive(patience.seconds), "the one alone hangs"
    over.set()
    two.over(news.get(timeout=10))
    two.over(news.get(timeout=10))
    two.close()


class Beating(Heard):
    """Tells whoever waits for a step."""

    def __init__(self) -> None:
        super().__init__()
        self.beat = threading.Event()

    def step(self) -> None:
        self.beat.set()


def test_who_is_asked_for_steps_oftener_makes_them_oftener() -> None:
    class Waiting(Engine):
        armed = beaten = False

        def imagined(self, windows: Sequence[Floats], way: Way) -> list[Take]:
            noted.beat.clear()
            if self.armed:
                noted.beat.clear()
                self.beaten = noted.beat.wait(2)
            return [Take((), "", 1, -0.1, 0.9, 1.0)] * len(windows)

    noted = Beating()
    one = Waiting(batch_size=1, stall_after=1.0)
    one._report, one.armed = noted, True
    one.ask(Asked(unit_of_all(utterances(1)[0])))
    one.close()
    assert one.beaten
