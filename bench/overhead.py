"""What a job costs over the bare loop: tokens/s through the supervisor against the same model without any of it.

    python -m bench.overhead [--model miniature|random] [--rounds N]

Supervised: a whole job over the socket, from just before `Submit` is sent until the update arrives that says it is
done; the engine is ready before, and the desk was used once. Bare: `bench.bare`, a child that holds the model loaded,
from its order to its answer. Both read the same file of prompts, write greedily on one thread with one sequence, and
sync their output; they take turns in one run. CPU is what each side's processes used in that time: the engine alone,
and all of the supervisor, engine and desk, against the bare child. Aim: ratio at least 0.97.

Then one more job on an engine whose flights are stamped (`bench.tap`) tells where its time went:

    planning   submit → the first flight begins in the engine: probe, desk, store
    at work    some flight is in the engine
    idle       none is, between the first and the last
    assembly   the last landing → done: desk, sync, rename, store

Each flight is committed before it is sent, so what a commit costs on this disk just then is told, too: SQLite alone, as
the store has it set.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from bench.figures import percentile
from bench.job import Work, cpu_seconds, cpu_since, supervised
from bench.random_model import write_random_model
from bench.room import ROOT, Room, load_note, open_room
from bench.tap import Stamp, read_stamps, tapped_python
from ipc import control
from ipc.client import connect_unix

CONTEXT = 1024
COMMITS = 200
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True)
class Case:
    """A model, and how much it is asked for."""

    name: str
    units: int
    max_tokens: int

    def model(self, folder: Path) -> Path:
        """The file, made if need be."""
        if self.name == "miniature":
            return ROOT / "engines" / "llm" / "miniature" / "miniature-f16.gguf"
        path = folder / "random.gguf"
        write_random_model(path)
        return path


CASES = {case.name: case for case in (Case("miniature", 400, 48), Case("random", 40, 128))}


class BareChild:
    """The peer's process."""

    def __init__(self, model: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.bare", str(model), str(CONTEXT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
        )  # fmt: skip
        self._answer()

    def work(self, source: Path, output: Path) -> Work:
        """Answer all prompts of `source`."""
        assert self._process.stdin is not None
        processes = {"bare": self._process.pid}
        before, began = cpu_seconds(processes), time.time()
        self._process.stdin.write(f"{source} {output}\n")
        self._process.stdin.flush()
        tokens = int(self._answer())
        ended = time.time()
        return Work(tokens, began, ended, cpu_since(before, processes))

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline() or sys.exit("the bare child has died")


async def compare(room: Room, bare: BareChild, case: Case, rounds: int) -> tuple[list[tuple[Work, Work]], Work]:
    """Pairs of supervised and bare work in turn, and the stamped job."""
    few, source = _prompts(room.work / "few.jsonl", replace(case, units=4)), _prompts(room.work / "all.jsonl", case)
    async with connect_unix(room.socket) as client:
        for engine in ("writer", "stamped"):
            await client.ask(control.Start(engine))
        await supervised(room, client, "writer", few, room.work / "first.jsonl")
        pairs = []
        for number in range(rounds):
            through = await supervised(room, client, "writer", source, room.work / f"supervised-{number}.jsonl")
            alone = await anyio.to_thread.run_sync(bare.work, source, room.work / f"bare-{number}.jsonl")
            pairs.append((through, alone))
        stamped = await supervised(room, client, "stamped", source, room.work / "stamped.jsonl")
    return pairs, stamped


def show_rounds(case: Case, pairs: list[tuple[Work, Work]]) -> None:
    """One line a round, then the medians."""
    print(f"{case.name:10} {'round':>6} {'tokens/s':>22} {'':7} {'CPU µs/token':>20}")
    print(f"{'':10} {'':>6} {'supervised':>11} {'bare':>10} {'ratio':>7} {'engine':>8} {'all':>6} {'bare':>6}")
    lines = [
        (
            through.rate,
            alone.rate,
            through.rate / alone.rate,
            through.cpu["engine"] / through.tokens * 1e6,
            sum(through.cpu.values()) / through.tokens * 1e6,
            alone.cpu["bare"] / alone.tokens * 1e6,
        )
        for through, alone in pairs
    ]
    medians = tuple(map(statistics.median, zip(*lines, strict=True)))
    for what, line in (*enumerate(lines, 1), ("median", medians)):
        rates = f"{line[0]:11.0f} {line[1]:10.0f} {line[2]:7.3f}"
        print(f"{'':10} {what:>6} {rates} {line[3]:8.0f} {line[4]:6.0f} {line[5]:6.0f}")
    through, alone = pairs[0]
    same = "the same" if through.tokens == alone.tokens else f"NOT the same ({alone.tokens} bare)"
    print(f"{'':10} {case.units} units of up to {case.max_tokens} tokens; {same} number of tokens: {through.tokens}")


