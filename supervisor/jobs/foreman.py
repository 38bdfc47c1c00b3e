"""The foreman: keeps book, air, store and floor in step; of all in this room, only it acts."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Iterable
from functools import partial
from pathlib import Path
from typing import assert_never

import anyio
import msgspec
from anyio import to_thread

from config.errors import did_you_mean
from config.paths import database_path, host_name
from ipc import control, work
from ipc.errors import EngineRoomError, Problem, RequestFailed
from ipc.snapshot import JobDetail, JobRow
from supervisor.awaited import Awaited
from supervisor.jobs import effects, output
from supervisor.jobs.air import Air
from supervisor.jobs.asks import Ask, Asks
from supervisor.jobs.book import Book
from supervisor.jobs.changes import Change, FactsChanged
from supervisor.jobs.dispatch import Dispatch
from supervisor.jobs.effects import Effect
from supervisor.jobs.errands import Errands
from supervisor.jobs.floor import Floor
from supervisor.jobs.job import Facts, Job, Numbers, Spec
from supervisor.jobs.reading import particulars, take_up
from supervisor.jobs.store import Store
from supervisor.jobs.submission import check_output, find_engine, specify
from supervisor.jobs.troubles import problem_of
from supervisor.jobs.wall import Wall
from supervisor.machine.effects import Verdict

OPEN_AGAIN_SECONDS = 2.0
"""A store that cannot be opened is tried again after so long."""


class Foreman:
    """One per supervisor: `start`, then `run` beside the runner, at last `close`.

    The plain methods are called on the loop and return at once.
    """

    def __init__(self, floor: Floor, state_folder: Path) -> None:
        self._floor = floor
        self._path = database_path(state_folder)
        self._store = Store(self._path, self._troubled)
        self._job_numbers, flights = Numbers(), Numbers()
        self._flight_numbers = flights
        self._jobs: dict[int, Job] = {}
        self._book = Book(self._jobs)
        self._air = Air(self._jobs, flights)
        self._asks = Asks(flights)
        self._dispatch = Dispatch(floor, self._jobs, self._book, self._air, self._asks)
        self._wall = Wall(floor, self._jobs, self._dispatch.serving)
        self._errands = Errands(floor, self._store, self._jobs, self._book, self._dispatch.serving, self._act)
        self._closed = False
        self._open = False
        """Whether the jobs were taken up: until then none is known."""
        self._trouble: Problem | None = None
        self._promised: set[Awaited[None]] = set()
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
        self._jobs.update((job.spec.number, job) for job in stored.under_way)
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
        self._errands.close()
        await self._store.close()

    # ── what the runner tells ─────────────────────────────────────────────────────────────────────────────

    def engine_changed(self, engine: str) -> None:
        """Its state or settings changed; cheap enough to be called after every step."""
        self._advance()

    def said(self, engine: str, message: work.Piece | work.UnitDone | work.UnitFailed | work.Landed) -> None:
        """An engine spoke of a flight."""
        about_an_ask = self._asks.said(message)
        match message:
            case work.Piece():
                return  # nothing can go on that could not before
            case _ if about_an_ask:
                self._advance()
            case work.UnitDone():
                self._act(self._air.done(engine, message))
            case work.UnitFailed():
                self._act(self._air.failed(engine, message))
            case work.Landed(flight):
                self._act(self._air.landed(engine, flight))

    def flight_lost(
        self, engine: str, flight: int, verdict: Verdict, alone: bool, cause: str, log_tail: tuple[str, ...]
    ) -> None:
        """A flight went down with its engine; what it finished and said before counts."""
        if not self._asks.lost(flight, cause):
            window = self._floor.settings_of(engine)["restarts_within"]
            careful_until = self._errands.monotonic + float(window or 0)
            self._perform(
                self._air.lost(
                    flight, verdict, alone=alone, cause=cause, log_tail=log_tail, careful_until=careful_until
                )
            )
        self._advance()

    def desk_said(self, kind: str, message: work.Planned | work.Pull | work.Assembled | work.TaskFailed) -> None:
        """A desk spoke of its task."""
        self._errands.said(kind, message)

    def desk_lost(self, kind: str, cause: str) -> None:
        """A kind's desk died, or cannot be started; its task must be given anew."""
        self._errands.lost(kind, cause)

    def second(self, unix: float, monotonic: float) -> None:
        """Once a second: rates, retries, waking of engines."""
        self._errands.monotonic = monotonic
        self._dispatch.second()
        self._advance()
        self._wall.second(monotonic)

    def wanted(self) -> frozenset[str]:
        """Engines that work waits for, or that are at work."""
        return self._dispatch.wanted()

    # ── what clients ask ──────────────────────────────────────────────────────────────────────────────────

    def rows(self) -> tuple[JobRow, ...]:
        """Every job, oldest first."""
        return self._wall.rows()

    def listed(self) -> tuple[JobRow, ...]:
        """The same for a client that asks. Raises RequestFailed: no job could be taken up yet, so none is known."""
        if not self._open:
            self._refuse_in_trouble()
        return self.rows()

    async def detail(self, id: str) -> JobDetail:  # noqa: A002 (the word of the protocol)
        """One job with its problems and measurements. Raises RequestFailed: there is no such job."""
        spec, facts = self._find(id)
        try:
            found = await to_thread.run_sync(particulars, self._path, spec.number, facts.attempts)
        except sqlite3.Error as error:
            raise RequestFailed(problem_of(error, self._path)) from error
        return JobDetail(self._wall.row(spec.number), found.numbers, found.problems, spec.settings)

    async def submit(self, wish: control.Submit) -> JobRow:
        """A new job, durable before this returns.

        Raises:
            RequestFailed: no such kind or engine, an input that is not there, an output that cannot be written.
        """
        self._refuse_in_trouble()
        number = self._job_numbers.next()
        spec = specify(wish, self._floor, number=number, host=host_name(), unix=time.time())
        await to_thread.run_sync(output.probe, spec.inputs, spec.output, spec.id)
        check_output(spec, (job.spec for job in self._jobs.values()))
        self._refuse_in_trouble()  # which may have begun meanwhile
        try:
            return await self._carry_out(number, self._book.add(spec))
        except RequestFailed:
            self._act([*self._air.forget(number), *self._book.cancel(number, time.time())])
            self._refuse_in_trouble()
            raise

    async def pause(self, id: str) -> JobRow:  # noqa: A002
        """Start no further flight of it. Raises RequestFailed: no such job, or it is over."""
        number = self._unfinished(id)
        return await self._carry_out(number, self._book.pause(number))

    async def resume(self, id: str) -> JobRow:  # noqa: A002
        """Go on. Raises RequestFailed: no such job, or it is over."""
        number = self._unfinished(id)
        return await self._carry_out(number, self._book.resume(number))

    async def cancel(self, id: str) -> JobRow:  # noqa: A002
        """Stop it within one step and keep what is done. Raises RequestFailed: no such job, or it is over."""
        number = self._unfinished(id)
        return await self._carry_out(number, [*self._air.forget(number), *self._book.cancel(number, time.time())])

    async def ask(self, engine: str, payload: str) -> AsyncIterator[control.Piece | control.Answered]:
        """One interactive unit, before any unit of a job: pieces as they come, then the whole answer.

        Leaving the iteration cancels the flight.

        Raises:
            RequestFailed: no such engine, it cannot be had, or the unit cannot be done.
            EngineDied: the engine died with it; the text so far is in the error.
        """
        kind, _ = find_engine(self._floor, engine)
        ask = Ask(kind, engine, payload)
        self._asks.add(ask)
        self._advance()
        try:
            async for item in ask.items():
                yield item
        finally:
            self._asks.withdraw(ask)
            if ask.flight is not None and not ask.over:
                self._floor.cancel(engine, ask.flight)

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
                    self._floor.fly(engine, message)
                case effects.Recall(engine, flight):
                    self._floor.cancel(engine, flight)
                case effects.Plan(number, limit):
                    self._errands.plan(number, limit)
                case effects.Assemble(number):
                    self._errands.assemble(number)
                case effects.Place(number):
                    self._errands.place(number)
                case effects.Discard(number):
                    self._errands.discard(self._wall.stored(number)[0])
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

    async def _carry_out(self, number: int, wanted: Iterable[Effect]) -> JobRow:
        """The row once all of it is stored. Raises RequestFailed: it cannot be stored just now, but will be."""
        self._act(wanted)
        stored = Awaited[None]()
        self._store.write((), partial(stored.give, None))
        self._promised.add(stored)
        try:
            await stored.get()
        finally:
            self._promised.discard(stored)
        return self._wall.row(number)

    def _troubled(self, problem: Problem | None) -> None:
        if problem == self._trouble:
            return
        self._trouble = problem
        self._wall.trouble = "" if problem is None else f"nothing can be stored: {problem.detail.rstrip('.')}"
        if problem is None:
            self._floor.happen("info", "supervisor", "store-well", "Jobs can be stored again, and go on.")
            return
        text = f"Jobs wait, because nothing can be stored: {problem.detail} {problem.hint}"
        self._floor.happen("error", "supervisor", "store-stuck", text)
        late = Problem(problem.title, f"It is not stored yet: {problem.detail}", f"It will be. {problem.hint}")
        for stored in self._promised:
            stored.refuse(late)

    def _run_hook(self, number: int) -> None:
        spec, facts = self._wall.stored(number)
        self._floor.run_on_done(self._wall.row(number), spec.on_done)
        self._perform([effects.Save((FactsChanged(number, msgspec.structs.replace(facts, hook_due=False)),))])

    # ── looking things up ─────────────────────────────────────────────────────────────────────────────────

    def _find(self, id: str) -> tuple[Spec, Facts]:  # noqa: A002
        found = self._wall.find(id)
        if not self._open:
            self._refuse_in_trouble()
        if found is None:
            raise RequestFailed(Problem("Unknown job", f"There is no job {id!r}.", did_you_mean(id, self._wall.ids())))
        return found

    def _unfinished(self, id: str) -> int:  # noqa: A002
        spec, facts = self._find(id)
        if spec.number not in self._jobs:
            over = facts.ending or "ending"
            raise RequestFailed(Problem("Job is over", f"{id} is {over}.", "Submit it again if you need it."))
        self._refuse_in_trouble()
        return spec.number

    def _refuse_in_trouble(self) -> None:
        if self._trouble is not None:
            raise RequestFailed(self._trouble)
