"""Engines that cannot be loaded together take turns: few swaps, a bound on waiting, and what is urgent goes first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from job_site import Site, site

from config.house import JobSettings
from ipc import control, work
from supervisor.jobs.floor import EngineView
from supervisor.jobs.turns import Need, Turns

PATIENCE = 300.0


def need(engine: str, *blocked_by: str, priority: int = 5) -> Need:
    return Need(engine, priority, blocked_by)


@pytest.mark.parametrize(
    ("needs", "busy", "waited", "expected"),
    [
        ([], {"a": 5}, 1e9, {}),
        ([need("b", "a")], {"a": 5}, 0, {}),
        ([need("b", "a")], {"a": 5}, PATIENCE - 1, {}),
        ([need("b", "a")], {"a": 5}, PATIENCE, {"a": "b"}),
        ([need("b", "a", priority=6)], {"a": 5}, 0, {"a": "b"}),
        ([need("b", "a", priority=4)], {"a": 5}, 1e9, {}),
        ([need("b", "a", priority=1)], {}, 0, {"a": "b"}),  # it works for nobody
        ([need("b", "a", "c")], {"a": 5, "c": 5}, PATIENCE, {"a": "b", "c": "b"}),
        ([need("b", "a", "c", priority=6)], {"a": 5, "c": 5}, 0, {"a": "b", "c": "b"}),
        ([need("b", "a", "c", priority=6)], {"a": 5, "c": 9}, 1e9, {}),  # it would not help
        ([need("b", "a", priority=6), need("c", "a", priority=7)], {"a": 5}, 0, {"a": "c"}),
        ([need("b", "a"), need("c", "a", priority=4)], {"a": 5}, PATIENCE, {"a": "b"}),
        ([need("b", "loading")], {"loading": 5}, 1e9, {}),  # it has had no turn yet
        ([need("b", "loading", priority=6)], {"loading": 5}, 0, {"loading": "b"}),
    ],
)
def test_who_makes_room(needs: list[Need], busy: dict[str, int], waited: float, expected: dict[str, str]) -> None:
    turns = Turns(PATIENCE)
    turns.yielding(needs, busy, {"a", "c"}, 1000.0)
    assert turns.yielding(needs, busy, {"a", "c"}, 1000.0 + waited) == expected


def test_whoever_waits_longest_is_first() -> None:
    turns, busy = Turns(PATIENCE), {"a": 5}
    turns.yielding([need("c", "a")], busy, {"a"}, 0.0)
    both = [need("b", "a"), need("c", "a")]
    turns.yielding(both, busy, {"a"}, 10.0)
    assert turns.yielding(both, busy, {"a"}, PATIENCE + 10) == {"a": "c"}


def test_whoever_got_its_room_waits_anew() -> None:
    turns, busy = Turns(PATIENCE), {"a": 5}
    turns.yielding([need("b", "a")], busy, {"a"}, 0.0)
    turns.yielding([], busy, {"a"}, 200.0)
    turns.yielding([need("b", "a")], busy, {"a"}, 250.0)
    assert turns.yielding([need("b", "a")], busy, {"a"}, PATIENCE) == {}
    assert turns.yielding([need("b", "a")], busy, {"a"}, 250.0 + PATIENCE) == {"a": "b"}


def test_the_time_of_a_load_is_not_taken_from_the_turn() -> None:
    turns, busy, needs = Turns(PATIENCE), {"a": 5}, [need("b", "a")]
    turns.yielding(needs, busy, (), 0.0)
    turns.yielding(needs, busy, {"a"}, 500.0)
    assert turns.yielding(needs, busy, {"a"}, 500.0 + PATIENCE - 1) == {}
    assert turns.yielding(needs, busy, {"a"}, 500.0 + PATIENCE) == {"a": "b"}


# ── where only one fits ───────────────────────────────────────────────────────────────────────────────────


class Swaps:
    """One engine fits at a time, a load takes its seconds, a unit one second; work comes all at once, in this order.

    Work is for an engine, of so many seconds and a priority.
    """

    def __init__(self, work: Sequence[tuple[str, int, int]], patience: float, load: int) -> None:
        self.work = work
        self.load = load
        self.left = [seconds for _, seconds, _ in work]
        self.loaded: list[str] = []
        self.began: dict[int, int] = {}
        self.now = 0
        self._turns = Turns(patience)
        self._ready = 0

    def run(self) -> None:
        while any(self.left):
            self.second()
            assert self.now < 100_000, "it never ends"

    def second(self) -> None:
        up = self.loaded[-1] if self.loaded else ""
        wanted = dict.fromkeys(name for name, _ in self._open())
        needs = [need(name, up, priority=self._highest(name)) for name in wanted if up and name != up]
        is_up = up and self.now >= self._ready
        yielding = self._turns.yielding(
            needs, {up: self._highest(up)} if up in wanted else {}, {up} if is_up else (), float(self.now)
        )
        if up in yielding or up not in wanted:
            waiting = max(wanted, key=lambda name: (self._highest(name), name != up))
            self.loaded.append(yielding.get(up, waiting))
            self._ready = self.now + self.load
        elif is_up:
            mine = max((n for n, left in enumerate(self.left) if left and self.work[n][0] == up), key=self._place)
            self.began.setdefault(mine, self.now)
            self.left[mine] -= 1
        self.now += 1

    def _open(self) -> list[tuple[str, int]]:
        return [(name, priority) for (name, _, priority), left in zip(self.work, self.left, strict=True) if left]

    def _highest(self, engine: str) -> int:
        return max((priority for name, priority in self._open() if name == engine), default=0)

    def _place(self, number: int) -> tuple[int, int]:
        return self.work[number][2], -number


def test_a_b_a_b_becomes_a_a_b_b() -> None:
    swaps = Swaps([("a", 20, 5), ("b", 20, 5), ("a", 20, 5), ("b", 20, 5)], PATIENCE, load=5)
    swaps.run()
    assert swaps.loaded == ["a", "b"]


def test_a_load_that_takes_longer_than_the_patience_is_not_in_vain() -> None:
    swaps = Swaps([("a", 20, 5), ("b", 20, 5)], patience=10.0, load=60)
    swaps.run()
    assert swaps.loaded == ["a", "b", "a", "b"], "each works for as long as the other must wait"


def test_what_is_less_urgent_takes_no_turns() -> None:
    swaps = Swaps([("a", 200, 4), ("b", 200, 5)], patience=10.0, load=20)
    swaps.run()
    assert swaps.loaded == ["b", "a"]


@settings(max_examples=200, deadline=None)
@given(
    work=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40), st.just(5)), min_size=1, max_size=8),
    patience=st.integers(1, 60),
    load=st.integers(1, 90),
)
def test_nobody_waits_for_ever_and_there_are_few_swaps(
    work: list[tuple[str, int, int]], patience: int, load: int
) -> None:
    swaps = Swaps(work, float(patience), load)
    swaps.run()
    engines = {engine for engine, *_ in work}
    seconds = sum(length for _, length, _ in work)
    first = [min(swaps.began[n] for n, (name, *_) in enumerate(work) if name == engine) for engine in engines]
    assert max(first) <= (patience + load + 2) * len(engines), "each gets its first turn within the bound"
    assert len(swaps.loaded) <= len(engines) + seconds // patience + 1


@settings(max_examples=100, deadline=None)
@given(
    work=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40), st.integers(1, 9)), min_size=1, max_size=8),
    patience=st.integers(1, 60),
    load=st.integers(1, 90),
)
def test_all_work_ends_whatever_is_urgent(work: list[tuple[str, int, int]], patience: int, load: int) -> None:
    swaps = Swaps(work, float(patience), load)
    swaps.run()
    for engine, urgent, late in ((name, priority, swaps.began[n]) for n, (name, _, priority) in enumerate(work)):
        earlier = [swaps.began[n] for n, (name, _, priority) in enumerate(work) if name == engine and priority > urgent]
        assert late >= max(earlier, default=0), "on one engine what is more urgent goes first"


# ── as the foreman does it ────────────────────────────────────────────────────────────────────────────────

UP = EngineView("writer", 1, False, True, True, "")
BLOCKED = EngineView("other", 1, False, False, True, "", hold="memory: writer is in its way", blocked_by=("writer",))
SHORT = JobSettings(patience=30.0)


async def two(it: Site, **changes: object) -> tuple[str, str]:
    """A job on each engine; that of the first is in the air."""
    first = (await it.submit(4, engine="writer")).id
    await it.plan()
    source = it.write("b.jsonl", "b0", "b1")
    second = await it.submit(0, inputs=(source,), engine="other", output=it.path("b-out.jsonl"), **changes)
    await it.plan()
    return first, second.id


def yields(it: Site) -> list[str]:
    return [text for _, about, word, text in it.floor.happenings if (about, word) == ("writer", "engine-yields")]


@pytest.mark.anyio
async def test_an_engine_that_was_waited_for_long_enough_begins_nothing_more(tmp_path: Path) -> None:
    async with site(tmp_path, UP, BLOCKED, limits=SHORT) as it:
        first, second = await two(it)
        it.second()
        engine, message = await it.flight()
        it.second(29)
        assert it.row(second).state == "held"
        assert yields(it) == []
        it.do(engine, message)
        it.land(engine, message)
        engine, message = await it.flight()
        it.second(1)
        it.second(1)
        assert yields(it) == ["writer begins no further flight: other waits for its memory."]
        assert "writer" in it.foreman.wanted(), "it is still at work"
        it.do(engine, message)
        it.land(engine, message)
        it.second()
        assert len(it.floor.flown) == 2
        assert "writer" not in it.foreman.wanted(), "its room can be taken"
        assert "other" in it.foreman.wanted()
        assert (it.row(first).state, it.row(first).reason) == ("held", "writer makes room for other")
        it.floor.change("writer", free=False, hold="memory: other is in its way", blocked_by=("other",))
        it.floor.change("other", free=True, hold="", blocked_by=())
        it.second()
        await it.finish(second)
        it.floor.change("other", free=False)
        it.floor.change("writer", free=True, hold="", blocked_by=())
        it.second()
        await it.finish(first)
        assert [name for name, _ in it.floor.flown] == ["writer"] * 2 + ["other"] * 2 + ["writer"] * 2


@pytest.mark.anyio
async def test_heat_takes_nothing_from_the_patience(tmp_path: Path) -> None:
    async with site(tmp_path, UP, BLOCKED, limits=SHORT) as it:
        await two(it)
        engine, message = await it.flight()
        it.second()
        it.do(engine, message)
        it.floor.change("writer", free=False, hold="heat: 92 °C, resumes at 82")
        it.foreman.said(engine, work.Landed(message.flight))
        it.second(20)
        it.floor.change("writer", free=True, hold="")
        it.second(5)
        assert yields(it) == []
        it.second(5)
        assert len(yields(it)) == 1


@pytest.mark.anyio
async def test_what_is_urgent_does_not_wait_for_the_patience(tmp_path: Path) -> None:
    async with site(tmp_path, UP, BLOCKED, limits=SHORT) as it:
        _, second = await two(it)
        await it.fly()
        await it.foreman.steer(control.PrioritizeJob(second, 9))
        it.second()
        assert len(yields(it)) == 1
        await it.foreman.steer(control.PrioritizeJob(second, 5))
        it.second()
        assert len(yields(it)) == 1
        await it.fly_all(3)


@pytest.mark.anyio
async def test_a_question_to_an_engine_that_makes_room_is_answered_first(tmp_path: Path) -> None:
    async with site(tmp_path, UP, BLOCKED, limits=SHORT) as it:
        await two(it, priority=9)
        engine, message = await it.flight()
        it.second()
        assert len(yields(it)) == 1
        it.do(engine, message)
        it.land(engine, message)
        said: list[object] = []

        async def ask() -> None:
            said.extend([item async for item in it.foreman.answering.ask("writer", '{"prompt": "?"}')])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            engine, message = await it.flight()
            assert message.stream
            it.do(engine, message)
            it.land(engine, message)
        assert isinstance(said[-1], control.Answered)
        it.second()
        assert len(it.floor.flown) == 2


@pytest.mark.anyio
async def test_a_paused_job_takes_no_room_from_others(tmp_path: Path) -> None:
    async with site(tmp_path, UP, BLOCKED, limits=SHORT) as it:
        _, second = await two(it)
        await it.foreman.steer(control.PauseJob(second))
        it.second()
        it.second(100)
        assert yields(it) == []
        await it.fly_all(4)
