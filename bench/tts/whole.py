"""Text to sound: our engine, as the child's runtime calls it, against the library's `generate` chunk by chunk.

Two processes that hold their models, in turn. The library keeps its defaults: fp32, 10 steps of the flow, and all of a
reference of ten seconds. Ours flies one flight of a job, twice as many chunks as are decoded together (on a CPU no more
than 8): texts cut into tokens, judged, learned from, and encoded to FLAC included. What the engine chose where the
settings leave it open is shown: the precision, and how many chunks it really decoded together. CPU s/s tells how much
of making sound overlapped with decoding. The peak on a GPU is what torch took and what the driver takes for a process.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from bench import table
from bench.peer import Told
from bench.tts.case import Bench, Model, median
from bench.tts.spent import Spent
from engines.tts.estimate import CONTEXT_BYTES
from engines.tts.unit import TOKENS_PER_SECOND

GIB = 2**30
MOST_CHUNKS = 8


@dataclass(frozen=True)
class Case:
    """Settings of ours; `aim` is how many times faster than the library it is to be, at full size."""

    parallel: int
    reference_seconds: float = 3.0
    flow_steps: int = 10
    quantization: str = "auto"
    compile: bool = False
    aim: float | None = None

    def chunks(self, device: str) -> int:
        """Of the flight."""
        most = 2 * self.parallel
        return most if device == "cuda" else max(self.parallel, min(MOST_CHUNKS, most))

    def settings(self) -> dict[str, str | int | float]:
        """As the engine has them."""
        return {name: value for name, value in vars(self).items() if name != "aim"}


CPU_CASES = (
    Case(1),
    Case(2),
    Case(4),
    Case(8, aim=3.5),
    Case(8, reference_seconds=10.0),
    Case(8, flow_steps=5),
    Case(8, flow_steps=2),
    Case(8, quantization="int8"),
)
GPU_CASES = (
    *CPU_CASES,
    Case(16),
    Case(32, aim=8.0),
    Case(32, reference_seconds=10.0, aim=8.0),
    Case(32, compile=True, aim=8.0),
)


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


@dataclass
class Rounds:
    """Of one case: ours, the library's right after each, and what ours told last."""

    ours: list[Run] = field(default_factory=list)
    library: list[Run] = field(default_factory=list)
    told: Told = field(default_factory=dict)


def show(bench: Bench, model: Model) -> None:
    """Measure, print the table."""
    cases = GPU_CASES if bench.device == "cuda" else CPU_CASES
    cap = () if bench.cap_gib is None else (str(bench.cap_gib),)
    found = {case: Rounds() for case in cases}
    with bench.child("stock", model) as library, bench.child("engine", model, *cap) as engine:
        for counts in bench.rounds(model):
            for case, rounds in found.items():
                texts = model.texts(case.chunks(bench.device))
                rounds.told = engine.ask(do="speak", texts=texts, settings=case.settings())
                theirs = _run(library.ask(do="speak", texts=texts[:1]))
                if counts and "failed" not in rounds.told:
                    rounds.ours.append(_run(rounds.told))
                    rounds.library.append(theirs)
    _print(bench, model, found)


def _print(bench: Bench, model: Model, found: dict[Case, Rounds]) -> None:
    print(f"\n{model.name}: chunks of {model.tokens} tokens, {model.tokens / TOKENS_PER_SECOND:g} s of audio.")
    cost = f"{bench.unit} per s of audio"
    gpu = ("peak GiB", "library") if bench.device == "cuda" else ()
    table.head(
        ("precision", "flow steps", "reference", "together", cost, "library", "library / ours", "audio s/s", "library",
         "CPU s/s", *gpu)
    )  # fmt: skip
    reasons: dict[str, str] = {}
    for case, rounds in found.items():
        told, ours, library = rounds.told, rounds.ours, rounds.library
        start = (case.quantization, str(case.flow_steps), f"{case.reference_seconds:g} s", str(case.parallel))
        if not ours:
            table.line(*start, *[table.UNKNOWN] * (6 + len(gpu)))
            reasons[" · ".join(start)] = str(told["failed"])
            continue
        together = str(told["together"]) + (f" of {case.parallel}" if told["together"] < case.parallel else "")
        gains = [b.cost(bench.device) / a.cost(bench.device) for a, b in zip(ours, library, strict=True)]
        table.line(
            told["quantization"] + (" compiled" if case.compile else ""),
            *start[1:3],
            together,
            *(_figure(median([run.cost(bench.device) for run in runs])) for runs in (ours, library)),
            table.ratio(median(gains), case.aim if model.full else None),
            *(table.number(median([run.speed for run in runs]), 2) for runs in (ours, library)),
            table.number(median([run.spent.cpu / run.spent.wall for run in ours]), 2),
            *(_peak(runs) for runs in (ours, library) if gpu),
        )
        chunks = case.chunks(bench.device)
        if told["pieces"] != chunks or told["tokens"] != chunks * model.tokens:
            reasons[" · ".join(start)] = f"{chunks} chunks became {told['pieces']} with {told['tokens']} tokens"
    table.reasons(reasons)


def _run(told: Told) -> Run:
    return Run(told["audio_seconds"], msgspec.convert(told["spent"], Spent))


def _figure(cost: float) -> str:
    return table.number(cost, 3 if cost < 1 else 2)


def _peak(runs: list[Run]) -> str:
    taken = max(run.spent.reserved_bytes or 0 for run in runs)
    return f"~{(taken + CONTEXT_BYTES) / GIB:.1f}"
