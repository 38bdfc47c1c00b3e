"""What a load takes, before anything is loaded: a kind's `appraise.py` says it, the supervisor places by it."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from engines.settings import EngineSettings
from ipc.errors import Problem
from ipc.snapshot import Scalar

Level: TypeAlias = Literal["q4", "q8", "q16", "q32"]
LEVELS: tuple[Level, ...] = ("q4", "q8", "q16", "q32")
"""Bits of a weight, coarsest first."""


class Need(Struct, frozen=True):
    """Memory of one way to load, in bytes; estimates, until the first load was measured.

    `layers` are the pieces that may lie on a GPU or in the host's memory, in the model's order, each with its share
    of the cache; a model that cannot be divided is one piece. A load with `on_gpu` pieces puts the last so many of
    them on the GPU. `on_gpu` is None where as many as fit should go there.
    """

    layers: tuple[int, ...]
    on_gpu: int | None
    per_gpu_bytes: int
    """On each GPU that holds any piece: buffers to compute in, and what the library takes for itself."""
    host_bytes: int
    """In the host's memory, beside the pieces that stay there."""

    def gpu_bytes(self, on_gpu: int) -> int:
        """On one GPU with so many pieces; 0 for none."""
        return sum(self.layers[len(self.layers) - on_gpu :]) + self.per_gpu_bytes if on_gpu else 0

    def ram_bytes(self, on_gpu: int) -> int:
        """In the host's memory with so many pieces on GPUs."""
        return self.host_bytes + sum(self.layers[: len(self.layers) - on_gpu])


class Option(Struct, frozen=True):
    """One way to load. `changes` to the settings asked for make it; `words` tell them, such as `q4`."""

    changes: dict[str, Scalar]
    words: str
    model: str
    """Identity of what is loaded: a digest of size, mtime and header, so that a replaced file is another model."""
    name: str
    """What people call it."""
    quantization: str | None
    """As the file says it, such as `Q4_K_M`."""
    level: Level | None
    """Its precision, for the ceiling that a GPU's size suggests; None where the kind has no levels."""
    need: Need
    first: str = ""
    """What has to be done before such a load: `makes Q4_K_M first (~4.6 GiB on the disk)`; mostly nothing."""


class Appraisal(Struct, frozen=True):
    """All the ways to load what some settings ask for.

    `options` are those that the settings leave open, the best first; at least one. `rungs` follow when memory does not
    suffice for any: the kind's ladder, each a change to the settings asked for, the mildest first.
    """

    options: tuple[Option, ...]
    rungs: tuple[Option, ...]
    least_capability: str
    """The oldest compute capability that this build of the library runs on, such as `7.0`; empty when unknown."""
    spread: int
    """How many GPUs one load may be divided over."""
    layers_knob: str
    """The setting that takes how many pieces go on GPUs, where the kind has one."""
    why_no_gpu: str
    """Why no GPU can be used whatever is there (`llama-cpp-python was built without GPU support`), or empty."""
    only_more_at_once: bool = False
    """The options differ in nothing but how much is done at once, the most first: worth nobody's leaving."""


class Said(Struct, frozen=True):
    """What `engines.appraiser` prints; exactly one of both."""

    appraisal: Appraisal | None
    problem: Problem | None


class AppraiseFunction(Protocol):
    """`appraise` of a kind, run in a short-lived process of its own: may import the model library, loads nothing.

    Raises:
        CannotLoad: with a problem that a load would meet, too.
    """

    def __call__(self, settings: EngineSettings) -> Appraisal: ...
