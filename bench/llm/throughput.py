"""Many prompts at once: a whole job through the supervisor against the peers on the same file of prompts.

Ours is timed from just before `Submit` is sent until the update arrives that says the job is done. The loop and the
stock class are children that hold the model loaded, from the order to their answer; both write and sync a file of
answers, too. llama-server answers as many clients at once as we have lanes. Everybody draws greedily.
llama-batched-bench only computes: no token is drawn and no text made.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench import table
from bench.job import cpu_seconds, cpu_since
from bench.llm import ours
from bench.llm.contest import Contestant, Results, Run, take_turns
from bench.llm.models import model_file, template_of, write_prompts
from bench.llm.server import Sizes, batched_bench, server
from bench.peer import Peer, PeerFailed, peer
from bench.room import Room

LENGTH = 512
"""Tokens of each sequence."""
PROMPT_TOKENS = 16
"""Of the questions, about; for the peer that reads none."""
US, LOOP, STOCK, SERVER, BATCHED = "Engine Room", "loop", "stock class", "llama-server", "llama-batched-bench"


@dataclass(frozen=True)
class Case:
    """A model at a level, how long its answers may get, and the least ratio to the stock class that is aimed at."""

    model: str
    level: str
    aim: float | None
    shortest: int = 64
    longest: int = 128
    units: int = 64
    threads: int = 1

    def answers(self) -> str:
        """How many of which length."""
        length = f"{self.shortest}–{self.longest}" if self.shortest < self.longest else f"{self.longest}"
        return f"{self.units} of up to {length}"


CASES = (
    Case("random", "f16", 3.0),
    Case("random", "q8_0", 1.8),
    Case("random", "q4_0", 2.5),
    Case("random", "q4_k_m", 1.8),
    Case("random", "q4_0", None, shortest=96, longest=96),
    Case("random", "q4_0", None, threads=2),
    Case("miniature", "f16", None, units=256),
)


@dataclass(frozen=True)
class Bench:
    """What holds for all cases."""

    folder: Path
    programs: Path
    rounds: int
    quick: bool = False
    lanes: int = 16
    gpu: bool = False


def show(bench: Bench, cases: tuple[Case, ...] = CASES) -> None:
    """Measure each, print the table."""
    if bench.quick:
        cases = tuple(replace(case, units=case.units // 2) for case in cases)
    names = (US, LOOP, STOCK, SERVER, BATCHED)
    rates = [f"{name} tok/s" for name in names]
    table.head(("model", "answers", "threads", *rates, "/ loop", "/ stock", "/ server", "tokens"), words=2)
    found = []
    for case in cases:
        results = measure(bench, case)
        found.append((case, results))
        table.line(
            f"{case.model} {case.level}",
            case.answers(),
            str(case.threads),
            *(table.number(results.rate(name)) for name in names),
            table.ratio(results.ratio(US, LOOP), 0.97),
            table.ratio(results.ratio(US, STOCK), case.aim),
            table.ratio(results.ratio(US, SERVER)),
            results.tokens(but=BATCHED),
        )
    table.reasons({name: reason for _, results in found for name, reason in results.failed.items()})
    _show_costs(found)


def _show_costs(found: list[tuple[Case, Results]]) -> None:
    """The same runs in CPU time, which other work on the machine changes less."""
    names = (US, LOOP, STOCK, SERVER)
    costs = [f"{name} CPU µs/token" for name in names]
    table.head(("model", "answers", "threads", *costs, "loop / ours", "stock / ours", "server / ours"), words=2)
    for case, results in found:
        cost = {name: results.cost(name) for name in names}
        ours_cost = cost[US]
        ratios = [
            None if ours_cost is None or theirs is None else theirs / ours_cost
            for theirs in (cost[LOOP], cost[STOCK], cost[SERVER])
        ]
        table.line(
            f"{case.model} {case.level}",
            case.answers(),
            str(case.threads),
            *map(table.number, cost.values()),
            *map(table.ratio, ratios),
        )


def measure(bench: Bench, case: Case) -> Results:
    """All contestants in turn on one case."""
    model = model_file(bench.folder, case.model, case.level)
    few = write_prompts(bench.folder / "few.jsonl", bench.lanes, 8, 8)
    source = write_prompts(bench.folder / "prompts.jsonl", case.units, case.shortest, case.longest)
    gpu = ["GPU"] if bench.gpu else []
    knobs: ours.Knobs = {"n_ctx": LENGTH, "parallel": bench.lanes, "threads": case.threads}
    if not bench.gpu:
        knobs["gpu"] = "cpu"
    with ExitStack() as stack:
        room = stack.enter_context(ours.open_engine(model, knobs))
        sizes = Sizes(model, LENGTH, bench.lanes, case.threads, bench.gpu, room.environment)
        contestants: dict[str, Contestant] = {US: partial(_job, room, itertools.count())}
        failed: dict[str, str] = {}

        def enter(name: str, peer_of: AbstractContextManager[Contestant]) -> None:
            try:
                contestants[name] = stack.enter_context(peer_of)
            except PeerFailed as failure:
                failed[name] = str(failure)

        loop = [str(model), str(LENGTH), str(bench.lanes), str(case.threads), *gpu]
        stock = [str(model), str(LENGTH), str(case.threads), *gpu]
        enter(LOOP, _child("bench.llm.loop", loop, room))
        enter(STOCK, _child("bench.llm.stock", stock, room))
        enter(SERVER, _served(bench.programs, sizes, template_of(case.model), room))
        written = (case.shortest + case.longest) // 2
        contestants[BATCHED] = lambda _: batched_bench(bench.programs, sizes, PROMPT_TOKENS, written)
        return take_turns(contestants, few, source, bench.rounds, failed)


def _job(room: Room, numbers: Iterator[int], source: Path) -> Run:
    return ours.job(room, source, room.work / f"ours-{next(numbers)}.jsonl")


@contextmanager
def _child(module: str, arguments: list[str], room: Room) -> Iterator[Contestant]:
    with peer(module, arguments, room.environment) as there:
        yield lambda source: batch(there, source, room.work / f"{module}.jsonl")


def batch(there: Peer, source: Path, output: Path, **more: int) -> Run:
    """A whole file by a child, from its order to its answer.

    Raises:
        PeerFailed
    """
    process = {"peer": there.pid}
    before, began = cpu_seconds(process), time.perf_counter()
    told = there.ask(do="batch", source=str(source), output=str(output), **more)
    seconds = time.perf_counter() - began
    return Run(told["tokens"], seconds, cpu_since(before, process)["peer"])


@contextmanager
def _served(programs: Path, sizes: Sizes, template: str | None, room: Room) -> Iterator[Contestant]:
    with server(programs, sizes, template) as there:
        yield lambda source: there.batch(source, room.work / "server.jsonl")
