"""From named arrays to a GGUF file that llama.cpp loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy

SPECIAL = ("<|bos|>", "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
"""The first tokens of the vocabulary, in this order."""
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
CONTEXT_LENGTH = 2048


@dataclass(frozen=True)
class Vocabulary:
    """A byte-level BPE vocabulary: tokens by their number, and the pairs that merge, likeliest first."""

    tokens: Sequence[str]
    merges: Sequence[str]


@dataclass(frozen=True)
class Header:
    """What the file says about the network, beside the sizes that its arrays show."""

    name: str
    heads: int
    cache_heads: int
    epsilon: float = 1e-5
    rope_base: float = 10_000.0
    chat_template: str | None = CHAT_TEMPLATE


def write_gguf(
    path: Path, header: Header, vocabulary: Vocabulary, weights: Mapping[str, numpy.ndarray[Any, Any]]
) -> None:
    """Matrices are stored as 16-bit floats, norms as 32-bit ones."""
    table = weights["token_embd.weight"]
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blk."))
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(header.name)
    writer.add_context_length(CONTEXT_LENGTH)
    writer.add_embedding_length(table.shape[1])
    writer.add_block_count(layers)
    writer.add_feed_forward_length(weights["blk.0.ffn_gate.weight"].shape[0])
    writer.add_head_count(header.heads)
    writer.add_head_count_kv(header.cache_heads)
    writer.add_layer_norm_rms_eps(header.epsilon)
    writer.add_rope_freq_base(header.rope_base)
    writer.add_rope_dimension_count(table.shape[1] // header.heads)
    writer.add_vocab_size(len(vocabulary.tokens))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    _add_vocabulary(writer, vocabulary)
    if header.chat_template is not None:
        writer.add_chat_template(header.chat_template)
    for name, weight in weights.items():
        kind = numpy.float16 if weight.ndim == 2 else numpy.float32
        writer.add_tensor(name, numpy.ascontiguousarray(weight, dtype=kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types([control if token in SPECIAL else normal for token in vocabulary.tokens])
    writer.add_token_merges(list(vocabulary.merges))
    writer.add_bos_token_id(SPECIAL.index("<|bos|>"))
    writer.add_eos_token_id(SPECIAL.index("<|endoftext|>"))
    writer.add_eot_token_id(SPECIAL.index("<|end|>"))
    writer.add_add_bos_token(True)
