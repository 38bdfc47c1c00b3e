"""The miniature in several files, as llama.cpp's own tool splits a big model."""

from __future__ import annotations

from pathlib import Path

import gguf as reference
from llm_recorders import MINIATURE


def shards_of(folder: Path, tensors: int, *, source: Path = MINIATURE, stem: str = "big") -> list[Path]:
    """Files `big-00001-of-0000N.gguf` with so many tensors each; the first is the model."""
    reader = reference.GGUFReader(source)
    writer = reference.GGUFWriter(folder / f"{stem}.gguf", "llama", split_max_tensors=tensors)
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        inner = field.types[-1] if field.types[0] == reference.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(folder.glob(f"{stem}-*.gguf"))
