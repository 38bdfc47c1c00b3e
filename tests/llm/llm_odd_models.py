"""Tiny models with random numbers whose caches are unlike the usual: one with a recurrent state, one with a window."""

from __future__ import annotations

from pathlib import Path

import gguf as reference
import numpy
from llm_recorders import MINIATURE

_WIDTH = 64
_BLOCKS = 4
WINDOW = 32


def recurrent(path: Path) -> Path:
    """A Mamba: its state is of the last token, and cannot go back."""
    inner, state, rank, kernel = 2 * _WIDTH, 8, 4, 4
    writer = _begun(path, "mamba")
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    numbers = numpy.random.default_rng(1)
    for block in range(_BLOCKS):
        shapes = {
            "attn_norm.weight": (_WIDTH,),
            "ssm_in.weight": (2 * inner, _WIDTH),
            "ssm_conv1d.weight": (inner, kernel),
            "ssm_conv1d.bias": (inner,),
            "ssm_x.weight": (rank + 2 * state, inner),
            "ssm_dt.weight": (inner, rank),
            "ssm_dt.bias": (inner,),
            "ssm_out.weight": (_WIDTH, inner),
        }
        for name, shape in shapes.items():
            _add(writer, f"blk.{block}.{name}", shape, numbers)
        decay = -numpy.tile(numpy.arange(1, state + 1, dtype=numpy.float32), (inner, 1))
        writer.add_tensor(f"blk.{block}.ssm_a", decay)
        writer.add_tensor(f"blk.{block}.ssm_d", numpy.ones(inner, dtype=numpy.float32))
    return _finished(writer, numbers)


def windowed(path: Path) -> Path:
    """A Cohere 2: three of four blocks look back over a short window only."""
    heads, feed = 4, 2 * _WIDTH
    writer = _begun(path, "cohere2")
    writer.add_feed_forward_length(feed)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_eps(1e-5)
    writer.add_logit_scale(1.0)
    writer.add_sliding_window(WINDOW)
    writer.add_rope_dimension_count(_WIDTH // heads)
    numbers = numpy.random.default_rng(1)
    for block in range(_BLOCKS):
        _add(writer, f"blk.{block}.attn_norm.weight", (_WIDTH,), numbers)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            _add(writer, f"blk.{block}.{name}.weight", (_WIDTH, _WIDTH), numbers)
        for name, shape in (("gate", (feed, _WIDTH)), ("up", (feed, _WIDTH)), ("down", (_WIDTH, feed))):
            _add(writer, f"blk.{block}.ffn_{name}.weight", shape, numbers)
    return _finished(writer, numbers)


def _begun(path: Path, architecture: str) -> reference.GGUFWriter:
    writer = reference.GGUFWriter(path, architecture)
    writer.add_name(architecture)
    writer.add_context_length(1024)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_BLOCKS)
    writer.add_file_type(0)
    return writer


def _finished(writer: reference.GGUFWriter, numbers: numpy.random.Generator) -> Path:
    words = _add_words(writer)
    _add(writer, "token_embd.weight", (words, _WIDTH), numbers)
    _add(writer, "output_norm.weight", (_WIDTH,), numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert isinstance(writer.path, Path)
    return writer.path


def _add(writer: reference.GGUFWriter, name: str, shape: tuple[int, ...], numbers: numpy.random.Generator) -> None:
    values = numbers.normal(0, 0.2, shape).astype(numpy.float32)
    writer.add_tensor(name, 1 + values if name.endswith("norm.weight") else values)


def _add_words(writer: reference.GGUFWriter) -> int:
    """The miniature's vocabulary."""
    fields = reference.GGUFReader(MINIATURE).fields
    words = fields["tokenizer.ggml.tokens"].contents()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types(fields["tokenizer.ggml.token_type"].contents())
    writer.add_token_merges(fields["tokenizer.ggml.merges"].contents())
    writer.add_bos_token_id(fields["tokenizer.ggml.bos_token_id"].contents())
    writer.add_eos_token_id(fields["tokenizer.ggml.eos_token_id"].contents())
    return len(words)
