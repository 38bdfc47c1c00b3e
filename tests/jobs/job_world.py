"""A world around the pure parts of the job room: engines, a desk, a disk that commits when it likes, and a supervisor
that can die at any moment and be born again from what was committed."""

from __future__ import annotations

import sqlite3
from collections import Counter, deque
from pathlib import Path
from typing import assert_never

import msgspec
from floors import ScriptedFloor

from ipc import work
from ipc.errors import Problem
from supervisor.jobs import effects
from supervisor.jobs.air import DEATHS, Air
from supervisor.jobs.asks import Asks
from supervisor.jobs.book import Book
from supervisor.jobs.changes import FactsChanged, JobAdded
from supervisor.jobs.dispatch import Dispatch
from supervisor.jobs.effects import Effect
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Job, Numbers, Spec
from supervisor.jobs.reading import take_up
from supervisor.jobs.saving import save
from supervisor.jobs.schema import migrate
from supervisor.machine.effects import Verdict

NOWHERE = Path("memory")


class Source(msgspec.Struct, frozen=True):
    """What a job reads: units by kind (`good`, `poison`, `bad` fails in peace, `junk` is no unit at all)."""

    lines: tuple[str, ...]


class World:
    """Everything around book, air and dispatch, held by plain values."""

    def __init__(self, *engines: EngineView) -> None:
        self.floor = ScriptedFloor(*engines)
        self.disk = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.disk, NOWHERE)
        self.now = 0.0
        self.airborne: dict[str, work.Fly] = {}
        self.ended: dict[str, set[int]] = {}
        self.told: dict[int, Facts] = {}
        self.sources: dict[int, Source] = {}
        self.deaths_alone: Counter[tuple[str, int]] = Counter()
        self.own_deaths = 0
        self.cured = False
        self.old_results: list[tuple[str, work.UnitDone]] = []
        self.outputs: dict[int, str] = {}
        self.companies: list[tuple[int, ...]] = []
        self.boot()

    # ── the supervisor's life ─────────────────────────────────────────────────────────────────────────────

    def boot(self) -> None:
        """A supervisor is born from the disk alone."""
        stored = take_up(self.disk, NOWHERE)
        numbers = Numbers()
        numbers.skip(stored.last_flight)
        self.jobs: dict[int, Job] = {job.spec.number: job for job in stored.under_way}
        self.told = {spec.number: facts for spec, facts in stored.jobs}
        self.last_job = stored.last_job
        self.book = Book(self.jobs)
        self.air = Air(self.jobs, numbers)
        self.dispatch = Dispatch(self.floor, self.jobs, self.book, self.air, Asks(numbers))
        self.uncommitted: deque[effects.Save] = deque()
        self.errands: deque[effects.Plan | effects.Assemble | effects.Place] = deque()
        self.airborne.clear()
        self.old_results.clear()
        for name in self.floor.engines:
            self.floor.change(name, free=self.floor.engines[name].available)

    def perform(self, wanted: list[Effect]) -> None:
        for effect in wanted:
            match effect:
                case effects.Save():
                    self.uncommitted.append(effect)
                case effects.Stored(flight):
                    self.air.stored(flight)
                case effects.Fly(engine, message):
                    self.fly(engine, message)
                case effects.Recall(engine, flight):
                    assert engine not in self.airborne or self.airborne[engine].flight >= flight
                case effects.Plan() | effects.Assemble() | effects.Place():
                    self.errands.append(effect)
                case effects.FailEngine(engine):
                    self.floor.change(engine, available=False, free=False, why_not=f"{engine} failed")
                    self.cured = True
                case effects.Discard() | effects.RunHook() | effects.Wake() | effects.Happen():
                    pass
                case _:
                    assert_never(effect)

    def advance(self) -> None:
        self.perform(self.dispatch.advance(self.now, self.now))

    # ── the disk ──────────────────────────────────────────────────────────────────────────────────────────

    def commit(self, count: int) -> None:
        """The oldest `count` hand-overs become durable together; only then may anyone be told."""
        batch = [self.uncommitted.popleft() for _ in range(min(count, len(self.uncommitted)))]
        self.disk.execute("BEGIN")
        for order in batch:
            for change in order.changes:
                save(self.disk, change)
        self.disk.execute("COMMIT")
        for order in batch:
            for change in order.changes:
                match change:
                    case JobAdded(spec, facts):
                        self.told[spec.number] = facts
                    case FactsChanged(job, facts):
                        self.told[job] = facts
                    case _:
                        pass
            self.perform(list(order.then))

    def state_of(self, job: int) -> Counter[str]:
        return Counter(state for (state,) in self.disk.execute("SELECT state FROM units WHERE job = ?", (job,)))

    # ── the engines ───────────────────────────────────────────────────────────────────────────────────────

    def fly(self, engine: str, message: work.Fly) -> None:
        assert engine not in self.airborne, "one flight at a time"
        assert self.floor.engines[engine].free
        stored = self.disk.execute("SELECT units FROM flights WHERE id = ?", (message.flight,)).fetchone()
        if stored is not None:  # else it is the proof of an engine on trial
            assert msgspec.json.decode(stored[0]) == [order.index for order in message.units]
        self.companies.append(tuple(order.index for order in message.units))
        self.airborne[engine] = message
        self.ended[engine] = set()
        self.floor.change(engine, free=False)

    def open_orders(self, engine: str) -> list[work.UnitOrder]:
        return [order for order in self.airborne[engine].units if order.index not in self.ended[engine]]

    def work_on(self, engine: str, order: work.UnitOrder) -> None:
        """The engine does one unit, or dies of it."""
        flight = self.airborne[engine].flight
        if "poison" in order.payload and not self.cured:
            self.die(engine, "own")
            return
        self.ended[engine].add(order.index)
        if "bad" in order.payload:
            self.perform(
                self.air.failed(engine, work.UnitFailed(flight, order.job, order.index, Problem("Bad", "bad", "")))
            )
            return
        said = work.UnitDone(flight, order.job, order.index, answer(order.payload), 3, 0.1, 0.01)
        self.old_results.append((engine, said))
        self.perform(self.air.done(engine, said))

    def land(self, engine: str) -> None:
        message = self.airborne.pop(engine)
        self.floor.change(engine, free=self.floor.engines[engine].available)
        self.perform(self.air.landed(engine, message.flight))

    def die(self, engine: str, verdict: Verdict) -> None:
        alone = verdict == "own" and len(self.airborne[engine].units) == 1 and not self.ended[engine]
        message = self.airborne.pop(engine)
        self.own_deaths += verdict == "own"
        if alone:
            order = message.units[0]
            self.deaths_alone[(order.job, order.index)] += 1
        self.floor.change(engine, free=self.floor.engines[engine].available)
        self.perform(
            self.air.lost(
                message.flight,
                verdict,
                alone=alone,
                cause="it died",
                log_tail=("last words",),
                careful_until=self.now + 60,
            )
        )

    # ── the desk and the folder of outputs ────────────────────────────────────────────────────────────────

    def submit(self, lines: tuple[str, ...]) -> None:
        self.last_job += 1
        number = self.last_job
        self.sources[number] = Source(lines)
        spec = Spec(number, f"box-{number}", "fake", "", ("/in",), f"/out-{number}", "", {}, 0.0)
        self.perform(self.book.add(spec))

    def run_errand(self) -> None:
        errand = self.errands.popleft()
        number = errand.job
        if number not in self.jobs:
            return
        match errand:
            case effects.Plan():
                self.perform(self.book.planned(number, self.plan(number)))
            case effects.Assemble():
                self.perform(self.book.assembled(number, f"part of {number}"))
            case effects.Place():
                self.outputs[number] = self.jobs[number].facts.placed
                self.perform(self.book.placed(number, self.now))

    def plan(self, number: int) -> work.Planned:
        """Two lines at a time."""
        lines = self.sources[number].lines
        at = int(self.jobs[number].facts.cursor or 0)
        units, problems = [], []
        for index in range(at, min(at + 2, len(lines))):
            if lines[index] == "junk":
                problems.append(work.SourceProblem(f"line {index}", Problem("Junk", "junk", "")))
            else:
                units.append(work.PlannedUnit(f"{lines[index]} {number}/{index}", f"line {index}", None))
        return work.Planned(0, tuple(units), tuple(problems), str(at + 2), end=at + 2 >= len(lines))

    # ── a quiet life ──────────────────────────────────────────────────────────────────────────────────────

    def operate(self, engine: str, *, available: bool) -> None:
        """The operator stops an engine for good, or takes it back."""
        free = available and engine not in self.airborne
        self.floor.change(engine, available=available, free=free, why_not="" if available else f"{engine} is stopped")

    def live(self) -> None:
        """Everyone does one thing that is asked of them, and a minute passes."""
        self.now += 61
        self.dispatch.second()
        for engine in list(self.airborne):
            if orders := self.open_orders(engine):
                self.work_on(engine, orders[0])
            else:
                self.land(engine)
        self.advance()
        if self.errands:
            self.run_errand()
        self.commit(1000)
        self.advance()

    def take_off(self) -> None:
        """Live until something flies, if anything will."""
        for _ in range(6):
            if self.airborne:
                return
            self.live()

    def settle(self) -> None:
        """Everyone does what is asked of them, and the operator puts right what failed, until no job is left."""
        for number in list(self.jobs):
            self.perform(self.book.resume(number))
        for _ in range(3000):
            if not (self.jobs or self.uncommitted or self.airborne):
                return
            for name in self.floor.engines:
                self.operate(name, available=True)
            self.live()
        raise AssertionError(f"never done: {self.jobs}")

    # ── what must always hold ─────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        for number, job in self.jobs.items():
            places = Counter(job.free.keys())
            for formation in job.formations:
                places.update(unit.index for unit in formation.units if not unit.ended)
            for flight in job.flights.values():
                places.update(unit.index for unit in flight.open)
            facts = job.facts
            assert all(count == 1 for count in places.values()), "each open unit is in one place"
            assert len(places) == facts.planned - facts.done - facts.failed, "no unit is lost"
            for unit in (*job.free.values(), *(unit for flight in job.flights.values() for unit in flight.open)):
                assert unit.deaths <= self.deaths_alone[(job.spec.id, unit.index)], (
                    "only a death alone is held against it"
                )
                assert not unit.alone or self.own_deaths, "a death from outside makes no suspects"
            if number in self.told:
                assert self.told[number].done <= facts.done
        for number, facts in self.told.items():
            states = self.state_of(number)
            assert facts.done == states["done"], "what is told is what is stored"
            assert facts.failed == states["failed"] + states["quarantined"]
            assert facts.planned == sum(states.values())

    def check_end(self) -> None:
        """After `settle`: every unit has ended, once, as it should."""
        for number, facts in self.told.items():
            assert facts.ending is not None
            if facts.ending == "cancelled":
                continue
            lines = [line for line in self.sources[number].lines if line != "junk"]
            rows = self.disk.execute(
                "SELECT idx, payload, state, result FROM units WHERE job = ? ORDER BY idx", (number,)
            ).fetchall()
            assert [index for index, *_ in rows] == list(range(len(lines))), "every unit, once, in order"
            for index, payload, state, result in rows:
                assert payload.startswith(lines[index])
                match state:
                    case "done":
                        assert result == answer(payload)
                    case "failed":
                        assert lines[index] == "bad"
                    case "quarantined":
                        assert self.deaths_alone[(f"box-{number}", index)] >= DEATHS
                    case _:
                        raise AssertionError(f"unit {index} of {number} never ended")
            if "bad" not in lines and "poison" not in lines and not self.own_deaths:
                assert facts.done == len(lines)
            assert self.outputs[number] == f"part of {number}"
            problems = self.disk.execute("SELECT count(*) FROM problems WHERE job = ?", (number,)).fetchone()[0]
            assert problems == facts.failed + facts.set_aside
        assert self.disk.execute("SELECT count(*) FROM flights").fetchone() == (0,), "no flight is left behind"


def answer(payload: str) -> str:
    """What an engine makes of a unit."""
    return f'"{payload}!"'
