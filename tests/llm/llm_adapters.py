"""A small LoRA adapter for tests."""

from __future__ import annotations

from pathlib import Path

import gguf as reference
import numpy

WIDTH = 256
"""Of the miniature."""
RANK = 4


def adapter(path: Path, *, width: int = WIDTH, architecture: str = "llama", type_: str = "adapter") -> Path:
    """One that moves what attention of the first block writes, the same way each time."""
    writer = reference.GGUFWriter(path, architecture)
    writer.add_type(type_)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 2.0 * RANK)
    dice = numpy.random.default_rng(1)
    for part, sizes in (("a", (RANK, width)), ("b", (width, RANK))):
        numbers = dice.normal(size=sizes).astype(numpy.float32)
        writer.add_tensor(f"blk.0.attn_output.weight.lora_{part}", numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
