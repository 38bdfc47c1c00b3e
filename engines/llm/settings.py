"""The knobs of a language model."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from engines.settings import EngineSettings, knob
from ipc.snapshot import Scalar

MINIATURE = "miniature"
"""The model name that means the model shipped with the project."""
BALANCED: Final = 0.81
"""Share of the layers that the profile `balanced` puts on the GPU: 35 of 43."""


class LlmSettings(EngineSettings, frozen=True, kw_only=True):
    """Settings of one llama-cpp-python engine; sampling values are defaults that a request may override."""

    model: Annotated[
        str,
        knob(
            "",
            "model",
            "path of a GGUF file, or of a folder with files of one model at several levels, or `miniature`",
            recommend="an absolute path",
        ),
    ] = MINIATURE
    quantization: Annotated[
        Literal["auto", "q4", "q8", "q16", "q32"],
        knob("", "model", "level to take; `auto`: the file's own, or of a folder the best that fits", recommend="auto"),
    ] = "auto"
    n_ctx: Annotated[int, knob("tokens", "context", "context length", ge=64, le=1048576, recommend="4096")] = 4096
    n_batch: Annotated[
        int,
        knob(
            "tokens",
            "context",
            "tokens decoded at once while reading a prompt",
            ge=1,
            le=16384,
            recommend="512",
        ),
    ] = 512
    profile: Annotated[
        Literal["performance", "balanced", "cpu_fallback", "dynamic"],
        knob("", "model", "layers on the GPU: all, 0.81 of them, none, or as many as there is room for"),
    ] = "performance"
    n_gpu_layers: Annotated[
        int, knob("layers", "model", "layers on the GPU; -1 means as the profile says", ge=-1, le=1000)
    ] = -1
    tensor_split: Annotated[
        str, knob("", "model", "shares of several GPUs, such as `0.6,0.4`; empty means as they were placed")
    ] = ""
    threads: Annotated[int, knob("threads", "now", "CPU threads; 0 means physical cores − 1", ge=0, le=512)] = 0
    mmap: Annotated[bool, knob("", "model", "map the file instead of reading it")] = True
    max_tokens: Annotated[int, knob("tokens", "now", "answer length where a request names none", ge=1, le=131072)] = 256
    temperature: Annotated[float, knob("", "now", "0 is greedy", ge=0, le=5, recommend="0.8; 0 for batches")] = 0.8
    top_k: Annotated[int, knob("", "now", "keep the k likeliest tokens; 0 keeps all", ge=0, le=100000)] = 40
    top_p: Annotated[float, knob("", "now", "keep the likeliest tokens up to this share", ge=0, le=1)] = 0.95
    min_p: Annotated[float, knob("", "now", "drop tokens below this share of the likeliest", ge=0, le=1)] = 0.05
    repeat_penalty: Annotated[float, knob("", "now", "0 and 1 are off", ge=0, le=10)] = 1.0
    seed: Annotated[
        int,
        knob(
            "",
            "now",
            "each unit adds its index; 0 draws a fresh one, except in deterministic work",
            ge=0,
            le=2147483647,
        ),
    ] = 0

    system_prompt: Annotated[
        str, knob("", "flight", "the system message where a request has none; computed once, and kept over restarts")
    ] = ""
    prompt_cache: Annotated[
        int,
        knob(
            "MiB",
            "now",
            "host memory for computed beginnings of prompts; 0 computes all anew",
            ge=0,
            le=1048576,
            recommend="256",
        ),
    ] = 256

    def joins(self) -> bool:
        """Every unit gets a place in the batch as soon as one is free."""
        return True

    def process_environment(self) -> dict[str, str]:
        """Waiting OpenMP threads sleep: on contended cores spinning ones cost ten times the tokens/s.

        Allocations of all threads share one heap, of which more goes back to the system after an unload.
        """
        return {"OMP_WAIT_POLICY": "PASSIVE", "MALLOC_ARENA_MAX": "1"}

    def layers_on_gpu(self, layers: int) -> int | None:
        """How many of so many layers go on GPUs; None where as many as there is room for."""
        if self.gpu == "cpu":
            return 0
        if self.n_gpu_layers >= 0:
            return min(self.n_gpu_layers, layers)
        match self.profile:
            case "performance":
                return layers
            case "balanced":
                return round(BALANCED * layers)
            case "cpu_fallback":
                return 0
            case "dynamic":
                return None

    def shape(self) -> dict[str, Scalar]:
        """Of two knobs for layers, the one in force."""
        layers: dict[str, Scalar] = (
            {"n_gpu_layers": self.n_gpu_layers} if self.n_gpu_layers >= 0 else {"profile": self.profile}
        )
        return {"n_ctx": self.n_ctx, "parallel": self.parallel, "n_batch": self.n_batch, **layers}

    def step_down(self) -> dict[str, Scalar]:
        """Parallel, then batch size, then context, then the GPU."""
        if self.parallel > 1:
            return {"parallel": self.parallel // 2}
        if self.n_batch > 64:
            return {"n_batch": max(64, self.n_batch // 2)}
        if self.n_ctx > 512:
            return {"n_ctx": max(512, self.n_ctx // 2)}
        return {} if self.layers_on_gpu(1) == 0 else {"n_gpu_layers": 0}