def show_gaps(case: Case, job: Work, stamps: list[Stamp]) -> None:
    """Where the time of the stamped job went."""
    whole = job.ended - job.began
    stamps = sorted(stamps, key=lambda stamp: stamp.begun)
    idle, landed = 0.0, stamps[0].landed
    for stamp in stamps[1:]:
        idle += max(0.0, stamp.begun - landed)
        landed = max(landed, stamp.landed)
    parts = {
        "planning": stamps[0].begun - job.began,
        "at work": landed - stamps[0].begun - idle,
        "idle": idle,
        "assembly": job.ended - landed,
    }
    print(f"{case.name:10} stamped job: {job.rate:.0f} tok/s, {whole:.2f} s, of which")
    for name, seconds in parts.items():
        print(f"{'':10} {name:9} {seconds * 1e3:9.1f} ms {seconds / whole:7.2%}")
    print(f"{'':10} {'begin → first token':28} {_cell([stamp.ttft for stamp in stamps])}")


def show_commits(folder: Path) -> None:
    """What a durable commit costs here, whoever makes it."""
    taken = []
    with closing(sqlite3.connect(folder / "commits.sqlite", isolation_level=None)) as store:
        store.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE commits (row TEXT);")
        for _ in range(COMMITS):
            began = time.perf_counter()
            store.execute("INSERT INTO commits VALUES (?)", ("x" * 200,))
            taken.append(time.perf_counter() - began)
    print(f"{'':10} {'peer: one commit':28} {_cell(taken)}")


def _cell(taken: Sequence[float]) -> str:
    return f"p50 {percentile(taken, 50) * 1e3:6.2f} ms, p95 {percentile(taken, 95) * 1e3:6.2f} ms"


@contextmanager
def prepared(case: Case, folder: Path) -> Iterator[tuple[Room, BareChild, Path]]:
    """A room with the model in it, the peer beside it, and where the stamps go."""
    model, stamps = case.model(folder), folder / "stamps"
    tapped = tapped_python(folder / "tapped", stamps)
    knobs = f'kind = "llm"\nmodel = "{model}"\nn_ctx = {CONTEXT}\nthreads = 1\ntemperature = 0.0\n'
    config = f'[engine.writer]\n{knobs}\n[engine.stamped]\n{knobs}python = "{tapped}"\n'
    with open_room(config, ONE_THREAD) as room:
        bare = BareChild(model, room.environment)
        try:
            yield room, bare, stamps
        finally:
            bare.close()


def _prompts(path: Path, case: Case) -> Path:
    asked = [json.loads(line) for line in (ROOT / "examples" / "prompts.jsonl").read_text().splitlines()]
    questions = [request["prompt"] for request in asked if "prompt" in request]
    with path.open("w") as out:
        for number in range(case.units):
            request = {"id": number, "prompt": questions[number % len(questions)], "max_tokens": case.max_tokens}
            out.write(json.dumps(request) + "\n")
    return path


def main() -> None:
    """Measure each model, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--model", choices=(*CASES, "all"), default="all")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for case in CASES.values() if options.model == "all" else (CASES[options.model],):
        print(load_note())
        with tempfile.TemporaryDirectory(prefix="er-bench-") as folder, prepared(case, Path(folder)) as ready:
            room, bare, stamps = ready
            pairs, stamped = anyio.run(compare, room, bare, case, options.rounds)
            show_rounds(case, pairs)
            show_gaps(case, stamped, read_stamps(stamps))
            show_commits(Path(folder))
        print(load_note())


if __name__ == "__main__":
    main()
