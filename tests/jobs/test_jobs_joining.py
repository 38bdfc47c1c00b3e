"""Engines whose flights join: kept full, people at once, suspects alone, and what each flight cost."""

from __future__ import annotations

import contextlib
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from job_site import site
from job_world import World

from ipc import control, work
from ipc.errors import EngineDied
from supervisor.jobs.asks import Ask
from supervisor.jobs.employment import ASKS_ALOFT
from supervisor.jobs.floor import EngineView
from supervisor.jobs.schedule import ahead
from supervisor.jobs.spending import Spending

JOINING = EngineView("writer", 4, False, True, True, "", joins=True)


def take_off(world: World) -> None:
    """Everything that can fly now flies."""
    for _ in range(12):
        world.advance()
        if world.errands:
            world.run_errand()
        world.commit(1000)
    world.advance()


def aloft(world: World) -> int:
    return len(world.open_orders("writer"))


def test_a_place_that_gets_free_is_filled_at_once_and_some_units_wait_in_the_engine() -> None:
    world = World(JOINING)
    world.submit(("good",) * 40)
    take_off(world)
    assert aloft(world) == JOINING.parallel + ahead(JOINING)
    world.work_on("writer", world.open_orders("writer")[2])
    assert aloft(world) == JOINING.parallel + ahead(JOINING) - 1
    take_off(world)
    assert aloft(world) == JOINING.parallel + ahead(JOINING)
    assert [len(one) for one in world.companies[-1:]] == [1]
    world.settle()
    world.check_end()


def test_after_a_death_everybody_that_was_aloft_flies_alone() -> None:
    world = World(JOINING)
    world.submit(("good",) * 5 + ("poison",) + ("good",) * 6)
    take_off(world)
    suspects = {order.index for order in world.open_orders("writer")}
    assert len(suspects) == JOINING.parallel + ahead(JOINING)
    world.companies.clear()
    world.work_on("writer", next(order for order in world.open_orders("writer") if "poison" in order.payload))
    world.settle()
    world.check_end()
    assert all(len(company) == 1 for company in world.companies if suspects & set(company))
    assert suspects <= {index for company in world.companies for index in company}
    assert world.deaths_alone[("box-1", 5)] == 3


def test_a_suspect_of_another_job_waits_until_the_engine_is_empty() -> None:
    world = World(JOINING)
    world.submit(("good",) * 30)
    first = world.submit(("poison", "good"), priority=9)
    take_off(world)
    poison = next(order for order in world.open_orders("writer") if "poison" in order.payload)
    world.work_on("writer", poison)
    world.now += 61.0  # the caution is over, the suspicion is not
    take_off(world)
    assert [order.job for order in world.open_orders("writer")] == [f"box-{first}"], "the suspect flies, and alone"
    world.settle()
    world.check_end()


def test_deterministic_companies_do_not_mix() -> None:
    world = World(EngineView("writer", 4, True, True, True, "", joins=True))
    world.submit(("good",) * 10)
    take_off(world)
    assert aloft(world) == 4
    world.work_on("writer", world.open_orders("writer")[0])
    take_off(world)
    assert aloft(world) == 3
    world.settle()
    world.check_end()
    assert set(world.companies) == {(0, 1, 2, 3), (4, 5, 6, 7), (8, 9)}


@pytest.mark.anyio
async def test_people_are_answered_beside_the_units(tmp_path: Path) -> None:
    async with site(tmp_path, JOINING) as it:
        await it.submit(3)
        await it.plan()
        engine, batch = await it.flight()
        answers: list[control.Answered] = []

        async def ask(text: str) -> None:
            said = [item async for item in it.foreman.answering.ask("writer", text)]
            answers.extend(item for item in said if isinstance(item, control.Answered))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, '"a"')
            tasks.start_soon(ask, '"b"')
            flights = [await it.flight() for _ in range(2)]
            assert [flight.stream for _, flight in flights] == [True, True]
            for _, flight in flights:
                text = flight.units[0].payload
                it.foreman.said(engine, work.UnitDone(flight.flight, "", 0, text, 1, 0.1, 0.1))
                it.land(engine, flight)
        assert sorted(answer.result for answer in answers) == ['"a"', '"b"']
        it.do(engine, batch)
        it.land(engine, batch)
        await it.finish("")


