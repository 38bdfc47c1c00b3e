"""What is looked at when all is over: outputs, blame, the store, and processes that should not be there."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields

from bench.chaos import phone
from bench.chaos.census import Census
from bench.chaos.diary import Diary
from bench.chaos.eye import Eye
from bench.chaos.feed import output_of
from bench.chaos.source import Source
from bench.chaos.verdict import Verdict, judge
from bench.room import Room
from config.paths import database_path
from ipc import control

DEATHS = 3
"""Of its engine that set a unit aside."""
ORPHAN_SECONDS = 2.0
UNITS = tuple(field.name for field in fields(Verdict))


async def look_at_jobs(
    room: Room, submitted: Mapping[str, Source], undisturbed: bytes, diary: Diary, found: Counter[str]
) -> None:
    """Every unit of every job."""
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


def look_at_what_was_told(eye: Eye, diary: Diary, found: Counter[str]) -> None:
    """Results that were told and lost, and deaths held against units that only kills from outside explain."""
    for promise in eye.unsaid:
        diary.breaks(promise)
    found["blames"] = eye.blames
    due = DEATHS * found["poison"] + diary.counts["stop engine"]
    if eye.blames > due:
        diary.breaks(f"{eye.blames} deaths were held against units; poison and stopped engines explain {due} at most")


def look_for_orphans(census: Census, diary: Diary) -> int:
    """After the end of the room."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    while (left := census.everyone()) and time.monotonic() < deadline:
        time.sleep(0.05)
    for one in left:
        diary.breaks(f"{one.name} (pid {one.pid}) is left after `engineroom down`")
    return len(left)


def look_into_store(room: Room, diary: Diary) -> None:
    """SQLite's own check."""
    with closing(sqlite3.connect(database_path(room.state))) as connection:
        (said,) = connection.execute("PRAGMA integrity_check").fetchone()
    if said != "ok":
        diary.breaks(f"the job store is damaged: {said}")
