"""The foreman: keeps book, air, store and floor in step; of all in this room, only it acts."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, assert_never

import anyio
import msgspec
from anyio import to_thread

from config.house import JobSettings
from config.paths import database_path, spool_path, unit_files_path
from config.pools import Pool
from ipc import control, work
from ipc.errors import EngineRoomError, Problem, RequestFailed
from ipc.snapshot import JobDetail, JobRow
from supervisor.jobs import details, effects, unit_files
from supervisor.jobs.air import Air
from supervisor.jobs.answering import Answering
from supervisor.jobs.asks import Asks
from supervisor.jobs.book import Book
from supervisor.jobs.bureau import Bureau
from supervisor.jobs.changes import Change, FactsChanged
from supervisor.jobs.clearing import Clearing
from supervisor.jobs.dispatch import Dispatch
from supervisor.jobs.effects import Effect
from supervisor.jobs.errands import Errands
from supervisor.jobs.floor import Floor
from supervisor.jobs.job import Job, Numbers
from supervisor.jobs.line import Line
from supervisor.jobs.order import Order
from supervisor.jobs.reading import take_up
from supervisor.jobs.routes import Pools
from supervisor.jobs.rows import About
from supervisor.jobs.spending import Spending
from supervisor.jobs.steering import Steer, Steering
from supervisor.jobs.store import Store
from supervisor.jobs.submitting import Submitting
from supervisor.jobs.troubles import problem_of
from supervisor.jobs.wall import Wall
from supervisor.machine.effects import Verdict

HOUSEKEEPING_SECONDS: Final = 600.0
OPEN_AGAIN_SECONDS: Final = 2.0
"""A store that cannot be opened is tried again after so long."""


class Foreman:
    """One per supervisor: `start`, then `run` beside the runner, at last `close`.

    The plain methods are called on the loop and return at once.
    """

    def __init__(
        self,
        floor: Floor,
        state_folder: Path,
        limits: JobSettings,
        clock: Callable[[], float] = time.monotonic,
        pools: Iterable[Pool] = (),
    ) -> None:
        self._floor = floor
        self._path, files = database_path(state_folder), unit_files_path(state_folder)
        self._store = Store(self._path, self._troubled)
        self._job_numbers, flights = Numbers(), Numbers()
        self._flight_numbers = flights
        self._jobs: dict[int, Job] = {}
        self._spending, self._working = Spending(), Spending()
        self._clock = clock
        self._trouble: Problem | None = None
        self._open = False
        """Whether the jobs were taken up: until then none is known."""
        order = Order()
        self._line = Line(self._jobs, order)
        self._book = Book(self._jobs, self._line)
        self._air = Air(self._jobs, flights, files)
        self._asks = Asks(flights)
        self._pools = Pools(pools)
        self._dispatch = Dispatch(
            floor, self._jobs, self._line, self._book, self._air, self._asks, limits.patience, self._pools
        )
        self._wall = Wall(floor, self._jobs, order, self._about)
        self._errands = Errands(
            floor, self._store, self._jobs, self._book, self._air, files, flights, self._dispatch.serving, self._act
        )
        self._bureau = Bureau(
            floor,
            self._pools,
            self._store,
            self._jobs,
            self._book,
            self._air,
            self._wall,
            files,
            self._act,
            self._problem,
            self._is_open,
        )
        self.submitting = Submitting(self._bureau, self._job_numbers, spool_path(state_folder))
        self._steering = Steering(self._bureau)
        self.clearing = Clearing(self._bureau, self.submitting, limits)
        self.answering = Answering(floor, self._pools, self._asks, self._advance)
        self._closed = False
        self.replaced = self._store.replaced
        """Set when the store is not the one that was written any more: another supervisor has to take up what it is."""

    async def start(self) -> None:
        """Open the store and take up the unfinished jobs; call it once, when the floor can be asked.

        Where that fails, everything but jobs works, and `run` tries again until it does not.
        """
        try:
            await self._take_up()
        except EngineRoomError as error:
            self._troubled(error.problem)

    async def _take_up(self) -> None:
        stored = await self._store.open(partial(take_up, path=self._path))
        self._job_numbers.skip(stored.last_job)
        self._flight_numbers.skip(stored.last_flight)
        self._air.skip_runs(stored.last_run)
        files, known = self._bureau.files, frozenset(spec.number for spec, _ in stored.jobs)
        await to_thread.run_sync(unit_files.sweep_others, files, known)
        await to_thread.run_sync(unit_files.prepare_all, files, [job.spec.number for job in stored.under_way])
        self._jobs.update((job.spec.number, job) for job in stored.under_way)
        self._line.changed()
        for spec, facts in stored.jobs:
            self._wall.hang(spec, facts)
        self._open = True

    async def run(self) -> None:
        """Do what there is to do, until cancelled; what the other methods promise comes true while this runs."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._errands.run)
            while not self._open:
                await self._try_again()
            tasks.start_soon(self._store.run, self._settled)
            tasks.start_soon(self._housekeep)
            self._act(effects.RunHook(number) for number in self._wall.hooks_due())

    async def _try_again(self) -> None:
        await anyio.sleep(OPEN_AGAIN_SECONDS)
        try:
            await self._take_up()
        except EngineRoomError as error:
            self._troubled(error.problem)
        else:
            self._troubled(None)
            for row in self.rows():
                self._floor.job_changed(row)

    async def close(self) -> None:
        """Commit what was said so far and close the store; nothing is told or sent any more."""
        self._closed = True
        self.answering.close()
        self._errands.close()
        await self._store.close()

    # ── what the runner tells ─────────────────────────────────────────────────────────────────────────────

    def engine_changed(self, engine: str) -> None:
        """Its state or settings changed; cheap enough to be called after every step."""
        self._advance()

    def said(
        self, engine: str, message: work.Piece | work.Took | work.UnitDone | work.UnitFailed | work.Landed
    ) -> None:
        """An engine spoke of a flight."""
        about_an_ask = self._asks.said(message)
        match message:
            case work.Piece() | work.Took():
                return  # nothing can go on that could not before
            case work.Landed(flight) if about_an_ask:
                self._spent(engine, flight)
                self._advance()
            case _ if about_an_ask:
                return  # its flight lands at once
            case work.UnitDone(flight):
                self._air.worked(flight, self._working.so_far(engine, flight, self._clock()))
                self._act(self._air.done(engine, message))
            case work.UnitFailed():
                self._act(self._air.failed(engine, message))
            case work.Landed(flight):
                self._act(self._air.landed(engine, flight, self._spent(engine, flight)))

    def flight_lost(
        self, engine: str, flight: int, verdict: Verdict, alone: bool, cause: str, log_tail: tuple[str, ...]
    ) -> None:
        """A flight went down with its engine; what it finished and said before counts."""
        joules = self._spent(engine, flight)
        careful_until = self._errands.monotonic + float(self._floor.settings_of(engine)["restarts_within"] or 0)
        if self._asks.lost(flight, cause):
            if verdict == "own":
                self._air.beware(engine, careful_until)
        else:
            self._perform(
                self._air.lost(
                    flight,
                    verdict,
                    alone=alone,
                    cause=cause,
                    log_tail=log_tail,
                    careful_until=careful_until,
                    joules=joules,
                )
            )
        self._advance()

    def handed_over(self, engine: str, former: str) -> None:
        """Another process has taken the engine's place. What flies on the one before goes on under the name `former`,
        as on an engine that gets no further flight."""
        self._air.handed_over(engine, former)
        self._asks.handed_over(engine, former)
        now = self._clock()
        self._working.handed_over(engine, now, former, now)
        self._spending.handed_over(engine, self._floor.joules_of(engine), former, self._floor.joules_of(former))

    def desk_said(self, kind: str, message: work.Planned | work.Pull | work.Assembled | work.TaskFailed) -> None:
        """A desk spoke of its task."""
        self._errands.said(kind, message)

    def desk_lost(self, kind: str, cause: str) -> None:
        """A kind's desk died, or cannot be started; its task must be given anew."""
        self._errands.lost(kind, cause)

    def second(self, unix: float, monotonic: float) -> None:
        """Once a second: rates, retries, waking of engines, turns."""
        self._errands.monotonic = monotonic
        self._perform(self._dispatch.second(monotonic))
        self._advance()
        self._wall.second(monotonic, [job.spec.number for job in self._line.head()])

    def wanted(self) -> frozenset[str]:
        """Engines that work waits for, or that are at work."""
        return self._dispatch.wanted()

    def hits(self, pool: str) -> tuple[int, int]:
        """How often what came to a pool found its engine loaded, and how often it had to wait for a load."""
        return self._dispatch.hits.of(pool)

    def at_work(self) -> frozenset[str]:
        """Engines with something in the air."""
        return self._dispatch.flying()

    # ── what clients ask ──────────────────────────────────────────────────────────────────────────────────

    def rows(self) -> tuple[JobRow, ...]:
        """Every job, oldest first."""
        return self._wall.rows()

    def active_rows(self) -> tuple[JobRow, ...]:
        """Those that something can happen to."""
        return tuple(self._wall.row(job.spec.number) for job in self._line.head() if self._wall.knows(job.spec.number))

    def listed(self) -> tuple[JobRow, ...]:
        """All for a client that asks. Raises RequestFailed: no job could be taken up yet, so none is known."""
        if not self._open:
            self._bureau.refuse_in_trouble()
        return self.rows()

    async def detail(self, id: str) -> JobDetail:  # noqa: A002 (the word of the protocol)
        """One job with its problems and measurements. Raises RequestFailed: there is no such job."""
        spec, facts = self._bureau.find(id)
        try:
            found = await to_thread.run_sync(details.particulars, self._path, spec.number, facts.attempts)
        except sqlite3.Error as error:
            raise RequestFailed(problem_of(error, self._path)) from error
        return JobDetail(
            self._wall.row(spec.number), found.numbers, found.problems, spec.settings, found.runs, spec.own
        )

    async def units(self, wish: control.ShowUnits) -> control.UnitPage:
        """A page of a job's units. Raises RequestFailed: there is no such job."""
        spec, _ = self._bureau.find(wish.id)
        job = self._jobs.get(spec.number)
        flights = () if job is None else tuple(flight for flight in job.flights.values() if flight.sent)
        flying = frozenset(unit.index for flight in flights for unit in flight.open)
        try:
            rows, last = await to_thread.run_sync(
                details.units, self._path, spec.number, wish.after, wish.limit, wish.states, flying
            )
        except sqlite3.Error as error:
            raise RequestFailed(problem_of(error, self._path)) from error
        return control.UnitPage(rows, last)

    async def steer(self, wish: Steer) -> JobRow:
        """Change a job while it runs, or take it up again. Raises RequestFailed: it makes no sense."""
        return await self._steering.steer(wish)

    # ── deciding and doing ────────────────────────────────────────────────────────────────────────────────

    def _act(self, wanted: Iterable[Effect]) -> None:
        self._perform(wanted)
        self._advance()

    def _advance(self) -> None:
        self._perform(self._dispatch.advance(time.time(), self._errands.monotonic))

    def _perform(self, wanted: Iterable[Effect]) -> None:
        for effect in () if self._closed else wanted:
            match effect:
                case effects.Save(what, then):
                    self._store.write(what, partial(self._stored, what, then))
                case effects.Stored(flight):
                    self._air.stored(flight)
                case effects.Fly(engine, message):
                    flight, units = message.flight, len(message.units)
                    self._spending.began(engine, flight, units, self._floor.joules_of(engine))
                    self._working.began(engine, flight, units, self._clock())
                    self._floor.fly(engine, message)
                    for feed in self._asks.feed(flight):
                        self._floor.feed(engine, feed)
                case effects.Recall(engine, flight):
                    self._floor.cancel(engine, flight)
                case effects.Plan(number, limit):
                    self._errands.plan(number, limit)
                case effects.Assemble(number, which):
                    self._errands.assemble(number, which)
                case effects.Place(number, which):
                    self._errands.place(number, which)
                case effects.Tidy(number):
                    self._errands.tidy(self._wall.stored(number)[0])
                case effects.RunHook(number):
                    self._run_hook(number)
                case effects.Wake(engine):
                    self._floor.want_ready(engine)
                case effects.FailEngine(engine, cause):
                    self._floor.fail_engine(engine, cause)
                case effects.Happen(severity, about, word, text):
                    self._floor.happen(severity, about, word, text)
                case _:
                    assert_never(effect)

    def _stored(self, what: Iterable[Change], then: Iterable[Effect]) -> None:
        for change in what:
            self._wall.note(change)
        self._perform(then)

    def _settled(self) -> None:
        self._wall.publish()
        self._advance()

    def _spent(self, engine: str, flight: int) -> float | None:
        """Joules, now that the flight is over; the time is noted."""
        self._air.worked(flight, self._working.ended(engine, flight, self._clock()))
        return self._spending.ended(engine, flight, self._floor.joules_of(engine))

    def _about(self, job: Job) -> About:
        problem = self._trouble
        trouble = "" if problem is None else f"nothing can be stored: {problem.detail.rstrip('.')}"
        pool = self._pools.of(job)
        engines = self._dispatch.awaited(job)
        return About(
            engines,
            trouble=trouble,
            yielding=self._dispatch.yielding,
            holding_back=self._air.holding_back(engines, self._errands.monotonic),
            pool="" if pool is None else pool.name,
        )

    def _troubled(self, problem: Problem | None) -> None:
        if problem == self._trouble:
            return
        self._trouble = problem
        self._wall.look_again()
        if problem is None:
            self._floor.happen("info", "supervisor", "store-well", "Jobs can be stored again, and go on.")
            return
        text = f"Jobs wait, because nothing can be stored: {problem.detail} {problem.hint}"
        self._floor.happen("error", "supervisor", "store-stuck", text)
        self._bureau.tell_late(problem)

    def _problem(self) -> Problem | None:
        return self._trouble

    def _is_open(self) -> bool:
        return self._open

    def _run_hook(self, number: int) -> None:
        spec, facts = self._wall.stored(number)
        self._floor.run_on_done(self._wall.row(number), spec.on_done)
        self._perform([effects.Save((FactsChanged(number, msgspec.structs.replace(facts, hook_due=False)),))])

    async def _housekeep(self) -> None:
        while True:
            if self._trouble is None:
                with suppress(RequestFailed):  # nothing can be stored since a moment ago
                    await self.clearing.housekeep()
            await anyio.sleep(HOUSEKEEPING_SECONDS)
