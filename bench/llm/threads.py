"""Tokens/s by number of threads, on the loop alone: with waiting threads that sleep, as an engine's do, and that spin.

`sleep` is OMP_WAIT_POLICY=PASSIVE, which an engine's process is started with; `spin` is OpenMP left to itself. Both are
children of their own, and take turns. The number marked is the one that an engine takes where nobody chose.
"""

from __future__ import annotations

import os
import statistics
from contextlib import ExitStack

from bench import table
from bench.llm.models import model_file, write_prompts
from bench.llm.throughput import LENGTH, Bench, batch
from bench.peer import peer
from engines.llm.context import thread_count

POLICIES = {"sleep": {"OMP_WAIT_POLICY": "PASSIVE"}, "spin": {}}
LANES = (1, 16)


def show(bench: Bench) -> None:
    """Measure each, print the table."""
    model = model_file(bench.folder, "random", "q8_0")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    table.head(("threads", *(f"{lanes} at once, {name}: tok/s" for lanes in LANES for name in POLICIES)))
    with ExitStack() as stack:
        peers = []
        for lanes in LANES:
            for more in POLICIES.values():
                arguments = [str(model), str(LENGTH), str(lanes), "1"]
                peers.append((stack.enter_context(peer("bench.llm.loop", arguments, {**plain, **more})), lanes))
        for threads in counts(os.cpu_count() or 1):
            rates: list[list[float]] = [[] for _ in peers]
            for _ in range(bench.rounds):
                for (there, lanes), found in zip(peers, rates, strict=True):
                    source = write_prompts(bench.folder / f"threads-{lanes}.jsonl", lanes * 2, 64, 64)
                    run = batch(there, source, bench.folder / "threads.out", threads=threads)
                    found.append(run.rate)
            mark = " (default)" if threads == thread_count(0) else ""
            table.line(f"{threads}{mark}", *(table.number(statistics.median(found)) for found in rates))


def counts(cores: int) -> list[int]:
    """1, 2, 3, 4, 6, 8, 12, 16, …, all of them, and the default."""
    steps = [whole for power in range(1, 12) for whole in (2**power, 2**power + 2 ** (power - 1))]
    return sorted({1, cores, thread_count(0), *(step for step in steps if step < cores)})
