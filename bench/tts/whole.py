"""Text to sound: our engine, as the child's runtime calls it, against the library's `generate` chunk by chunk.

Two processes that hold their models, in turn. The library keeps its defaults: fp32, 10 steps of the flow, and all of a
reference of ten seconds. Ours flies one flight of a job, twice as many chunks as are decoded together (at 8 as many):
texts cut into tokens, judged, learned from, and encoded to FLAC included. What the engine chose where the settings
leave it open is shown: the precision, and how many chunks it really decoded together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from bench import table
from bench.peer import Peer, Told
from bench.tts.case import Bench, Model, median
from bench.tts.spent import Spent

GIB = 2**30


@dataclass(frozen=True)
class Case:
    """Settings of ours; `aim` is how many times faster than the library it is to be."""

    parallel: int
    reference_seconds: float = 3.0
    flow_steps: int = 10
    quantization: str = "auto"
    aim: float | None = None

    @property
    def chunks(self) -> int:
        """Of the flight."""
        return max(self.parallel, min(8, 2 * self.parallel))


CASES = (
    Case(1),
    Case(2),
    Case(4),
    Case(8, aim=3.5),
    Case(8, reference_seconds=10.0),
    Case(8, flow_steps=5),
    Case(8, flow_steps=2),
    Case(8, quantization="int8"),
)
GPU_CASES = (*CASES, Case(16, aim=8.0), Case(32, aim=8.0), Case(32, reference_seconds=10.0))


@dataclass(frozen=True)
class Run:
    """One flight, or one text of the library."""

    audio_seconds: float
    spent: Spent

    def cost(self, device: str) -> float:
        """Seconds that count, for one of audio."""
        return self.spent.seconds(device) / self.audio_seconds

    @property
    def speed(self) -> float:
        """Seconds of audio in one that passes."""
        return self.audio_seconds / self.spent.wall


def show(bench: Bench, model: Model) -> None:
    """Measure, print the table."""
    cases = GPU_CASES if bench.device == "cuda" else CASES
    ours: dict[Case, list[Run]] = defaultdict(list)
    stock: dict[Case, list[Run]] = defaultdict(list)
    told: dict[Case, Told] = {}
    with bench.child("stock", model) as library, _engine(bench, model) as engine:
        for counts in bench.rounds(model):
            for case in cases:
                told[case] = _set(engine, case) | _speak(engine, model, case)
                runs = _run(told[case]), _run(library.ask(do="speak", texts=model.texts(1)))
                if counts:
                    ours[case].append(runs[0])
                    stock[case].append(runs[1])
    print(f"\n{model.name}: chunks of {model.tokens} tokens, {model.tokens / 25:g} s of audio.")
    table.head(
        (
            "precision", "flow steps", "reference", "together", f"{bench.unit} per s of audio", "library",
            "library / ours", "audio s per s", "library", "CPU s / s", "peak GiB", "library",
        ),
        words=1,
    )  # fmt: skip
    for case in cases:
        mine, theirs = ours[case], stock[case]
        costs = median([run.cost(bench.device) for run in mine]), median([run.cost(bench.device) for run in theirs])
        gains = [their.cost(bench.device) / my.cost(bench.device) for my, their in zip(mine, theirs, strict=True)]
        pieces, chunks = told[case]["pieces"], case.chunks
        table.line(
            told[case]["quantization"],
            str(case.flow_steps),
            f"{case.reference_seconds:g} s",
            str(told[case]["together"]) + (f" of {case.parallel}" if told[case]["together"] < case.parallel else ""),
            *(table.number(cost, 3 if cost < 1 else 2) for cost in costs),
            table.ratio(median(gains), case.aim),
            *(table.number(median([run.speed for run in runs]), 2) for runs in (mine, theirs)),
            table.number(median([run.spent.cpu / run.spent.wall for run in mine]), 2),
            *(_peak(runs) for runs in (mine, theirs)),
        )
        if pieces != chunks or told[case]["tokens"] != chunks * model.tokens:
            print(f"\nNot as told: {pieces} pieces of {chunks} chunks, {told[case]['tokens']} tokens.\n")


@contextmanager
def _engine(bench: Bench, model: Model) -> Iterator[Peer]:
    cap = () if bench.cap_gib is None else (str(bench.cap_gib),)
    with bench.child("engine", model, *cap) as engine:
        yield engine


def _set(engine: Peer, case: Case) -> Told:
    return engine.ask(
        do="set",
        parallel=case.parallel,
        reference_seconds=case.reference_seconds,
        flow_steps=case.flow_steps,
        quantization=case.quantization,
    )


def _speak(engine: Peer, model: Model, case: Case) -> Told:
    return engine.ask(do="speak", texts=model.texts(case.chunks))


def _run(told: Told) -> Run:
    return Run(told["audio_seconds"], msgspec.convert(told["spent"], Spent))


def _peak(runs: list[Run]) -> str:
    taken = [run.spent.reserved_bytes for run in runs if run.spent.reserved_bytes is not None]
    return table.number(max(taken) / GIB if taken else None, 1)
