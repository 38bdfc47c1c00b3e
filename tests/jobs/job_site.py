"""A foreman at work on a scripted floor: a real store, real files, the desk of the fake kind, and engines by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypeVar

import anyio
import msgspec
from floors import ScriptedFloor

from config.house import JobSettings
from config.pools import Pool
from engines import partfile, resultfile
from engines.chain import OutputLine
from engines.contract import CannotAssemble, CannotPlan
from engines.fake.assemble import assemble
from engines.fake.plan import plan
from engines.fake.settings import FakeSettings
from engines.fake.unit import Result, requests, result_of
from ipc import control, work
from ipc.errors import Problem
from ipc.snapshot import JobRow, Scalar
from supervisor.jobs.floor import EngineView
from supervisor.jobs.foreman import Foreman
from supervisor.machine.effects import Verdict

T = TypeVar("T")
PATIENCE_SECONDS = 10.0
REFUSED = Problem("Bad request", "The prompt is bad.", "Write another.")


class Site:
    """A foreman, and the world's side of it. A line of a source is known by its text."""

    def __init__(self, foreman: Foreman, floor: ScriptedFloor, folder: Path) -> None:
        self.foreman = foreman
        self.floor = floor
        self.folder = folder
        self.now = 1000.0
        self.word = "done"
        """What engines answer to a line, before its text."""
        self.bad: set[str] = set()
        """Lines that engines refuse."""
        self.stretch = 1000
        """Units that the desk plans at once."""
        self.in_files = False
        """Whether results are too long for a message."""
        self._flown = 0
        self._heard = 0

    # ── files ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def output(self) -> Path:
        return self.folder / "out.jsonl"

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def write(self, name: str, *lines: str) -> str:
        """A source of these lines; one that begins with `junk` is none."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{_line(line)}\n" for line in lines))
        return str(path)

    def answers(self, name: str = "out.jsonl") -> list[str]:
        """What an output says, line by line."""
        lines = (self.folder / name).read_text().splitlines()
        return [msgspec.json.decode(line, type=OutputLine).answer for line in lines]

    # ── clients ───────────────────────────────────────────────────────────────────────────────────────────

    async def submit(self, lines: int = 1, **changes: object) -> JobRow:
        """A job of one source of so many lines, unless `inputs` say otherwise."""
        if "inputs" not in changes:
            changes["inputs"] = (self.write("in.jsonl", *(f"line {n}" for n in range(lines))),)
        wish = control.Submit("fake", "", (), str(self.output), "")
        return await self.foreman.submitting.submit(msgspec.structs.replace(wish, **changes))

    async def retry(self, id_: str, *units: str) -> JobRow:
        return await self.foreman.steer(control.RetryJob(id_, units))

    async def redo(self, id_: str, *units: str) -> JobRow:
        return await self.foreman.steer(control.RedoUnits(id_, units))

    async def cancel(self, id_: str) -> JobRow:
        return await self.foreman.steer(control.CancelJob(id_))

    async def clear(self, *ids: str, force: bool = False) -> control.Cleared:
        return await self.foreman.clearing.clear(control.ClearJobs(ids, force))

    def composed(self) -> list[list[int]]:
        """The units of the flights that are stored."""
        return [msgspec.json.decode(units) for (units,) in self.stored("SELECT units FROM flights ORDER BY id")]

    def stored(self, query: str) -> list[tuple[Any, ...]]:
        """What the store says."""
        with closing(sqlite3.connect(self.folder / "state" / "jobs.sqlite")) as store:
            return store.execute(query).fetchall()

    def row(self, id_: str = "") -> JobRow:
        """The job of that id, or the last."""
        return next(row for row in reversed(self.foreman.rows()) if id_ in ("", row.id))

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────

    async def until(self, holds: Callable[[], bool]) -> None:
        with anyio.move_on_after(PATIENCE_SECONDS):
            while not holds():  # noqa: ASYNC110 (there are more facts than events)
                await anyio.sleep(0.001)
            return
        raise AssertionError(f"it never came true: {self.foreman.rows()}")

    async def held(self, id_: str = "") -> str:
        """Why the job is held, once it is; until then everybody does what they are told."""

        def seen() -> bool:
            self.second(0.0)
            return self.row(id_).state == "held"

        await self.live(seen)
        return self.row(id_).reason

    async def live(self, holds: Callable[[], bool]) -> None:
        """Desk and engines do what they are told until it holds."""
        with anyio.move_on_after(PATIENCE_SECONDS):
            while not holds():
                if len(self.floor.desk_messages) > self._heard:
                    await self.desk()
                elif len(self.floor.flown) > self._flown:
                    await self.fly()
                else:
                    await anyio.sleep(0.001)
            return
        raise AssertionError(f"it never came true: {self.foreman.rows()}")

    async def finish(self, id_: str, state: str = "done") -> None:
        await self.live(lambda: self.row(id_).state == state)

    def second(self, seconds: float = 1.0) -> None:
        self.now += seconds
        self.foreman.second(self.now, self.now)

    # ── the desk ──────────────────────────────────────────────────────────────────────────────────────────

    async def message(self) -> work.Plan | work.Assemble | work.Results:
        """The next one to it."""
        await self.until(lambda: len(self.floor.desk_messages) > self._heard)
        self._heard += 1
        return self.floor.desk_messages[self._heard - 1]

    async def desk(self) -> None:
        """It does its next task."""
        match await self.message():
            case work.Plan() as order:
                self.say(self.planned(order))
            case work.Assemble() as order:
                await self.write_part(order)
            case work.Results():
                raise AssertionError("nobody pulled")

    async def asked(self, what: type[T]) -> T:
        """The next message, which is of this sort."""
        order = await self.message()
        assert isinstance(order, what)
        return order

    async def plan(self) -> None:
        self.say(self.planned(await self.asked(work.Plan)))

    async def assemble(self) -> None:
        await self.write_part(await self.asked(work.Assemble))

    def say(self, message: work.Planned | work.Pull | work.Assembled | work.TaskFailed) -> None:
        self.foreman.desk_said("fake", message)

    def planned(self, order: work.Plan) -> work.Planned | work.TaskFailed:
        limit = min(order.limit, self.stretch)
        try:
            found = plan(Path(order.source), order.cursor, limit, _settings(order.settings))
        except CannotPlan as error:
            return work.TaskFailed(order.task, error.problem, retry=False)
        return work.Planned(order.task, found.units, found.problems, found.cursor, found.end, found.share)

    async def write_part(self, order: work.Assemble) -> None:
        rows = await self.pull(order)
        part = Path(order.part)
        try:
            partfile.begin(part)
            assemble(part, _read_back(rows, order.job), _settings(order.settings), lambda: None)
        except CannotAssemble as error:
            self.say(work.TaskFailed(order.task, error.problem, error.retry))
        else:
            self.say(work.Assembled(order.task, partfile.sync(part)))

    async def pull(self, order: work.Assemble) -> list[work.ResultRow]:
        """Two results at a time."""
        rows: list[work.ResultRow] = []
        last = False
        while not last:
            self.say(work.Pull(order.task, rows[-1].index if rows else -1, 2))
            answer = await self.asked(work.Results)
            rows += answer.rows
            last = answer.last
        return rows

    # ── the engines ───────────────────────────────────────────────────────────────────────────────────────

    async def flight(self) -> tuple[str, work.Fly]:
        """The next one sent."""
        await self.until(lambda: len(self.floor.flown) > self._flown)
        self._flown += 1
        engine, message = self.floor.flown[self._flown - 1]
        self.floor.change(engine, free=self.floor.engines[engine].joins)
        self.foreman.engine_changed(engine)
        return engine, message

    def do(self, engine: str, message: work.Fly, count: int | None = None) -> None:
        """The engine does the first `count` units, all by default."""
        for order in message.units[:count]:
            if self.bad.intersection(lines_of(order)):
                self.foreman.said(engine, work.UnitFailed(message.flight, order.job, order.index, REFUSED))
            else:
                self.foreman.said(engine, self.done(message.flight, order))

    def done(self, flight: int, order: work.UnitOrder) -> work.UnitDone:
        """A result, in its file if results are so long."""
        result = result_of([Result(f"{self.word} {line}", 7, 1, "stop") for line in lines_of(order)])
        said = work.UnitDone(flight, order.job, order.index, result, 7, 0.5, 0.1)
        if not self.in_files:
            return said
        digest = resultfile.write(Path(order.file), result.encode())
        return msgspec.structs.replace(said, result="", digest=digest, file_bytes=len(result.encode()))

    def land(self, engine: str, message: work.Fly) -> None:
        self.floor.change(engine, free=True)
        self.foreman.said(engine, work.Landed(message.flight))

    def lose(
        self, engine: str, message: work.Fly, verdict: Verdict, cause: str = "writer crashed with SIGSEGV"
    ) -> None:
        self.floor.change(engine, free=True)
        alone = verdict == "own" and len(message.units) == 1
        self.foreman.flight_lost(engine, message.flight, verdict, alone, cause, ("the last line",))

    async def fly(self) -> work.Fly:
        """The engine does the next flight."""
        engine, message = await self.flight()
        self.do(engine, message)
        self.land(engine, message)
        return message

    async def fly_all(self, units: int) -> None:
        """The engine does flight after flight until `units` are done."""
        while units:
            units -= len((await self.fly()).units)

    def flown(self) -> list[list[str]]:
        """The lines of each flight that was sent."""
        return [[line for order in message.units for line in lines_of(order)] for _, message in self.floor.flown]


def lines_of(order: work.UnitOrder) -> list[str]:
    """The lines of a unit."""
    return [request.prompt for request in requests(order.payload)]


def part_files(folder: Path) -> list[Path]:
    return list(folder.glob(".*.part"))


def _line(text: str) -> str:
    return text if text.startswith("junk") else msgspec.json.encode({"prompt": text, "id": text}).decode()


def _settings(wanted: dict[str, Scalar]) -> FakeSettings:
    return msgspec.convert(wanted, FakeSettings)


def _read_back(rows: Iterable[work.ResultRow], job: str) -> Iterator[work.ResultRow]:
    return (resultfile.read_back(row, job, lambda: None) for row in rows)


@asynccontextmanager
async def site(
    tmp_path: Path, *engines: EngineView, limits: JobSettings | None = None, pools: Iterable[Pool] = ()
) -> AsyncIterator[Site]:
    """A supervisor's life in this folder; the next one in it takes up what this one leaves."""
    (tmp_path / "state").mkdir(exist_ok=True)
    floor = ScriptedFloor(*engines)
    for name in floor.engines:
        floor.configure(name)
    foreman = Foreman(floor, tmp_path / "state", limits or JobSettings(), lambda: it.now, pools)
    await foreman.start()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(foreman.run)
        it = Site(foreman, floor, tmp_path)
        it.second()
        try:
            yield it
        finally:
            await foreman.close()
            tasks.cancel_scope.cancel()
