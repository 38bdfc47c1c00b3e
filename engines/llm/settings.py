"""The knobs of a language model."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from engines.settings import EngineSettings, knob
from ipc.snapshot import Scalar

MINIATURE = "miniature"
"""The model name that means the model shipped with the project."""
BALANCED: Final = 0.81
"""Share of the layers that the profile `balanced` puts on the GPU: 35 of 43."""
CacheType: TypeAlias = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]
"""What keys and values of earlier tokens are kept as, finest first."""
UNQUANTIZED: Final = ("f32", "f16", "bf16")
_ALSO_MEMORY = ("n_ubatch", "type_k", "type_v", "flash_attn", "lora", "prompt_cache")


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
    n_ubatch: Annotated[
        int,
        knob(
            "tokens",
            "context",
            "tokens of a batch computed in one pass: its buffers grow with them",
            ge=1,
            le=16384,
            recommend="512; 2048 reads long prompts faster on a large GPU",
        ),
    ] = 512
    type_k: Annotated[
        CacheType, knob("", "context", "what keys are kept as in the cache", recommend="f16; q8_0 halves them")
    ] = "f16"
    type_v: Annotated[
        CacheType,
        knob(
            "",
            "context",
            "what values are kept as in the cache; other than f32, f16 and bf16 they need flash attention",
            recommend="f16; q8_0 halves them",
        ),
    ] = "f16"
    flash_attn: Annotated[
        Literal["auto", "on", "off"],
        knob("", "context", "flash attention: smaller buffers; `auto`: where the model allows it", recommend="auto"),
    ] = "auto"
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
    main_gpu: Annotated[
        int,
        knob(
            "",
            "model",
            "keep the model whole on this one of its GPUs, counted from 0; -1 divides it where it is on several",
            ge=-1,
            le=15,
            recommend="-1; which GPUs are its own says `gpu`",
        ),
    ] = -1
    lora: Annotated[
        str,
        knob(
            "",
            "context",
            "adapters over the weights: paths of GGUF files, each with `:scale` if not 1, with commas between them",
        ),
    ] = ""
    threads: Annotated[int, knob("threads", "now", "CPU threads; 0 means physical cores − 1", ge=0, le=512)] = 0
    threads_batch: Annotated[
        int, knob("threads", "now", "CPU threads while a prompt is read; 0 means as many as `threads`", ge=0, le=512)
    ] = 0
    mmap: Annotated[bool, knob("", "model", "map the file instead of reading it")] = True
    mlock: Annotated[
        bool, knob("", "model", "keep the weights in memory whatever else wants it; needs the right to (ulimit -l)")
    ] = False
    chat_template: Annotated[
        str,
        knob(
            "",
            "flight",
            "Jinja template in place of the model's own: the path of a file, or the text itself",
            content=True,
        ),
    ] = ""
    max_tokens: Annotated[int, knob("tokens", "now", "answer length where a request names none", ge=1, le=131072)] = 256
    temperature: Annotated[float, knob("", "now", "0 is greedy", ge=0, le=5, recommend="0.8; 0 for batches")] = 0.8
    top_k: Annotated[int, knob("", "now", "keep the k likeliest tokens; 0 keeps all", ge=0, le=100000)] = 40
    top_p: Annotated[float, knob("", "now", "keep the likeliest tokens up to this share", ge=0, le=1)] = 0.95
    min_p: Annotated[float, knob("", "now", "drop tokens below this share of the likeliest", ge=0, le=1)] = 0.05
    typical_p: Annotated[float, knob("", "now", "keep the tokens most typical here; 1 is off", ge=0, le=1)] = 1.0
    repeat_penalty: Annotated[
        float, knob("", "now", "divides what a token written before is worth; 0 and 1 are off", ge=0, le=10)
    ] = 1.0
    presence_penalty: Annotated[
        float, knob("", "now", "taken from what a token written before is worth; 0 is off", ge=-2, le=2)
    ] = 0.0
    frequency_penalty: Annotated[
        float, knob("", "now", "the same for each time that it was written; 0 is off", ge=-2, le=2)
    ] = 0.0
    repeat_last_n: Annotated[
        int,
        knob("tokens", "now", "how far back penalties look; 0 is off, -1 all of the answer", ge=-1, le=131072),
    ] = 64
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
        str,
        knob(
            "",
            "flight",
            "the system message where a request has none; computed once, and kept over restarts",
            content=True,
        ),
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
        """Of two knobs for layers, the one in force; of those rarely touched, the ones that were."""
        layers: dict[str, Scalar] = (
            {"n_gpu_layers": self.n_gpu_layers} if self.n_gpu_layers >= 0 else {"profile": self.profile}
        )
        usual = LlmSettings()
        unusual = {name: value for name in _ALSO_MEMORY if (value := getattr(self, name)) != getattr(usual, name)}
        return {"n_ctx": self.n_ctx, "parallel": self.parallel, "n_batch": self.n_batch, **unusual, **layers}

    def step_down(self) -> dict[str, Scalar]:
        """Parallel, then batch size, then context, then the GPU."""
        if self.parallel > 1:
            return {"parallel": self.parallel // 2}
        if self.n_batch > 64:
            return {"n_batch": max(64, min(self.n_batch, self.n_ubatch) // 2)}
        if self.n_ctx > 512:
            return {"n_ctx": max(512, self.n_ctx // 2)}
        return {} if self.layers_on_gpu(1) == 0 else {"n_gpu_layers": 0}
