"""What the shared service costs over onnxruntime alone: texts/s through the supervisor against the bare library.

    python -m bench.embed [--texts N] [--rounds N]

Supervised: a program's requests over the socket, each of so many texts, one after the other; and 64 tasks that ask for
one text each, all the time. Bare: `bench.bare_embed`, which computes the same texts in batches of the same size (32 for
the 64 tasks). Both cut texts into tokens themselves, use one thread, keep no vectors, and take turns in one run. The
engine pads a batch less than its peer does, because it computes texts of one length together. Aim: ratio at least 0.95.

Then, of texts whose vectors are kept: texts/s in requests of 32 and 256, four at once (aim: 20,000), and the CPU that a
thousand texts cost each process. Then what three programs together cause: loads (aim: 1), and memory of the engine over
that of the bare process (aim: under 150 MB). And how near its vectors are to those of sentence-transformers, which
`tests/embed/reference.json` holds (aim: cosine 0.99999).
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import numpy as np
import psutil
from anyio import to_thread

from bench.room import ROOT, Room, load_note, open_room
from config.paths import lock_path
from engines.embed.making.importing import folder_of, make
from ipc import control
from ipc.client import Client, connect_unix
from ipc.places import DATA, models_folder

ENGINE = "vectors"
CONFIG = f'[engine.{ENGINE}]\nkind = "embed"\nthreads = 1\nunload_after = 0\n'
NOTHING_KEPT, KEPT = 0, 5000
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
TASKS = 64
AT_ONCE = 4


@dataclass(frozen=True)
class Case:
    """`at_once` requests of `texts` texts each; the peer computes `batch` of them at once."""

    name: str
    texts: int
    at_once: int
    batch: int


CASES = (
    Case("requests of 1", 1, 1, 1),
    Case("requests of 8", 8, 1, 8),
    Case("requests of 32", 32, 1, 32),
    Case(f"{TASKS} × 1 at once", 1, TASKS, 32),
)


class BareChild:
    """The peer's process."""

    def __init__(self, model: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.bare_embed", str(model), "1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
        )  # fmt: skip
        self._answer()

    def work(self, texts: Path, batch: int) -> float:
        """Seconds for all texts of that file."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{texts} {batch}\n")
        self._process.stdin.flush()
        return float(self._answer())

    def rss_bytes(self) -> int:
        """What it holds now."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline() or sys.exit("the bare child has died")


async def asked(client: Client, texts: Sequence[str], size: int, at_once: int) -> float:
    """Seconds until all texts have vectors, in requests of `size`, so many of them at once."""
    pieces = iter([texts[at : at + size] for at in range(0, len(texts), size)])

    async def one() -> None:
        for piece in pieces:
            await client.embed(piece, ENGINE)

    began = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(one)
    return time.perf_counter() - began


async def compare(room: Room, bare: BareChild, texts: list[str], rounds: int) -> None:
    """A line for each case: the medians of both, and of their ratio."""
    path = room.work / "texts.json"
    path.write_text(json.dumps(texts))
    print(f"{'texts/s':18} {'supervised':>11} {'bare':>8} {'ratio':>7}")
    async with connect_unix(room.socket) as client:
        await client.ask(control.SetKnobs(ENGINE, {"cache_entries": NOTHING_KEPT}, dry_run=False))
        await asked(client, texts[:64], 32, 1)
        for case in CASES:
            pairs = []
            for _ in range(rounds):
                through = await asked(client, texts, case.texts, case.at_once)
                alone = await to_thread.run_sync(bare.work, path, case.batch)
                pairs.append((len(texts) / through, len(texts) / alone))
            through, alone, ratio = map(statistics.median, zip(*((a, b, a / b) for a, b in pairs), strict=True))
            print(f"{case.name:18} {through:11.0f} {alone:8.0f} {ratio:7.3f}")


