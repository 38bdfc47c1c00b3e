"""Model files for tests: the miniature at other levels, and files of which nothing but the header is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gguf as reference
import llama_cpp
import numpy
from llm_recorders import MINIATURE

from engines.llm.gguf import TENSOR_TYPES
from engines.llm.library import open_library

Q4_0, Q8_0, F16, F32 = 2, 7, 1, 0
"""Values of `general.file_type`."""
_TENSOR_TYPES = {Q4_0: 2, Q8_0: 8, F16: 1, F32: 0}


def quantized(folder: Path, file_type: int, *, stem: str = "miniature") -> Path:
    """The miniature, really quantized by the library."""
    target = folder / f"{stem}-{reference.LlamaFileType(file_type).name.removeprefix('MOSTLY_')}.gguf"
    open_library()
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread = file_type, 1
    assert llama_cpp.llama_model_quantize(str(MINIATURE).encode(), str(target).encode(), parameters) == 0
    return target


@dataclass(frozen=True)
class Build:
    """The sizes of a llama model; usual are those of one with 7 billion parameters."""

    blocks: int = 32
    embedding: int = 4096
    feed_forward: int = 11008
    heads: int = 32
    cache_heads: tuple[int, ...] = (32,)
    """One for all blocks, or one for each."""
    vocabulary: int = 32000
    tied: bool = False
    name: str = "Sevenish"
    metadata: tuple[tuple[str, str], ...] = ()

    def tensors(self) -> dict[str, tuple[int, int]]:
        """Rows and columns of the matrices."""
        head = self.embedding // self.heads
        sizes = {"token_embd": (self.vocabulary, self.embedding)}
        if not self.tied:
            sizes["output"] = (self.vocabulary, self.embedding)
        for block in range(self.blocks):
            cached = head * self.cache_heads[min(block, len(self.cache_heads) - 1)]
            sizes |= {f"blk.{block}.{one}": (self.embedding, self.embedding) for one in ("attn_q", "attn_output")}
            sizes |= {f"blk.{block}.{one}": (cached, self.embedding) for one in ("attn_k", "attn_v")}
            sizes |= {f"blk.{block}.{one}": (self.feed_forward, self.embedding) for one in ("ffn_gate", "ffn_up")}
            sizes[f"blk.{block}.ffn_down"] = (self.embedding, self.feed_forward)
        return sizes


def hollow(path: Path, build: Build, file_type: int) -> Path:
    """A file as long as such a model's, with a true header and a hole where the numbers would be."""
    writer = reference.GGUFWriter(path, "llama")
    writer.add_name(build.name)
    writer.add_context_length(4096)
    writer.add_embedding_length(build.embedding)
    writer.add_block_count(build.blocks)
    writer.add_feed_forward_length(build.feed_forward)
    writer.add_head_count(build.heads)
    writer.add_head_count_kv(build.cache_heads[0] if len(build.cache_heads) == 1 else list(build.cache_heads))
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(file_type)
    for name, value in build.metadata:
        writer.add_string(name, value)
    _add_words(writer, build.vocabulary)
    kind = reference.GGMLQuantizationType(_TENSOR_TYPES[file_type])
    for name, (rows, columns) in build.tensors().items():
        values, size = TENSOR_TYPES[kind]
        writer.add_tensor_info(
            f"{name}.weight", (rows, columns), numpy.dtype(numpy.float16), rows * columns // values * size, kind
        )
    norms = ["output_norm", *(f"blk.{n}.{norm}" for n in range(build.blocks) for norm in ("attn_norm", "ffn_norm"))]
    for name in norms:
        writer.add_tensor_info(
            f"{name}.weight", (build.embedding,), numpy.dtype(numpy.float32), 4 * build.embedding, None
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with path.open("r+b") as file:
        start = -(-path.stat().st_size // 32) * 32
        file.truncate(start + sum(_padded(tensor.nbytes) for part in writer.tensors for tensor in part.values()))
    return path


def _padded(size: int) -> int:
    return -(-size // 32) * 32


def _add_words(writer: reference.GGUFWriter, count: int) -> None:
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    words = [chr(byte if byte in printable else 256 + byte) for byte in range(256)]
    words = [*words, *(f"word{n}" for n in range(count - len(words)))][:count]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types([reference.TokenType.NORMAL] * count)
    writer.add_token_merges([f"{words[0]} {words[1]}"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
