"""One job of many units: what it costs to submit, list, show and pause it while it runs, and to run it to its end."""

from __future__ import annotations

import time
from dataclasses import dataclass

import anyio

from bench.room import open_room
from bench.scale.asking import Asking, asking
from ipc import control
from ipc.snapshot import FINISHED, JobRow

PARALLEL = 16
CONFIG = (
    f'[engine.fake]\nkind = "fake"\npreload = true\nparallel = {PARALLEL}\nseconds_per_unit = 0.0\n'
    "tokens_per_unit = 1\n"
)
UNDER_WAY = 200
"""Units that are done when the measurements under way begin."""
LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Figures:
    """Seconds, and MiB of the supervisor."""

    units: int
    submit: float
    listed: float
    list_command: float
    shown: float
    paused: float
    whole: float
    """From the submission to the end, without the time that it was paused."""
    shown_at_the_end: float
    rss_before: float
    rss: float
    """The most that was seen."""


def measure(units: int) -> Figures:
    """In a room of its own."""
    with open_room(CONFIG) as room:
        source = room.work / "prompts.jsonl"
        with source.open("w") as file:
            file.writelines(f'{{"id": "u{number}", "prompt": "number {number}"}}\n' for number in range(units))

        async def run() -> Figures:
            async with asking(room) as there:
                await there.ask(control.Start("fake"), control.Done)
                wish = control.Submit("fake", "", (str(source),), str(room.work / "answers.jsonl"), "")
                return await _run(there, wish, units)

        return anyio.run(run)


async def _run(there: Asking, wish: control.Submit, units: int) -> Figures:
    rss_before, began = there.rss_mib(), time.perf_counter()
    answer, submit = await there.ask(wish, control.JobIs)
    job = answer.row.id
    while True:
        if (await _row(there, job)).units_done >= UNDER_WAY:
            break
        await anyio.sleep(0.01)
    listed = await there.median(control.Jobs(), control.JobList)
    shown = await there.median(control.ShowJob(job), control.JobWhole)
    _, paused = await there.ask(control.PauseJob(job), control.JobIs)
    standing = time.perf_counter()
    list_command = there.command_line("jobs", "--json")
    await there.ask(control.ResumeJob(job), control.JobIs)
    stood, most = time.perf_counter() - standing, there.rss_mib()
    while True:
        most = max(most, there.rss_mib())
        if (await _row(there, job)).state in FINISHED:
            break
        await anyio.sleep(LOOK_SECONDS)
    whole = time.perf_counter() - began - stood
    last = await _row(there, job)
    if (last.state, last.units_done) != ("done", units):
        raise SystemExit(f"{job} is {last.state} with {last.units_done} of {units} units: {last.reason}")
    at_the_end = await there.median(control.ShowJob(job), control.JobWhole)
    return Figures(
        units, submit, listed, list_command, shown, paused, whole, at_the_end, rss_before, max(most, there.rss_mib())
    )


async def _row(there: Asking, job: str) -> JobRow:
    rows = (await there.ask(control.Jobs(), control.JobList))[0].rows
    return next(row for row in rows if row.id == job)