async def cached(room: Room, texts: list[str]) -> None:
    """Of texts whose vectors are kept."""
    processes = {
        "client": os.getpid(),
        "supervisor": int(lock_path(room.state).read_text()),
        "engine": _engine_pid(room),
    }
    some = texts[:256]
    async with connect_unix(room.socket) as client:
        await client.ask(control.SetKnobs(ENGINE, {"cache_entries": KEPT}, dry_run=False))
        await asked(client, some, 256, 1)
        for size in (32, 256):
            many = some * (40 if size == 32 else 100)
            before = _cpu(processes)
            seconds = await asked(client, many, size, AT_ONCE)
            spent = {name: 1e6 * (after - before[name]) / len(many) for name, after in _cpu(processes).items()}
            cost = ", ".join(f"{name} {each:.0f}" for name, each in spent.items())
            print(f"kept, requests of {size:<4} {len(many) / seconds:8.0f} texts/s; CPU ms a thousand texts: {cost}")


async def shared(room: Room, bare: BareChild, texts: list[str]) -> None:
    """Three programs at once, then loads and memory."""

    async def program() -> None:
        async with connect_unix(room.socket) as client:
            await asked(client, texts[:96], 32, 1)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(program)
    loads = 0
    async with connect_unix(room.socket) as client, client.stream(control.Events(1000, follow=False)) as items:
        async for item in items:
            loads += isinstance(item, control.EventItem) and item.happening.word == "engine-ready"
    more = psutil.Process(_engine_pid(room)).memory_info().rss - bare.rss_bytes()
    print(f"three programs: {loads} load, engine holds {more / 1e6:+.0f} MB more than the bare process")


async def near(room: Room) -> None:
    """To the vectors of sentence-transformers."""
    reference = json.loads((ROOT / "tests" / "embed" / "reference.json").read_text())
    meant = np.frombuffer(base64.b64decode(reference["vectors"]), "<f4").reshape(len(reference["texts"]), -1)
    async with connect_unix(room.socket) as client:
        await client.ask(control.SetKnobs(ENGINE, {"cache_entries": NOTHING_KEPT}, dry_run=False))
        found = np.array(await client.embed(reference["texts"], ENGINE))
    products = (found * meant).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(meant.astype(np.float64), axis=1)
    print(f"cosine to sentence-transformers: at least {products.min():.7f}")


def some_texts(count: int) -> list[str]:
    """So many different ones, of the lengths that questions have."""
    lines = [json.loads(line) for line in (ROOT / "examples" / "prompts.jsonl").read_text().splitlines()]
    questions = [line["prompt"] for line in lines if "prompt" in line]
    return [f"{questions[number % len(questions)]} ({number})" for number in range(count)]


@contextmanager
def prepared(folder: Path) -> Iterator[tuple[Room, BareChild]]:
    """A room with the model in it, and the peer beside it."""
    model = models_folder(folder) / "minilm"
    make(folder_of("minilm"), model, "minilm")
    with open_room(CONFIG, {**ONE_THREAD, DATA: str(folder)}) as room:
        room.run("start", ENGINE)
        bare = BareChild(model, room.environment)
        try:
            yield room, bare
        finally:
            bare.close()


def _engine_pid(room: Room) -> int:
    (row,) = json.loads(room.run("ps", "--json"))
    return int(row["pid"])


def _cpu(processes: dict[str, int]) -> dict[str, float]:
    """CPU seconds so far: see `bench.cold_start`."""
    return {name: time.clock_gettime(~pid << 3 | 2) for name, pid in processes.items()}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.embed")
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    texts = some_texts(told.texts)
    print(load_note())
    with tempfile.TemporaryDirectory(prefix="er-bench-") as place, prepared(Path(place)) as (room, bare):
        steps: tuple[Callable[[], Awaitable[None]], ...] = (
            lambda: compare(room, bare, texts, told.rounds),
            lambda: shared(room, bare, texts),
            lambda: near(room),
            lambda: cached(room, some_texts(256)),
        )
        for step in steps:
            anyio.run(step)
    print(load_note())


if __name__ == "__main__":
    main()
