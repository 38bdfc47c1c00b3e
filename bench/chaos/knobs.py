"""The settings that are changed at random, a line each: kind, name, values to choose from."""

from __future__ import annotations

from random import Random

from ipc.snapshot import Scalar

KNOBS: tuple[tuple[str, str, tuple[Scalar, ...]], ...] = (
    ("fake", "parallel", (1, 2, 4)),
    ("fake", "seconds_per_unit", (0.04, 0.08, 0.12)),
    ("fake", "deterministic", (False, True)),
    ("fake", "joining", (False, True)),
    ("fake", "unload_after", (0.0, 2.0, 30.0)),
    ("fake", "unload_depth", ("model", "exit")),
    ("fake", "load_seconds", (0.0, 0.2)),
    ("fake", "priority", (1, 5, 9)),
    ("fake", "result_bytes", (0, 70_000)),
    ("fake", "batch_size", (1, 1, 3)),
    ("llm", "unload_after", (0.0, 3.0)),
)
"""Nothing that changes what a unit answers, nor on the writer what flies together: its output is compared by bytes."""


def choose(kind: str, pick: int) -> tuple[str, Scalar]:
    """One of the kind's settings and a value for it."""
    dice = Random(pick)
    _, name, values = dice.choice([knob for knob in KNOBS if knob[0] == kind])
    return name, dice.choice(values)
