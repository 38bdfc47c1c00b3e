"""A long recording through the supervisor, against faster-whisper alone in the way that is nearest.

Ours is timed from just before `Submit` is sent until the update arrives that says the job is done: planned, heard,
written. The library is a child that holds the model loaded, from the order to its last segment. Both read the file,
look for speech where the line says so, and use one thread a stream; ours uses a second process for the planning. The
text of the library is what it returns, ours is the file that a person gets.
"""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from bench import table
from bench.peer import Peer, Told, peer
from bench.room import Room
from bench.stt.ours import Heard, Knobs, hear, open_ears, tune
from bench.stt.sounds import Recording, recording, write
from engines.stt.folder import found
from engines.stt.miniature.wrong_words import error_share
from engines.stt.settings import SttSettings
from ipc.client import connect_unix

AIM = 0.98
_BASE: Knobs = {"batch_size": 1, "beam_size": 1, "window_seconds": 0, "num_workers": 1}


@dataclass(frozen=True)
class Bench:
    """What holds for all parts."""

    folder: Path
    rounds: int
    minutes: float
    quick: bool = False


@dataclass(frozen=True)
class Case:
    """Settings of ours, and what the library is told."""

    name: str
    ours: Knobs
    peer: str
    order: dict[str, Any]
    aim: float | None = AIM


def _sequential(
    name: str, *, vad: bool, beam_size: int = 1, aim: float | None = AIM, **ours: str | int | float
) -> Case:
    told = "sequential" + (", finding speech first" if vad else "")
    order = {"do": "sequential", "beam_size": beam_size, "vad": vad}
    return Case(name, {"beam_size": beam_size, **ours}, told, order, aim)


def _batched(name: str, batch_size: int, window_seconds: int | None, **ours: str | int | float) -> Case:
    told = f"batched, {batch_size} windows" + (f" of {window_seconds} s" if window_seconds else "")
    order = {"do": "batched", "beam_size": 1, "batch_size": batch_size, "window_seconds": window_seconds}
    return Case(name, {"batch_size": batch_size, "window_seconds": window_seconds or 0, **ours}, told, order)


CASES = (
    _sequential("one window at a time", vad=True),
    _sequential("the same", vad=False, aim=None),
    _sequential("5 beams", vad=True, beam_size=5),
    _batched("8 windows at a time", 8, None),
    _batched("windows of 3 s, one at a time", 1, 3),
    _batched("windows of 3 s, 8 at a time", 8, 3),
    _sequential("as many as are faster", vad=True, batch_size=0),
    _sequential("two streams", vad=True, num_workers=2),
)


@dataclass
class Rounds:
    """Of one case: ours, and the library's right after each."""

    ours: list[Heard] = field(default_factory=list)
    library: list[Told] = field(default_factory=list)


def show(bench: Bench) -> None:
    """Measure, print the tables."""
    long = recording(60 * bench.minutes)
    source = write(bench.folder / "long.wav", long.samples)
    warm = write(bench.folder / "warm.wav", recording(5).samples)
    model = str(found(SttSettings()).path)
    results = [(case, Rounds()) for case in CASES]
    with (
        open_ears({"gpu": "cpu", "quantization": "int8"}, bench.folder) as room,
        peer("bench.stt.bare", [model, "int8", "cpu"], room.environment) as library,
    ):
        anyio.run(partial(_heard, room, warm, room.work / "warm.txt"))
        for number, (case, rounds) in itertools.product(range(bench.rounds), results):
            tune(room, {**_BASE, **case.ours})
            output = room.work / f"{case.name}-{number}.txt"
            rounds.ours.append(anyio.run(partial(_heard, room, source, output)))
            rounds.library.append(_told(library, case, source))
    _print(long, results)


async def _heard(room: Room, source: Path, output: Path) -> Heard:
    async with connect_unix(room.socket) as client:
        return await hear(room, client, source, output)


def _told(library: Peer, case: Case, source: Path) -> Told:
    return library.ask(**case.order, path=str(source))


def _print(long: Recording, results: list[tuple[Case, Rounds]]) -> None:
    print(f"\n{long.seconds / 60:.1f} minutes with {len(long.words)} words; audio s/s, medians of rounds in turn.")
    table.head(
        ("ours", "faster-whisper alone", "ours s/s", "library s/s", "ours / library", "first result s", "library s",
         "wrong words", "library"),
        words=2,
    )  # fmt: skip
    for case, rounds in results:
        pairs = list(zip(rounds.ours, rounds.library, strict=True))
        table.line(
            case.name,
            case.peer,
            table.number(statistics.median(long.seconds / one.seconds for one in rounds.ours), 1),
            table.number(statistics.median(long.seconds / one["seconds"] for one in rounds.library), 1),
            table.ratio(statistics.median(theirs["seconds"] / one.seconds for one, theirs in pairs), case.aim),
            table.number(statistics.median(one.first for one in rounds.ours), 2),
            table.number(statistics.median(one["first"] for one in rounds.library), 2),
            _percent(error_share([(long.words, rounds.ours[-1].text)])),
            _percent(error_share([(long.words, rounds.library[-1]["text"])])),
        )
    print("\nThe same runs in CPU: milliseconds for a second of audio.")
    table.head(("ours", "engine", "desk", "supervisor", "all of ours", "library", "library / ours"))
    for case, rounds in results:
        roles = ("engine", "desk", "supervisor")
        spent = {
            role: statistics.median(one.cpu.get(role, 0.0) for one in rounds.ours) / long.seconds for role in roles
        }
        theirs = statistics.median(one["cpu"] for one in rounds.library) / long.seconds
        all_of_ours = sum(spent.values())
        cells = (*spent.values(), all_of_ours, theirs)
        table.line(
            case.name, *(table.number(1e3 * one, 1) for one in cells), table.ratio(theirs / all_of_ours)
        )  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
