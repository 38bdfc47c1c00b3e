"""Phrases of up to ten seconds, one after the other, each a job of its own: how long a person waits, and what stays.

From just before `Submit` is sent until the job is done and its text can be read; the model is resident. The library is
a child with the model loaded, which is given the same files. Then the memory of our processes after so many jobs: what
grows with them is lost.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import psutil

from bench import table
from bench.figures import percentile
from bench.job import processes_of
from bench.peer import peer
from bench.room import Room
from bench.stt.ours import ENGINE, Heard, hear, open_ears
from bench.stt.sounds import recording, write
from bench.stt.whole import Bench
from engines.stt.folder import found
from engines.stt.miniature.wrong_words import error_share
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE
from ipc.client import connect_unix

COUNT = 100
AFTER = (1, 50, 100)
AIM_SECONDS = 2.0
MIB = 2**20


@dataclass(frozen=True)
class Phrase:
    """A file, and what is said in it."""

    path: Path
    words: list[str]


def show(bench: Bench) -> None:
    """Measure, print the tables."""
    count = COUNT // 5 if bench.quick else COUNT
    different = phrases(bench.folder, count)
    model = str(found(SttSettings()).path)
    rows, memory = [], dict[int, dict[str, int]]()
    with open_ears({"gpu": "cpu", "quantization": "int8"}, bench.folder) as room:
        for name, asked in ((f"one phrase {count} times", [different[0]] * count), ("different phrases", different)):
            ours, held = anyio.run(partial(_asked, room, asked))
            memory = memory or held
            with peer("bench.stt.bare", [model, "int8", "cpu"], room.environment) as library:
                told = [library.ask(do="sequential", path=str(one.path), beam_size=1, vad=True) for one in asked]
            rows.append((name, asked, ours, [one["seconds"] for one in told]))
    table.head(("what", "asked", "answered", "p50 s", "p95 s", "max s", "library: p50 s", "p95 s", "wrong words"))
    for name, asked, ours, theirs in rows:
        waited = [one.seconds for one in ours]
        p95 = percentile(waited, 95)
        table.line(
            name,
            str(len(asked)),
            str(len(ours)),
            table.number(percentile(waited, 50), 3),
            f"**{p95:.3f}** (aim: ≤ {AIM_SECONDS:g})",
            table.number(max(waited), 3),
            *(table.number(percentile(theirs, percent), 3) for percent in (50, 95)),
            f"{100 * error_share((one.words, heard.text) for one, heard in zip(asked, ours, strict=True)):.1f} %",
        )
    table.head(("jobs", "engine MiB", "desk MiB", "supervisor MiB"))
    for jobs, by_role in memory.items():
        table.line(str(jobs), *(table.number(by_role[role] / MIB, 1) for role in ("engine", "desk", "supervisor")))


def phrases(folder: Path, count: int) -> list[Phrase]:
    """Of one to ten seconds, no two alike."""
    made = []
    for number in range(count):
        one = recording(random.Random(number).uniform(0.5, 5), seed=1000 + number)
        samples = one.samples[: 10 * RATE]
        words = [word for said in one.said if said.end <= 10 for word in said.text.split()]
        made.append(Phrase(write(folder / f"phrase-{number}.wav", samples), words))
    return made


async def _asked(room: Room, asked: Sequence[Phrase]) -> tuple[list[Heard], dict[int, dict[str, int]]]:
    heard: list[Heard] = []
    memory: dict[int, dict[str, int]] = {}
    async with connect_unix(room.socket) as client:
        for number, one in enumerate(asked, 1):
            output = room.work / f"{id(asked)}-{number}.txt"
            heard.append(await hear(room, client, one.path, output))
            if number in AFTER:
                processes = processes_of(room, ENGINE)
                memory[number] = {role: psutil.Process(pid).memory_info().rss for role, pid in processes.items()}
    return heard, memory
