"""One run from the first job to the last check."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

import anyio

from bench.chaos import phone
from bench.chaos.census import Census
from bench.chaos.diary import Diary
from bench.chaos.eye import Eye
from bench.chaos.feed import feed, output_of, submit
from bench.chaos.hand import Hand
from bench.chaos.operator import Operator
from bench.chaos.phone import PATIENCE_SECONDS
from bench.chaos.plan import Step, plan
from bench.chaos.scale import CONFIG, Scale
from bench.chaos.source import Source, sources, writer
from bench.chaos.verdict import Verdict, judge
from bench.room import Room, open_room
from config.paths import database_path
from ipc import control
from ipc.errors import ConnectionFailed
from ipc.snapshot import FINISHED

LEAST_SECONDS = 0.3
"""Between two steps, so that engines are mostly up when they are met."""
MOST_SECONDS = 1.5
"""A step waits so long at most for its share of the units: then it strikes while nothing goes on."""
LATE_SECONDS = 60.0
"""For steps that could not be done when it was their turn."""
STILL_SECONDS = 90.0
"""Without any unit ended, after the last step, a job counts as stuck."""
ORPHAN_SECONDS = 2.0
UNITS = tuple(field.name for field in fields(Verdict))


@dataclass(frozen=True)
class Report:
    """What one run did and found."""

    scale: Scale
    asked: Counter[str]
    diary: Diary
    found: Counter[str]
    seconds: float
    folder: Path

    @property
    def broken(self) -> list[str]:
        """Every promise that was broken, a sentence each; empty when all were kept."""
        return self.diary.broken


@dataclass
class Progress:
    """How many of the steps are done."""

    steps: int
    done: int = 0

    def share(self) -> float:
        """In 0..1."""
        return self.done / self.steps


def chaos(scale: Scale, folder: Path) -> Report:
    """A room in `folder`, all that the scale asks for, the checks; the folder holds the evidence."""
    diary, began = Diary(folder), time.monotonic()
    found: Counter[str] = Counter()
    try:
        # Our own keeper, not systemd: without a name of the user it is not asked.
        with open_room(CONFIG, {"USER": "", "LOGNAME": ""}, folder) as room:
            census = Census(room)
            try:
                anyio.run(_run, room, census, scale, diary, found)
            except* ConnectionFailed as silent:
                diary.breaks(f"the supervisor did not answer for {PATIENCE_SECONDS:g} s: {silent.exceptions[0]}")
            room.run("down")
            found["orphans"] = _orphans(census, diary)
            _look_into_store(room, diary)
        asked = Counter(_counted(step) for step in plan(scale))
        asked["kill supervisor"] = scale.supervisor_kills
        return Report(scale, asked, diary, found, time.monotonic() - began, folder)
    finally:
        diary.close()


def _counted(step: Step) -> str:
    return "kill supervisor" if step.act.startswith("kill supervisor") else step.act


async def _run(room: Room, census: Census, scale: Scale, diary: Diary, found: Counter[str]) -> None:
    jobs, steps = sources(scale), plan(scale)
    eye = Eye(room)
    async with anyio.create_task_group() as group:
        group.start_soon(eye.watch)
        undisturbed = await _undisturbed(room, eye)
        base = eye.units_ended
        operator = Operator(room, eye, diary)
        group.start_soon(operator.mend)
        submitted: dict[str, Source] = {}
        progress = Progress(len(steps))
        group.start_soon(feed, room, jobs, progress.share, submitted)
        async with anyio.create_task_group() as going_on:
            hand = Hand(room, census, eye, diary, going_on)
            waiting: list[Step] = []
            for step in steps:
                await _due(eye, base + 0.95 * scale.units * progress.share())
                waiting.append(step)
                await _perform_one(hand, waiting)
                progress.done += 1
            deadline = time.monotonic() + LATE_SECONDS
            while waiting and time.monotonic() < deadline:
                await anyio.sleep(LEAST_SECONDS)
                await _perform_one(hand, waiting)
            for step in waiting:
                diary.did("found nobody", step.act)
        await _end(eye, operator, diary, submitted, len(jobs))
        group.cancel_scope.cancel()
    for promise in eye.unsaid:
        diary.breaks(promise)
    diary.seconds["kill engine → ready"] = eye.ready_seconds
    diary.seconds["kill engine → ready, started at once"] = eye.at_once_seconds
    await _check(room, submitted, undisturbed, diary, found)


async def _undisturbed(room: Room, eye: Eye) -> bytes:
    source = writer("undisturbed")
    job = (await submit(room, source)).id
    if not await eye.until(lambda: job in eye.jobs and eye.jobs[job].state in FINISHED, STILL_SECONDS):
        raise SystemExit(f"the undisturbed job did not end within {STILL_SECONDS:g} s")
    return output_of(room, source).read_bytes()


async def _perform_one(hand: Hand, waiting: list[Step]) -> None:
    """The first of those that wait for which the time is right."""
    for step in waiting:
        if await hand.perform(step):
            waiting.remove(step)
            return


async def _due(eye: Eye, units: float) -> None:
    await anyio.sleep(LEAST_SECONDS)
    await eye.until(lambda: eye.units_ended >= units, MOST_SECONDS - LEAST_SECONDS)


async def _end(eye: Eye, operator: Operator, diary: Diary, submitted: dict[str, Source], jobs: int) -> None:
    """Wait for the end of all jobs as long as anything moves."""
    while len(submitted) < jobs or eye.unfinished:
        before = (len(submitted), eye.units_ended, len(eye.unfinished))
        await operator.resume_all()
        moved = await eye.until(
            lambda before=before: before != (len(submitted), eye.units_ended, len(eye.unfinished)),  # type: ignore[misc]
            STILL_SECONDS,
        )
        if not moved:
            for job in eye.unfinished:
                diary.breaks(f"{job} does not end: {eye.jobs[job].state} {eye.jobs[job].reason}".rstrip())
            return


async def _check(
    room: Room, submitted: dict[str, Source], undisturbed: bytes, diary: Diary, found: Counter[str]
) -> None:
    for job, source in submitted.items():
        detail = (await phone.ask(room, control.ShowJob(job), control.JobWhole)).detail
        output = output_of(room, source)
        if not output.exists():
            diary.breaks(f"{job} ({source.name}) is {detail.row.state} without an output: {detail.row.reason}")
            continue
        aside = [source.ids_at(problem.where) for problem in detail.problems]
        verdict = judge(source, output.read_bytes(), aside, undisturbed if source.kind == "llm" else None)
        found["jobs"] += 1
        found["units"] += len(source.units)
        found["done"] += output.read_bytes().count(b"\n")
        found["set aside"] += sum(map(len, aside))
        found["poison"] += len(source.poison)
        found["companions"] += len(
            {name for names in aside if source.poison & set(names) for name in names} - source.poison
        )
        found["compared"] += source.kind == "llm"
        for name in UNITS:
            ids = getattr(verdict, name)
            found[name] += len(ids)
            for unit in ids:
                diary.breaks(f"{job} ({source.name}), unit {unit}: {name}")


def _orphans(census: Census, diary: Diary) -> int:
    deadline = time.monotonic() + ORPHAN_SECONDS
    while (left := census.everyone()) and time.monotonic() < deadline:
        time.sleep(0.05)
    for one in left:
        diary.breaks(f"{one.name} (pid {one.pid}) is left after `engineroom down`")
    return len(left)


def _look_into_store(room: Room, diary: Diary) -> None:
    with closing(sqlite3.connect(database_path(room.state))) as connection:
        (said,) = connection.execute("PRAGMA integrity_check").fetchone()
    if said != "ok":
        diary.breaks(f"the job store is damaged: {said}")
