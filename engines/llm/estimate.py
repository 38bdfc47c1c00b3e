"""What a load takes, from the file's header and the settings: the one place that computes bytes before they are taken.

What lies on a GPU is the weights as they are in the file, the cache, and on each GPU the buffers to compute in and
the driver's context. The library is asked for what it knows better (`buffers.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines.appraisal import Need
from engines.llm.gguf import TENSOR_TYPES
from engines.llm.header import Header
from engines.llm.settings import CacheType, LlmSettings

CACHE_STEP = 256
"""Tokens: the library rounds the cache of a sequence up to a multiple."""
CACHE_TYPES: dict[CacheType, int] = {
    "f32": 0, "f16": 1, "bf16": 30, "q8_0": 8, "q5_1": 7, "q5_0": 6, "q4_1": 3, "q4_0": 2, "iq4_nl": 20,
}  # fmt: skip
"""The library's number of each type that keys and values may be kept as."""
CACHE_ROUNDING_BYTES = 2**14
"""The library tells the cache in hundredths of a MiB: so near, the formula is the exact number."""
CUDA_CONTEXT_BYTES = 400 * 2**20
"""On each GPU for the driver's context, the library's kernels and its pools: a round figure, corrected by measuring."""
PROMPT_CACHE_BYTES = 2**20
"""Of the knob that bounds it."""
PROCESS_BYTES = 64 * 2**20
"""The engine's process with the library in it and no model, as measured on a CPU."""


@dataclass(frozen=True)
class Buffers:
    """What a context takes beside the weights, in bytes."""

    compute: int
    cache: int
    """Of all blocks together."""
    adapters: int = 0
    """Of all LoRA adapters over the weights; they lie where the weights do."""


def context_length(header: Header, settings: LlmSettings) -> int:
    """Tokens of one sequence: no more than the model was trained for."""
    return min(settings.n_ctx, header.trained_context or settings.n_ctx)


def batch_capacity(settings: LlmSettings) -> int:
    """The most tokens of one batch."""
    return max(settings.n_batch, settings.parallel)


def pass_tokens(settings: LlmSettings) -> int:
    """The most tokens computed in one pass; a longer batch is cut, so that it takes no larger buffers."""
    return min(batch_capacity(settings), settings.n_ubatch)


def cache_bytes(header: Header, settings: LlmSettings) -> tuple[int, ...]:
    """Keys and values by block: tokens · heads · head length · bytes of each, for all sequences."""
    cells = _cells(header, settings) * settings.parallel
    blocks = zip(header.cached_keys, header.cached_values, strict=True)
    return tuple(
        _kept(cells * keys, settings.type_k) + _kept(cells * values, settings.type_v) for keys, values in blocks
    )


def prompt_cache_bytes(header: Header, settings: LlmSettings) -> int:
    """The most that computed prompts may take in host memory: no more than the context that they go back into."""
    whole = sum(cache_bytes(header, settings))
    asked = settings.prompt_cache * PROMPT_CACHE_BYTES
    return min(asked, whole) if whole else asked


def formula(header: Header, settings: LlmSettings) -> Buffers:
    """Without the library: rows of 32 bits for each token at once, by the widest step of a block.

    With flash attention that is the feed-forward network: three of its rows, four embedding rows, and a mask of 16
    bits. Without, it is attention: a mask, and the scores of each head for each token of the cache, kept twice over
    with the keys, values and five embedding rows. Within 2 % of what llama.cpp 0.5.0 says of llama models up to 70
    billion parameters with a 16-bit cache, and within 10 % with others. The scores of the vocabulary share that room,
    and take more than it where few tokens are read at once.
    """
    tokens = min(pass_tokens(settings), context_length(header, settings) * settings.parallel)
    tokens = -(-tokens // settings.parallel) * settings.parallel  # the same number for each sequence
    cells = _cells(header, settings)
    row = 4 * (3 * header.feed_forward + 4 * header.embedding) + 2 * cells
    if settings.flash_attn == "off":
        row = max(row, 4 * (header.heads * cells + cells + 5 * header.embedding + max(header.cached, default=0)))
    return Buffers(max(tokens * row, 4 * settings.parallel * header.vocabulary), sum(cache_bytes(header, settings)))


def need(header: Header, settings: LlmSettings, buffers: Buffers) -> Need:
    """Pieces are the blocks, each with its cache, and the output layer."""
    on_gpu = settings.layers_on_gpu(header.pieces)
    caches = _spread(header, settings, buffers.cache)
    adapters = _divided(buffers.adapters, header.block_bytes)
    blocks = [sum(parts) for parts in zip(header.block_bytes, caches, adapters, strict=True)]
    output = header.output_bytes + (header.table_bytes if header.tied and on_gpu != 0 else 0)
    # A long batch is computed on the GPU also for the blocks in the host's memory, whose weights pass through it.
    passing = header.largest_bytes if on_gpu is None or 0 < on_gpu < header.pieces else 0
    return Need(
        layers=(*blocks, output),
        on_gpu=on_gpu,
        per_gpu_bytes=buffers.compute + CUDA_CONTEXT_BYTES + passing,
        host_bytes=header.input_bytes + buffers.compute + prompt_cache_bytes(header, settings) + PROCESS_BYTES,
    )


def gpu_bytes(of: Need, gpus: int) -> int:
    """On so many GPUs together, with as many pieces as asked for, or all."""
    on_gpu = len(of.layers) if of.on_gpu is None else of.on_gpu
    return of.gpu_bytes(on_gpu) + (gpus - 1) * of.per_gpu_bytes if on_gpu else 0


def _kept(values: int, kept_as: CacheType) -> int:
    values_per_block, bytes_per_block = TENSOR_TYPES[CACHE_TYPES[kept_as]]
    return values // values_per_block * bytes_per_block


def _cells(header: Header, settings: LlmSettings) -> int:
    return -(-context_length(header, settings) // CACHE_STEP) * CACHE_STEP


def _spread(header: Header, settings: LlmSettings, cache: int) -> list[int]:
    """The whole cache over the blocks, as the formula shares it; evenly where that knows of none."""
    shares = cache_bytes(header, settings)
    whole = sum(shares)
    if abs(whole - cache) < CACHE_ROUNDING_BYTES:
        return list(shares)
    return _divided(cache, shares)


def _divided(total: int, shares: Sequence[int]) -> list[int]:
    """In proportion to the shares; evenly where all are 0."""
    whole = sum(shares)
    return [total * share // whole if whole else total // len(shares) for share in shares]
