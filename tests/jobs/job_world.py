"""A world around the pure parts of the job room: engines, a desk, files, a disk that commits when it likes, and a
supervisor that can die at any moment and be born again from what was committed."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

import msgspec
from floors import ScriptedFloor

from config.pools import Pool
from ipc import work
from ipc.errors import Problem
from ipc.snapshot import Scalar
from supervisor.jobs import again, changes, effects
from supervisor.jobs.air import DEATHS, Air
from supervisor.jobs.asks import Asks
from supervisor.jobs.book import Book
from supervisor.jobs.dispatch import Dispatch
from supervisor.jobs.effects import Effect
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Job, Numbers, Spec
from supervisor.jobs.line import Line
from supervisor.jobs.order import WELL, Order
from supervisor.jobs.reading import reload, take_up, units_by
from supervisor.jobs.replanning import unread_tail
from supervisor.jobs.routes import Pools, suits
from supervisor.jobs.saving import save
from supervisor.jobs.schedule import ahead
from supervisor.jobs.schema import migrate
from supervisor.machine.effects import Verdict

NOWHERE = Path("memory")
PATIENCE_SECONDS = 300.0
EXTENTS = (5.0, 100.0, None)
"""How long inputs are, in turn."""


class Source(msgspec.Struct, frozen=True):
    """What a job reads, line by line.

    A line is `good`, `poison` (kills its engine), `bad` (fails in peace), `junk` (is no unit at all) or `torn` (reading
    stops there).
    """

    inputs: tuple[tuple[str, ...], ...]
    folder: bool
    """An output for each input."""


class World:
    """Everything around book, air and dispatch, held by plain values."""

    def __init__(self, *engines: EngineView, pools: tuple[Pool, ...] = ()) -> None:
        self.floor = ScriptedFloor(*engines)
        self.pools = pools
        self.disk = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.disk, NOWHERE)
        self.now = 0.0
        self.airborne: dict[str, list[work.Fly]] = {}
        """The flights of each engine that has any, in the order in which they were sent."""
        self.ended: dict[int, set[int]] = {}
        """Units that ended, of each flight."""
        self.room: dict[int, int] = {}
        """How many units may be aloft where a flight goes, as it was when the flight was composed."""
        self.told: dict[int, Facts] = {}
        self.specs: dict[int, Spec] = {}
        self.sources: dict[int, Source] = {}
        self.deaths_alone: Counter[tuple[str, int]] = Counter()
        self.own_deaths = 0
        self.cured = False
        self.mended = False
        self.gone = False
        """Sources cannot be read a second time."""
        self.old_results: list[tuple[str, work.UnitDone]] = []
        self.parts: dict[tuple[int, int], tuple[str, list[tuple[int, str]]]] = {}
        self.outputs: dict[tuple[int, int], tuple[str, list[tuple[int, str]]]] = {}
        self.companies: list[tuple[int, ...]] = []
        self.count = itertools.count()
        self.boot()

    # ── the supervisor's life ─────────────────────────────────────────────────────────────────────────────

    def boot(self) -> None:
        """A supervisor is born from the disk alone."""
        stored = take_up(self.disk, NOWHERE)
        numbers = Numbers()
        numbers.skip(stored.last_flight)
        self.jobs: dict[int, Job] = {job.spec.number: job for job in stored.under_way}
        self.told = {spec.number: facts for spec, facts in stored.jobs}
        self.specs = {spec.number: spec for spec, _ in stored.jobs}
        self.last_job = stored.last_job
        self.order = Order()
        for number, facts in self.told.items():
            self.order.note(number, facts.ending)
        line = Line(self.jobs, self.order)
        self.book = Book(self.jobs, line)
        self.air = Air(self.jobs, numbers, NOWHERE)
        self.air.skip_runs(stored.last_run)
        self.asks = Asks(numbers)
        self.dispatch = Dispatch(
            self.floor, self.jobs, line, self.book, self.air, self.asks, PATIENCE_SECONDS, Pools(self.pools)
        )
        self.uncommitted: deque[effects.Save] = deque()
        self.errands: deque[tuple[effects.Plan | effects.Assemble | effects.Place, Job, Mapping[str, Scalar]]] = deque()
        self.airborne.clear()
        self.old_results.clear()
        for name in self.floor.engines:
            self.floor.change(name, free=self.floor.engines[name].available)

    def perform(self, wanted: list[Effect]) -> None:
        for effect in wanted:
            match effect:
                case effects.Save():
                    self.uncommitted.append(effect)
                    self.look_for_room(effect)
                case effects.Stored(flight):
                    self.air.stored(flight)
                case effects.Fly(engine, message):
                    self.fly(engine, message)
                case effects.Recall(_, flight):
                    assert flight in self.ended, "only what was sent is called back"
                case effects.Plan() | effects.Assemble() | effects.Place():
                    job = self.jobs[effect.job]
                    if not job.facts.begun:
                        ended = [self.told[other].ending in WELL for other in job.facts.after if other in self.told]
                        assert all(ended), "it begins after those that it waits for"
                    self.errands.append((effect, job, self.planning))
                case effects.FailEngine(engine):
                    self.floor.change(engine, available=False, free=False, why_not=f"{engine} failed")
                    self.cured = True
                case effects.Tidy() | effects.RunHook() | effects.Wake() | effects.Happen():
                    pass
                case _:
                    assert_never(effect)

    def advance(self) -> None:
        self.perform(self.dispatch.advance(self.now, self.now))

    def second(self) -> None:
        self.perform(self.dispatch.second(self.now))

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
                self.note(change)
            self.perform(list(order.then))

    def note(self, change: changes.Change) -> None:
        match change:
            case changes.JobAdded(spec, facts):
                self.told[spec.number], self.specs[spec.number] = facts, spec
                self.order.note(spec.number, facts.ending)
            case changes.FactsChanged(job, facts):
                self.told[job] = facts
                self.order.note(job, facts.ending)
            case changes.JobCleared(job):
                del self.told[job], self.specs[job]
                self.order.forget(job)
            case _:
                pass

    def state_of(self, job: int) -> Counter[str]:
        return Counter(state for (state,) in self.disk.execute("SELECT state FROM units WHERE job = ?", (job,)))

    # ── the engines ───────────────────────────────────────────────────────────────────────────────────────

    def fly(self, engine: str, message: work.Fly) -> None:
        view, aloft = self.floor.engines[engine], self.airborne.setdefault(engine, [])
        assert view.free
        assert not aloft or (view.joins and not message.deterministic), "one flight at a time"
        stored = self.disk.execute("SELECT units FROM flights WHERE id = ?", (message.flight,)).fetchone()
        if stored is not None:  # else it is the proof of an engine on trial
            assert msgspec.json.decode(stored[0]) == [order.index for order in message.units]
        for job in self.jobs.values():
            if message.flight in job.flights:
                assert suits(view, job, job.flights[message.flight].units), "each unit flies where its route says"
        self.companies.append(tuple(order.index for order in message.units))
        aloft.append(message)
        self.ended[message.flight] = set()
        assert len(aloft) == 1 or not self.air.solitary(engine), "a suspect is alone"
        assert len(aloft) == 1 or len(self.open_orders(engine)) <= self.room[message.flight]
        self.floor.change(engine, free=view.joins)

    def look_for_room(self, save: effects.Save) -> None:
        for change in save.changes:
            if isinstance(change, changes.FlightComposed):
                view = self.floor.engines[self.jobs[change.job].flights[change.flight].engine]
                self.room[change.flight] = view.parallel + ahead(view)

    def open_orders(self, engine: str) -> list[work.UnitOrder]:
        return [
            order
            for flight in self.airborne[engine]
            for order in flight.units
            if order.index not in self.ended[flight.flight]
        ]

    def whole(self, engine: str) -> work.Fly | None:
        """A flight of which nothing is left to do."""
        return next((one for one in self.airborne[engine] if len(one.units) == len(self.ended[one.flight])), None)

    def work_on(self, engine: str, order: work.UnitOrder) -> None:
        """The engine does one unit, or dies of it."""
        flight = next(one.flight for one in self.airborne[engine] if order in one.units)
        if "poison" in order.payload and not self.cured:
            self.die(engine, "own")
            return
        self.ended[flight].add(order.index)
        if "bad" in order.payload:
            self.perform(
                self.air.failed(engine, work.UnitFailed(flight, order.job, order.index, Problem("Bad", "bad", "")))
            )
            return
        result = answer(order.payload, next(self.count))
        said = work.UnitDone(flight, order.job, order.index, result, 3, 0.1, 0.01)
        self.old_results.append((engine, said))
        self.perform(self.air.done(engine, said))

    def land(self, engine: str) -> None:
        """One of its flights, a whole one if there is any."""
        message = self.whole(engine) or self.airborne[engine][0]
        self.airborne[engine].remove(message)
        if not self.airborne[engine]:
            del self.airborne[engine]
        self.floor.change(engine, free=self.floor.engines[engine].available)
        self.perform(self.air.landed(engine, message.flight, 1.0))

    def die(self, engine: str, verdict: Verdict) -> None:
        flights = self.airborne.pop(engine)
        alone = verdict == "own" and [len(one.units) for one in flights] == [1] and not self.ended[flights[0].flight]
        self.own_deaths += verdict == "own"
        if alone:
            order = flights[0].units[0]
            self.deaths_alone[(order.job, order.index)] += 1
        self.floor.change(engine, free=False)
        for message in flights:
            self.perform(
                self.air.lost(
                    message.flight,
                    verdict,
                    alone=alone,
                    cause="it died",
                    log_tail=("last words",),
                    careful_until=self.now + 60,
                    joules=1.0,
                )
            )
            self.advance()
        self.floor.change(engine, free=self.floor.engines[engine].available)

    # ── the desk and the folder of outputs ────────────────────────────────────────────────────────────────

    @property
    def planning(self) -> Mapping[str, Scalar]:
        """What decides how sources are divided just now."""
        return next(iter(self.floor.engines.values())).planning

    def divide(self, lines: int) -> None:
        """So many lines make one unit from now on."""
        for name in self.floor.engines:
            self.floor.change(name, planning={"lines": lines})

    def submit(
        self, *inputs: tuple[str, ...], folder: bool = False, after: tuple[int, ...] = (), priority: int = 5
    ) -> int:
        self.last_job += 1
        number = self.last_job
        self.sources[number] = Source(inputs, folder)
        paths = tuple(f"/in-{source}" for source in range(len(inputs)))
        outputs = tuple(f"/out-{number}/{source}" for source in range(len(inputs) if folder else 1))
        spec = Spec(number, f"box-{number}", "fake", paths, f"/out-{number}", outputs, "", {}, 0.0)
        self.perform(self.book.add(spec, Facts(after=after, priority=priority)))
        return number

    def run_errand(self) -> None:
        errand, job, planning = self.errands.popleft()
        number = errand.job
        if self.jobs.get(number) is not job:  # it has ended, and may have been taken up again
            return
        match errand:
            case effects.Plan():
                self.perform(self.plan(number, planning))
            case effects.Assemble(_, which):
                self.commit(1000)  # the desk asks the store, which answers after what was handed over before
                identity = f"file {next(self.count)}"
                self.parts[number, which] = (identity, self.results_of(number, which))
                self.perform(self.book.assembled(number, which, identity))
            case effects.Place(_, which):
                ours = self.jobs[number].outputs[which].identities
                there, part = self.outputs.get((number, which)), self.parts.get((number, which))
                if there is not None and there[0] == ours[-1]:
                    self.perform(self.book.placed(number, which))
                elif part is None or part[0] != ours[-1]:
                    self.perform(self.book.part_missing(number))
                else:
                    assert there is None or there[0] in ours, "only what is ours is replaced"
                    self.outputs[number, which] = self.parts.pop((number, which))
                    self.perform(self.book.placed(number, which))

    def results_of(self, number: int, which: int) -> list[tuple[int, str]]:
        """What is stored when the desk asks."""
        rows = self.disk.execute(
            "SELECT idx, result, source FROM units WHERE job = ? AND state = 'done' ORDER BY idx", (number,)
        )
        return [(index, result) for index, result, source in rows if self.specs[number].output_of(source) == which]

    def plan(self, number: int, planning: Mapping[str, Scalar]) -> list[Effect]:
        """Two units at a time, of as many lines each as `planning` says."""
        facts, back = self.jobs[number].facts, self.jobs[number].parked
        source, cursor = (facts.source, facts.cursor) if back is None else (back.source, back.cursor)
        lines = self.sources[number].inputs[source]
        at = int(cursor or 0)
        torn = at < len(lines) and lines[at] == "torn" and not self.mended
        if torn or (back is not None and self.gone):
            return self.book.unreadable(number, Problem("Torn", "torn", ""), planning)
        size = int(planning.get("lines") or 1)
        units: list[work.PlannedUnit] = []
        problems: list[work.SourceProblem] = []
        while at < len(lines) and len(units) < 2 and (lines[at] != "torn" or self.mended):
            if lines[at] in ("junk", "torn"):
                problems.append(work.SourceProblem(f"line {at}", Problem("Junk", "junk", ""), len(units)))
                at += 1
                continue
            start = at
            members: list[int] = []
            while at < len(lines) and len(members) < size and lines[at] not in ("junk", "torn"):
                members.append(at)
                at += 1
            payload = f"{number}/{source}/{members[0]}-{members[-1]} {' '.join(lines[start:at])}"
            extent = EXTENTS[source % len(EXTENTS)]
            units.append(work.PlannedUnit(payload, f"line {start}", f"unit {number}/{start}", str(start), extent))
        answer_ = work.Planned(0, tuple(units), tuple(problems), str(at), end=at >= len(lines), share=at / len(lines))
        return self.book.planned(number, answer_, planning)

    # ── the operator ──────────────────────────────────────────────────────────────────────────────────────

    def look_up(self, number: int, states: tuple[str, ...]) -> tuple[Job, list[Effect], list[int]]:
        """As `Steering` does: the job at work, what taking it back needs, and units in one of `states`."""
        self.commit(1000)
        job = self.jobs.get(number)
        wanted: list[Effect] = []
        if job is None:
            job = reload(self.disk, number)
            assert job is not None
            assert job.facts.ending is not None
            wanted = self.book.take_back(job)
        open_now = {unit.index for unit in job.open_units()}
        found = [unit.index for unit in units_by(self.disk, number, (), states) if unit.index not in open_now]
        return job, wanted, found

    def retry(self, number: int) -> None:
        job, wanted, indices = self.look_up(number, ("failed", "quarantined"))
        names = [f"#{index}" for index in indices]
        units = units_by(self.disk, number, names, ("failed", "quarantined")) if names else []
        self.air.acquit(number, units)
        tail = unread_tail(job)
        self.perform([*wanted, *again.retry(job, units), *(self.book.rewind(job, tail) if tail else [])])

    def redo(self, number: int, choose: int) -> bool:
        self.commit(1000)
        done = units_by(self.disk, number, (), ("done",))
        if not done:
            return False
        job, wanted, indices = self.look_up(number, ("done",))
        unit = next(unit for unit in done if unit.index == indices[choose % len(indices)])
        again_ = (job.spec.id, unit.index)  # its next result may come while the flight of the last one is still aloft
        self.old_results = [old for old in self.old_results if (old[1].job, old[1].index) != again_]
        self.perform([*wanted, *again.redo(job, [unit])])
        return True

    def clear(self, number: int) -> None:
        """Only what has ended, durably."""
        self.perform([effects.Save((changes.JobCleared(number),))])
        self.commit(1000)

    def cancel(self, number: int) -> None:
        forgotten = self.air.forget(number)
        self.perform([*forgotten, *self.book.cancel(number, self.now)])

    # ── a quiet life ──────────────────────────────────────────────────────────────────────────────────────

    def operate(self, engine: str, *, available: bool) -> None:
        """The operator stops an engine for good, or takes it back."""
        free = available and (self.floor.engines[engine].joins or engine not in self.airborne)
        self.floor.change(engine, available=available, free=free, why_not="" if available else f"{engine} is stopped")

    def live(self) -> None:
        """Everyone does one thing that is asked of them, and a minute passes."""
        self.now += 61
        self.second()
        for engine in list(self.airborne):
            if self.whole(engine) is not None:
                self.land(engine)
            elif orders := self.open_orders(engine):
                self.work_on(engine, orders[0])
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
            self.perform(self.book.change(number, paused=False, after=(), engine=""))
        for _ in range(3000):
            if not (self.jobs or self.uncommitted or self.airborne):
                return
            for name in self.floor.engines:
                self.operate(name, available=True)
            self.live()
        raise AssertionError(f"never done: {self.jobs}")

    # ── what must always hold ─────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        for job in self.jobs.values():
            places = Counter(job.free.keys())
            for formation in job.formations:
                places.update(unit.index for unit in formation.units if not unit.ended)
            for flight in job.flights.values():
                places.update(unit.index for unit in flight.open)
            if job.parked is not None:
                places.update(unit.index for unit in job.parked.units)
            facts = job.facts
            if job.route is not None:
                lined_up = [index for lane in job.lanes for index in lane]
                assert sorted(lined_up) == sorted(job.free), "each that waits is in one lane"
            assert all(count == 1 for count in places.values()), "each open unit is in one place"
            assert len(places) == facts.planned - facts.done - facts.failed, "no unit is lost"
            for unit in job.open_units():
                assert unit.deaths <= self.deaths_alone[(job.spec.id, unit.index)], (
                    "only a death alone is held against it"
                )
                assert not unit.alone or self.own_deaths, "a death from outside makes no suspects"
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
            self.check_units(number)
            self.check_outputs(number, facts)
            problems = self.disk.execute(
                "SELECT count(*), count(stopped) FROM problems WHERE job = ?", (number,)
            ).fetchone()
            kept = self.disk.execute(
                "SELECT count(*) FROM problems JOIN units USING (job, idx) WHERE job = ? AND state = 'done'", (number,)
            ).fetchone()[0]
            assert problems == (facts.failed + facts.set_aside + facts.unread + kept, facts.unread)
        assert self.disk.execute("SELECT count(*) FROM flights").fetchone() == (0,), "no flight is left behind"

    def check_units(self, number: int) -> None:
        rows = self.disk.execute(
            "SELECT idx, payload, state, result, source FROM units WHERE job = ? ORDER BY idx", (number,)
        ).fetchall()
        assert [index for index, *_ in rows] == list(range(len(rows))), "numbered from 0, without gaps"
        covered: list[tuple[int, int]] = []
        for index, payload, state, result, source in rows:
            first, _, last = payload.split(" ")[0].split("/")[2].partition("-")
            covered += [(source, line) for line in range(int(first), int(last) + 1)]
            match state:
                case "done":
                    assert result.startswith(payload)
                case "failed":
                    assert "bad" in payload
                case "quarantined":
                    assert self.deaths_alone[(f"box-{number}", index)] >= DEATHS
                case _:
                    raise AssertionError(f"unit {index} of {number} never ended")
        assert covered == self.readable(number), "every line, once, in order"

    def readable(self, number: int) -> list[tuple[int, int]]:
        """Every line that makes a unit, with its input, as far as that was read."""
        stopped = dict(
            self.disk.execute(
                "SELECT place, CAST(stopped AS INTEGER) FROM problems WHERE job = ? AND stopped IS NOT NULL", (number,)
            )
        )
        return [
            (source, line)
            for source, lines in enumerate(self.sources[number].inputs)
            for line, kind in enumerate(lines[: stopped.get(f"/in-{source}", len(lines))])
            if kind not in ("junk", "torn")
        ]

    def check_outputs(self, number: int, facts: Facts) -> None:
        if facts.ending not in WELL:
            return
        unread = {
            place for (place,) in self.disk.execute(
                "SELECT place FROM problems WHERE job = ? AND stopped IN ('', '0')", (number,)
            )
        }  # fmt: skip
        for which in range(len(self.specs[number].outputs)):
            wanted = self.results_of(number, which)
            if self.sources[number].folder and f"/in-{which}" in unread and not wanted:
                continue
            assert self.outputs[number, which][1] == wanted, "an output holds what is stored"


def answer(payload: str, number: int) -> str:
    """What an engine makes of a unit; no two are alike."""
    return f"{payload}! {number}"
