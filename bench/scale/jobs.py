"""Many jobs of one unit: what it costs to submit, list, show and pause them while they wait, and to run them all."""

from __future__ import annotations

import time
from dataclasses import dataclass

import anyio

from bench.figures import percentile
from bench.room import open_room
from bench.scale.asking import Asking, asking
from ipc import control
from ipc.snapshot import FINISHED

CONFIG = '[engine.fake]\nkind = "fake"\nseconds_per_unit = 0.0\ntokens_per_unit = 1\n'
LOOK_SECONDS = 0.5
LAST = 100
"""So many of the last submissions are looked at by themselves: what one costs before many others."""


@dataclass(frozen=True)
class Figures:
    """Seconds, and MiB of the supervisor."""

    jobs: int
    submit_all: float
    submit_last: float
    """The middle one of the last."""
    listed: float
    list_command: float
    shown: float
    paused: float
    ended: int
    """Of them all, when they were over or the time that is allowed was."""
    whole: float
    """From the start of the engine until then."""
    rss_before: float
    rss: float
    """The most that was seen."""


def measure(jobs: int, limit_seconds: float) -> Figures:
    """In a room of its own, where the engine is stopped until all are submitted."""
    with open_room(CONFIG) as room:
        source = room.work / "prompt.jsonl"
        source.write_text('{"id": "u", "prompt": "the only one"}\n')

        async def run() -> Figures:
            async with asking(room) as there:
                await there.ask(control.Stop("fake"), control.Done)
                wishes = [
                    control.Submit("fake", "", (str(source),), str(room.work / f"answer{number}.jsonl"), "")
                    for number in range(jobs)
                ]
                return await _run(there, wishes, limit_seconds)

        return anyio.run(run)


async def _run(there: Asking, wishes: list[control.Submit], limit_seconds: float) -> Figures:
    rss_before = there.rss_mib()
    taken = [(await there.ask(wish, control.JobIs))[1] for wish in wishes]
    listed = await there.median(control.Jobs(), control.JobList)
    list_command = there.command_line("jobs", "--json")
    rows = (await there.ask(control.Jobs(), control.JobList))[0].rows
    middle = rows[len(rows) // 2].id
    shown = await there.median(control.ShowJob(middle), control.JobWhole)
    _, paused = await there.ask(control.PauseJob(middle), control.JobIs)
    await there.ask(control.ResumeJob(middle), control.JobIs)
    most, began = there.rss_mib(), time.perf_counter()
    await there.ask(control.Start("fake"), control.Done)
    while True:
        rows = (await there.ask(control.Jobs(), control.JobList))[0].rows
        most, whole = max(most, there.rss_mib()), time.perf_counter() - began
        ended = [row for row in rows if row.state in FINISHED]
        if len(ended) == len(rows) or whole > limit_seconds:
            break
        await anyio.sleep(LOOK_SECONDS)
    wrong = [row.id for row in ended if row.state != "done"]
    if wrong:
        raise SystemExit(f"{len(wrong)} jobs did not end well, such as {wrong[0]}")
    return Figures(
        len(wishes), sum(taken), percentile(taken[-LAST:], 50), listed, list_command, shown, paused,
        len(ended), whole, rss_before, most,
    )  # fmt: skip
