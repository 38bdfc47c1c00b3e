"""The jobs and their lines, among them poison: follows from the seed alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec

from bench.chaos.scale import FAKES, WRITER, Scale
from engines.fake.unit import Request

PROMPTS = 45
"""Lines of each job for the writer, which all have the same source: one undisturbed output to compare with."""
WRITTEN = 10
"""One unit in ten is the writer's."""
MOST_JOBS, FEWEST_LINES = 60, 80
CLEAN = 120
"""One line in so many is poison."""
POISON = ("crash", "segfault", "crash", "segfault", "exit0", "hang")
TOKENS = 5
"""As the fake kind's `tokens_per_unit` is by default."""


@dataclass(frozen=True)
class Source:
    """One job: what goes in, and what must come out."""

    name: str
    kind: str
    engine: str
    """Empty for any of the kind."""
    units: tuple[Request, ...]

    @property
    def poison(self) -> frozenset[str]:
        """Ids of the units that kill or hang their engine."""
        return frozenset(str(unit.id) for unit in self.units if unit.habit)

    def ids_at(self, where: str) -> tuple[str, ...]:
        """Of the lines that a problem names: `work001.jsonl line 5`, or `… lines 5–7`."""
        first, _, last = where.rpartition(" ")[2].partition("–")
        return tuple(str(unit.id) for unit in self.units[int(first) - 1 : int(last or first)])

    def write(self, folder: Path) -> Path:
        """The source's file."""
        path = folder / f"{self.name}.jsonl"
        path.write_bytes(b"".join(msgspec.json.encode(unit) + b"\n" for unit in self.units))
        return path


def answer(unit: Request) -> str:
    """What the fake kind answers to it."""
    return " ".join(unit.words(TOKENS))


def sources(scale: Scale) -> tuple[Source, ...]:
    """All jobs in the order of their submission; the writer's are spread among the others."""
    dice = Random(scale.seed + 1)
    written = max(1, scale.units // WRITTEN // PROMPTS)
    lines = scale.units - written * PROMPTS
    count = min(MOST_JOBS, max(1, lines // FEWEST_LINES))
    fakes = [_fake(dice, number, lines // count + (number < lines % count)) for number in range(count)]
    placed = [((number + 0.5) / count, source) for number, source in enumerate(fakes)]
    placed += [((number + 0.5) / written, writer(f"written{number:03}")) for number in range(written)]
    return tuple(source for _, source in sorted(placed, key=lambda one: one[0]))


def writer(name: str) -> Source:
    """A job for the writer."""
    units = tuple(Request(f"{number}. What is an engine of kind {number}?", f"q{number}") for number in range(PROMPTS))
    return Source(name, "llm", WRITER, units)


def _fake(dice: Random, number: int, lines: int) -> Source:
    name, poisoned = f"work{number:03}", set(dice.sample(range(lines), max(1, lines // CLEAN)))
    units = tuple(
        Request(f"{name}, line {line}", f"{name}-{line}", dice.choice(POISON) if line in poisoned else None)
        for line in range(lines)
    )
    return Source(name, "fake", "" if number % 2 else FAKES[number // 2 % len(FAKES)], units)
