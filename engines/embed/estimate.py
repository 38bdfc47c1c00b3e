"""What a load takes, in bytes, before anything is loaded."""

from __future__ import annotations

from engines.embed.folder import Manifest
from engines.embed.settings import EmbedSettings
from engines.gpu_memory import placement

CONTEXT_BYTES = 400 * 2**20
"""What the driver takes for a process on a GPU; a round figure."""
PROCESS_BYTES = 64 * 2**20
"""The process with its libraries and nothing loaded, as measured on a CPU."""
VOCABULARY_BYTES = 24 * 2**20
_FLOAT, _HALF = 4, 2
_OVERHEAD_BYTES = 224
"""Of one kept vector: its key, its place in the table, and the numbers kept about it; measured."""


def buffers_bytes(manifest: Manifest, settings: EmbedSettings) -> int:
    """To compute one batch of the longest texts: the widest layer, what goes around it, and all attention of it."""
    length = min(settings.max_tokens or manifest.max_tokens, manifest.max_tokens)
    tokens = settings.batch_size * length
    layer = tokens * (6 * manifest.dimensions + 2 * manifest.inner)
    attention = 2 * tokens * length * manifest.heads
    return _FLOAT * (layer + attention)


def kept_bytes(dimensions: int) -> int:
    """Memory that one kept vector takes."""
    return dimensions * _HALF + _OVERHEAD_BYTES


def cache_bytes(manifest: Manifest, settings: EmbedSettings) -> int:
    """All kept vectors, once there are as many as may be."""
    return min(settings.cache_entries * kept_bytes(manifest.dimensions), settings.cache_bytes)


def gpu_bytes(manifest: Manifest, settings: EmbedSettings) -> int:
    """On the GPU, where the process was placed on one."""
    if not placement():
        return 0
    return manifest.model_bytes + buffers_bytes(manifest, settings) + CONTEXT_BYTES