@pytest.mark.anyio
async def test_more_people_than_an_engine_is_given_at_once_wait_for_one_of_them_to_end(tmp_path: Path) -> None:
    async with site(tmp_path, JOINING) as it, anyio.create_task_group() as tasks:

        async def ask() -> None:
            async for _ in it.foreman.answering.ask("writer", "{}"):
                pass

        for _ in range(ASKS_ALOFT + 1):
            tasks.start_soon(ask)
        flights = [await it.flight() for _ in range(ASKS_ALOFT)]
        await anyio.wait_all_tasks_blocked()
        assert len(it.floor.flown) == ASKS_ALOFT
        engine, first = flights[0]
        it.foreman.said(engine, work.UnitDone(first.flight, "", 0, "1", 1, 0.1, 0.1))
        it.land(engine, first)
        await it.flight()
        tasks.cancel_scope.cancel()


# ── what a flight cost ────────────────────────────────────────────────────────────────────────────────────


def test_flights_at_the_same_time_share_by_their_units() -> None:
    spending = Spending()
    spending.began("writer", 1, 3, 100.0)
    spending.began("writer", 2, 1, 110.0)
    assert spending.ended("writer", 1, 150.0) == 10.0 + 30.0
    assert spending.ended("writer", 2, 155.0) == 10.0 + 5.0
    assert spending.ended("writer", 2, 160.0) is None


def test_where_nobody_counts_nothing_is_known_and_a_first_count_begins_at_nothing() -> None:
    spending = Spending()
    spending.began("writer", 1, 1, None)
    assert spending.ended("writer", 1, None) is None
    spending.began("writer", 2, 1, None)
    assert spending.ended("writer", 2, 7.0) == 7.0


@given(
    st.lists(st.tuples(st.sampled_from("be"), st.integers(0, 4), st.floats(0, 50, allow_subnormal=False)), max_size=40)
)
def test_no_joule_is_lost_or_counted_twice_while_something_flies(events: list[tuple[str, int, float]]) -> None:
    spending, at, told, expected = Spending(), 0.0, 0.0, 0.0
    flying: set[int] = set()
    spending.began("writer", 99, 1, 0.0)
    spending.ended("writer", 99, 0.0)
    for what, flight, more in events:
        if flying:
            expected += more
        at += more
        if what == "b" and flight not in flying:
            spending.began("writer", flight, flight + 1, at)
            flying.add(flight)
        elif what == "e" and flight in flying:
            told += spending.ended("writer", flight, at) or 0.0
            flying.discard(flight)
        else:
            spending.began("nobody", flight, 1, None)
            expected -= more if flying else 0.0
            at -= more
    for flight in sorted(flying):
        told += spending.ended("writer", flight, at) or 0.0
    assert told == pytest.approx(expected)


# ── people beside what must be alone ──────────────────────────────────────────────────────────────────────


class People:
    """Asks of one engine, by hand: who waits is served by `advance`, and answered here."""

    def __init__(self, world: World) -> None:
        self.world, self.sent = world, list[work.Fly]()
        fly = world.fly

        def sort(engine: str, message: work.Fly) -> None:
            if message.stream:
                self.sent.append(message)
            else:
                fly(engine, message)

        world.fly = sort  # type: ignore[method-assign]

    def ask(self, count: int = 1) -> None:
        for _ in range(count):
            self.world.asks.add(Ask("fake", "writer", '"?"'))
        self.world.advance()

    def answered(self) -> None:
        """The first of those that fly is answered."""
        flight = self.sent.pop(0).flight
        self.world.asks.said(work.UnitDone(flight, "", 0, '"!"', 1, 0.1, 0.1))
        self.world.asks.said(work.Landed(flight))
        self.world.advance()


def test_units_under_caution_and_people_take_turns_one_at_a_time() -> None:
    world = World(JOINING)
    people = People(world)
    world.submit(("good",) * 5 + ("poison",) + ("good",) * 6)
    take_off(world)
    world.work_on("writer", next(order for order in world.open_orders("writer") if "poison" in order.payload))
    people.ask(3)
    assert len(people.sent) == 1, "one at a time, and people first"
    take_off(world)
    assert "writer" not in world.airborne
    for _ in range(3):
        answered = 0
        while "writer" not in world.airborne:
            assert answered < 2, "people do not keep it for ever"
            people.answered()
            people.ask()
            answered += 1
            take_off(world)
        assert (people.sent, aloft(world)) == ([], 1)
        world.work_on("writer", world.open_orders("writer")[0])
        if "writer" in world.airborne:
            world.land("writer")
        take_off(world)
        assert (len(people.sent), "writer" in world.airborne) == (1, False)


