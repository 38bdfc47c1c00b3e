"""What a load takes, from the file's header and the settings: the one place that computes bytes before they are taken.

What lies on a GPU is the weights as they are in the file, the cache, and on each GPU the buffers to compute in and
the driver's context. The library is asked for what it knows better (`buffers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from engines.appraisal import Need
from engines.llm.header import Header
from engines.llm.settings import LlmSettings

PHYSICAL_BATCH = 512
"""Tokens the library computes in one pass; a longer batch is cut, so that it takes no larger buffers."""
CACHE_STEP = 256
"""Tokens: the library rounds the cache of a sequence up to a multiple."""
CACHE_VALUE_BYTES = 2
"""Keys and values are kept as 16-bit floats."""
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


def context_length(header: Header, settings: LlmSettings) -> int:
    """Tokens of one sequence: no more than the model was trained for."""
    return min(settings.n_ctx, header.trained_context or settings.n_ctx)


def batch_capacity(settings: LlmSettings) -> int:
    """The most tokens of one batch."""
    return max(settings.n_batch, settings.parallel)


def cache_bytes(header: Header, settings: LlmSettings) -> tuple[int, ...]:
    """Keys and values by block: 2 · tokens · heads · head length · bytes, for all sequences."""
    cells = _cells(header, settings) * settings.parallel
    return tuple(cells * values * CACHE_VALUE_BYTES for values in header.cached)


def prompt_cache_bytes(header: Header, settings: LlmSettings) -> int:
    """The most that computed prompts may take in host memory: no more than the context that they go back into."""
    whole = sum(cache_bytes(header, settings))
    asked = settings.prompt_cache * PROMPT_CACHE_BYTES
    return min(asked, whole) if whole else asked


def formula(header: Header, settings: LlmSettings) -> Buffers:
    """Without the library: for each token at once three feed-forward and four embedding rows of 32 bits, and a mask.

    Within 2 % of what llama.cpp 0.5.0 says of llama models up to 70 billion parameters. The scores of the vocabulary
    share that room, and take more than it where few tokens are read at once.
    """
    tokens = min(batch_capacity(settings), PHYSICAL_BATCH, context_length(header, settings) * settings.parallel)
    tokens = -(-tokens // settings.parallel) * settings.parallel  # the same number for each sequence
    rows = tokens * (4 * (3 * header.feed_forward + 4 * header.embedding) + 2 * _cells(header, settings))
    return Buffers(max(rows, 4 * settings.parallel * header.vocabulary), sum(cache_bytes(header, settings)))


def need(header: Header, settings: LlmSettings, buffers: Buffers) -> Need:
    """Pieces are the blocks, each with its cache, and the output layer."""
    on_gpu = settings.layers_on_gpu(header.pieces)
    blocks = [sum(parts) for parts in zip(header.block_bytes, _spread(header, settings, buffers.cache), strict=True)]
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


def _cells(header: Header, settings: LlmSettings) -> int:
    return -(-context_length(header, settings) // CACHE_STEP) * CACHE_STEP


def _spread(header: Header, settings: LlmSettings, cache: int) -> list[int]:
    """The whole cache over the blocks, as the formula shares it; evenly where that knows of none."""
    shares = cache_bytes(header, settings)
    whole = sum(shares)
    if abs(whole - cache) < CACHE_ROUNDING_BYTES:
        return list(shares)
    return [cache * share // whole if whole else cache // len(shares) for share in shares]
