"""What is asked of the ledger before a load, and its two answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engines.appraisal import Level, Need


@dataclass(frozen=True, slots=True)
class Ask:
    """One engine that wants to load one way."""

    engine: str
    gpu: str
    """As the operator wrote it: `auto`, `cpu`, or GPUs by index, UUID, MIG UUID or part of a name, with commas."""
    need: Need
    spread: int
    """How many GPUs the load may be divided over."""
    least_capability: str
    """The oldest compute capability that the engine's build runs on, such as `7.0`; empty when unknown."""
    why_no_gpu: str
    """Why its build can use no GPU at all, or empty."""
    level: Level | None
    open_level: bool
    """The settings left the quantization open, so that a GPU's tier is a ceiling for `level`."""
    bound: tuple[str, ...] | None = None
    """UUIDs that its process was started on, and then only these count; none of them means the CPU."""
    unsuited: Mapping[str, str] = field(default_factory=dict)
    """UUIDs of GPUs that its build or these settings turned out not to suit, and why."""
    learned: Mapping[str, int] = field(default_factory=dict)
    """Measured peak of exactly this load by a GPU's model, in bytes on all GPUs together."""

    @property
    def pieces(self) -> int | None:
        """How many pieces go on GPUs; None for as many as fit."""
        if self.need.on_gpu is None and self.need.layers:
            return None
        return min(self.need.on_gpu or 0, len(self.need.layers))


@dataclass(frozen=True, slots=True)
class Slice:
    """What a load will hold on one GPU or MIG device."""

    uuid: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a load goes."""

    slices: tuple[Slice, ...]
    """By the GPUs' indexes, in which order the pieces lie on them; none for the CPU."""
    on_gpu: int
    """Pieces on GPUs."""
    ram_bytes: int
    estimated: bool
    """No load like this one was ever measured."""
    words: str
    """Why there, such as `GPU 3, the most free memory`."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a load goes nowhere: a title, a sentence, a way out."""

    title: str
    reason: str
    help: str
    impossible: bool
    """It could not work here however empty the GPUs that count were."""
