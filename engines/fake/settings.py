"""The bad habits, as knobs."""

from __future__ import annotations

from typing import Annotated, Literal

from engines.settings import EngineSettings, knob
from ipc.snapshot import Scalar

MOST_AT_ONCE = 8


class FakeSettings(EngineSettings, frozen=True, kw_only=True):
    """Each habit is off by default; a unit's payload may also carry a habit of its own (see `engines.fake.engine`)."""

    parallel: Annotated[
        int,
        knob("units", "context", f"units worked on at once; 0 means as many as fit, up to {MOST_AT_ONCE}", ge=0, le=64),
    ] = 1

    seconds_per_unit: Annotated[float, knob("seconds", "flight", "how long one unit takes", ge=0, le=3600)] = 0.01
    tokens_per_unit: Annotated[
        int, knob("tokens", "flight", "pieces of text that the answer to a line has", ge=1, le=100000)
    ] = 5
    batch_size: Annotated[int, knob("lines", "flight", "lines of the source in one unit", ge=1, le=1000)] = 1
    result_bytes: Annotated[
        int, knob("bytes", "flight", "size of the file that each unit makes; 0 means none", ge=0, le=16777216)
    ] = 0
    audio_seconds: Annotated[
        float, knob("seconds", "flight", "how much sound each unit says it made; 0 means none", ge=0, le=86400)
    ] = 0.0
    confidence: Annotated[
        float,
        knob("", "flight", "log probability of a token that each unit tells; 0 means it does not", ge=-10, le=0),
    ] = 0.0
    joining: Annotated[bool, knob("", "flight", "units of a later flight join while an earlier one is in the air")] = (
        False
    )
    load_seconds: Annotated[float, knob("seconds", "model", "how long a load takes", ge=0, le=3600)] = 0.0
    load_bytes: Annotated[int, knob("bytes", "model", "memory that a load really takes", ge=0, le=1099511627776)] = 0
    unit_bytes: Annotated[
        int, knob("bytes", "flight", "memory that each unit takes while it flies", ge=0, le=1099511627776)
    ] = 0
    leak_bytes: Annotated[
        int, knob("bytes", "model", "memory that an unload leaves behind", ge=0, le=1099511627776)
    ] = 0
    leak_stays: Annotated[bool, knob("", "model", "what an unload leaves behind outlives the process")] = False
    levels: Annotated[str, knob("", "model", "bytes by quantization in place of load_bytes: `q4=4000 q8=8000`")] = ""
    quantization: Annotated[Literal["auto", "q4", "q8", "q16", "q32"], knob("", "model", "which of the levels")] = (
        "auto"
    )
    layers: Annotated[int, knob("layers", "model", "pieces that it can be divided into", ge=1, le=1000)] = 1
    gpu_layers: Annotated[
        int, knob("layers", "model", "pieces on the GPU; -1 means all, -2 as many as fit", ge=-2, le=1000)
    ] = -1
    layers_really: Annotated[
        int, knob("layers", "model", "pieces that its library says it put on the GPU; -1 is the truth", ge=-1, le=1000)
    ] = -1
    spread: Annotated[int, knob("GPUs", "model", "how many GPUs it may be divided over", ge=1, le=16)] = 1
    appraised_bytes: Annotated[
        int, knob("bytes", "model", "what it says beforehand that it takes; -1 is the truth", ge=-1, le=1099511627776)
    ] = -1
    least_capability: Annotated[str, knob("", "model", "the oldest compute capability that its build runs on")] = "5.0"
    why_no_gpu: Annotated[str, knob("", "model", "its build can use no GPU, with this sentence")] = ""
    no_kernel_on: Annotated[str, knob("", "process", "UUID of a GPU that its library has no code for")] = ""
    off_gpu: Annotated[bool, knob("", "model", "hold nothing on the GPU that it was placed on")] = False
    fail_load: Annotated[str, knob("", "model", "refuse to load with this sentence")] = ""
    units_that_fit: Annotated[
        int, knob("units", "model", "run out of memory when parallel is above this; 0 means any fit", ge=0, le=64)
    ] = 0
    fail_apply: Annotated[str, knob("", "model", "refuse to apply any change to this knob, with this sentence")] = ""
    start_seconds: Annotated[float, knob("seconds", "process", "silence before the handshake", ge=0, le=3600)] = 0.0
    stderr_bytes: Annotated[
        int, knob("bytes", "process", "written to stderr before the handshake", ge=0, le=104857600)
    ] = 0
    crash_at_start: Annotated[bool, knob("", "process", "exit 1 before the handshake")] = False
    crash_after: Annotated[
        int, knob("units", "process", "exit 1 after this many units; 0 means never", ge=0, le=1000000)
    ] = 0
    ignore_term: Annotated[bool, knob("", "process", "ignore SIGTERM, and the wish to leave")] = False
    fork_child: Annotated[bool, knob("", "process", "start a grandchild that ignores SIGTERM and SIGHUP")] = False
    silent: Annotated[bool, knob("", "process", "never say a word after exec")] = False

    def shape(self) -> dict[str, Scalar]:
        """What its memory depends on."""
        return {
            "parallel": self.parallel,
            "unit_bytes": self.unit_bytes,
            "gpu_layers": self.gpu_layers,
            "quantization": self.quantization,
        }

    def joins(self) -> bool:
        """As told."""
        return self.joining

    def planning(self) -> dict[str, Scalar]:
        """How many lines one unit has."""
        return {"batch_size": self.batch_size}

    def step_down(self) -> dict[str, Scalar]:
        """Half as many at once."""
        return {"parallel": (self.parallel or MOST_AT_ONCE) // 2} if self.parallel != 1 else {}

    def bytes_by_level(self) -> dict[str, int]:
        """What `levels` says."""
        return {level: int(count) for level, _, count in (part.partition("=") for part in self.levels.split())}

    def whole_bytes(self) -> int:
        """What the loaded model takes at most, with `parallel` units in the air."""
        return self._model_bytes() + self.parallel * self.unit_bytes

    def held_bytes(self) -> int:
        """What it takes while nothing flies; where only some pieces go on a GPU, what those do."""
        whole = self._model_bytes()
        return whole * self.gpu_layers // self.layers if self.gpu_layers > 0 else whole

    def _model_bytes(self) -> int:
        return self.bytes_by_level().get(self.quantization, self.load_bytes)
