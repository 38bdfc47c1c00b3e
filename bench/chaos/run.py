"""One run from the first job to the last check."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from bench.chaos import after
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
from bench.room import Room, open_room
from ipc.errors import ConnectionFailed
from ipc.snapshot import FINISHED

LEAST_SECONDS = 0.3
"""Between two steps, so that engines are mostly up when they are met."""
MOST_SECONDS = 1.5
"""A step waits so long at most for its share of the units: then it strikes while nothing goes on."""
LAST_SHARE = 0.95
"""Of the units, done when the last step is due."""
LATE_SECONDS = 60.0
"""For steps that could not be done when it was their turn."""
STILL_SECONDS = 90.0
"""Without any unit ended, after the last step, a job counts as stuck."""


@dataclass(frozen=True)
class Report:
    """What one run did and found."""

    scale: Scale
    asked: Counter[str]
    diary: Diary
    found: Counter[str]
    seconds: float

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
            found["orphans"] = after.look_for_orphans(census, diary)
            after.look_into_store(room, diary)
        return Report(scale, _asked(scale), diary, found, time.monotonic() - began)
    finally:
        diary.close()


def _asked(scale: Scale) -> Counter[str]:
    asked = Counter(str(step.act) for step in plan(scale))
    asked["kill supervisor"] = scale.supervisor_kills  # some of them two at a time
    return asked


async def _run(room: Room, census: Census, scale: Scale, diary: Diary, found: Counter[str]) -> None:
    eye = Eye(room)
    submitted: dict[str, Source] = {}
    async with anyio.create_task_group() as group:
        group.start_soon(eye.watch)
        undisturbed = await _undisturbed(room, eye)
        if undisturbed is not None:
            await _disturb(room, census, scale, eye, diary, submitted, group)
        group.cancel_scope.cancel()
    diary.seconds["kill engine → ready"] = eye.ready_seconds
    diary.seconds["kill engine → ready, started at once"] = eye.at_once_seconds
    if undisturbed is None:
        diary.breaks(f"the writer's undisturbed job did not end within {STILL_SECONDS:g} s")
        return
    await after.look_at_jobs(room, submitted, undisturbed, diary, found)
    after.look_at_what_was_told(eye, diary, found)


async def _undisturbed(room: Room, eye: Eye) -> bytes | None:
    source = writer("undisturbed")
    job = (await submit(room, source)).id
    if await eye.until(lambda: job in eye.jobs and eye.jobs[job].state in FINISHED, STILL_SECONDS):
        return output_of(room, source).read_bytes()
    return None


async def _disturb(
    room: Room, census: Census, scale: Scale, eye: Eye, diary: Diary, submitted: dict[str, Source], group: TaskGroup
) -> None:
    jobs, steps = sources(scale), plan(scale)
    operator, progress = Operator(room, eye, diary), Progress(len(steps))
    group.start_soon(operator.mend)
    group.start_soon(feed, room, jobs, progress.share, submitted)
    async with anyio.create_task_group() as going_on:
        await _take(steps, Hand(room, census, eye, diary, going_on), eye, diary, scale, progress)
    await _end(eye, operator, diary, submitted, len(jobs))


async def _take(steps: Sequence[Step], hand: Hand, eye: Eye, diary: Diary, scale: Scale, progress: Progress) -> None:
    """All steps, each in its time."""
    waiting: list[Step] = []
    before = eye.units_ended
    for step in steps:
        await _due(eye, before + LAST_SHARE * scale.units * progress.share())
        waiting.append(step)
        await _perform_one(hand, waiting)
        progress.done += 1
    deadline = time.monotonic() + LATE_SECONDS
    while waiting and time.monotonic() < deadline:
        await anyio.sleep(LEAST_SECONDS)
        await _perform_one(hand, waiting)
    for step in waiting:
        diary.did("found nobody", step.act)


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

    def now() -> tuple[int, int, int]:
        return len(submitted), eye.units_ended, len(eye.unfinished)

    while len(submitted) < jobs or eye.unfinished:
        seen = now()
        await operator.resume_all()
        if not await eye.until(lambda seen=seen: now() != seen, STILL_SECONDS):  # type: ignore[misc]
            for job in eye.unfinished:
                diary.breaks(f"{job} does not end: {eye.jobs[job].state} {eye.jobs[job].reason}".rstrip())
            return