def test_people_join_while_the_units_before_a_suspect_end_and_then_wait_for_it() -> None:
    world = World(JOINING)
    people = People(world)
    first = world.submit(("poison", "good"), priority=9)
    take_off(world)
    world.work_on("writer", next(order for order in world.open_orders("writer") if "poison" in order.payload))
    world.book.change(first, paused=True)
    world.now += 61.0
    world.submit(("good",) * 4)
    take_off(world)
    assert aloft(world) == 4
    world.perform(world.book.change(first, paused=False))
    take_off(world)
    people.ask()
    assert len(people.sent) == 1, "nobody waits for units that end in their own time"
    while "writer" in world.airborne:
        if orders := world.open_orders("writer"):
            world.work_on("writer", orders[0])
        else:
            world.land("writer")
    people.answered()
    people.ask()
    assert not people.sent
    assert [order.job for order in world.open_orders("writer")] == [f"box-{first}"]


def test_a_company_that_must_be_as_it_was_flies_beside_people() -> None:
    world = World(EngineView("writer", 2, True, True, True, "", joins=True))
    people = People(world)
    people.ask(2)
    world.submit(("good",) * 2)
    take_off(world)
    assert (len(people.sent), aloft(world)) == (2, 2)


def test_units_do_not_queue_in_an_engine_full_of_people() -> None:
    world = World(JOINING)
    people = People(world)
    people.ask(JOINING.parallel + ahead(JOINING))
    world.submit(("good",) * 4)
    take_off(world)
    assert "writer" not in world.airborne
    people.answered()
    take_off(world)
    assert aloft(world) == 1


@pytest.mark.anyio
async def test_a_person_who_had_no_word_when_a_drain_took_the_engine_is_asked_again(tmp_path: Path) -> None:
    async with site(tmp_path, JOINING) as it:
        items: list[control.Piece | control.Answered] = []

        async def ask() -> None:
            items.extend([item async for item in it.foreman.answering.ask("writer", "{}")])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            engine, flight = await it.flight()
            it.land(engine, flight)
            engine, again = await it.flight()
            assert again.flight != flight.flight
            it.foreman.said(engine, work.UnitDone(again.flight, "", 0, '"!"', 1, 0.1, 0.1))
            it.land(engine, again)
        assert items == [control.Answered('"!"', 1, 0.1, 0.1)]


@pytest.mark.anyio
async def test_after_a_persons_request_killed_the_engine_people_are_answered_one_at_a_time(tmp_path: Path) -> None:
    async with site(tmp_path, JOINING) as it, anyio.create_task_group() as tasks:

        async def ask() -> None:
            with contextlib.suppress(EngineDied):
                async for _ in it.foreman.answering.ask("writer", "{}"):
                    pass

        for _ in range(2):
            tasks.start_soon(ask)
        flights = [await it.flight() for _ in range(2)]
        for engine, flight in flights:
            it.lose(engine, flight, "own")
        for _ in range(3):
            tasks.start_soon(ask)
        engine, flight = await it.flight()
        await anyio.wait_all_tasks_blocked()
        assert len(it.floor.flown) == 3, "the others wait"
        it.foreman.said(engine, work.UnitDone(flight.flight, "", 0, "1", 1, 0.1, 0.1))
        it.land(engine, flight)
        await it.flight()
        tasks.cancel_scope.cancel()


def test_what_a_flight_cost_is_asked_for_in_parts() -> None:
    spending = Spending()
    spending.began("writer", 1, 1, 100.0)
    spending.began("writer", 2, 1, 110.0)
    assert spending.so_far("writer", 1, 120.0) == 10.0 + 5.0
    assert spending.so_far("writer", 1, 120.0) == 0.0
    assert spending.ended("writer", 1, 130.0) == 5.0
    assert spending.ended("writer", 2, 140.0) == 10.0 + 10.0
    assert spending.so_far("writer", 2, 150.0) == 0.0, "it is not in the air"
