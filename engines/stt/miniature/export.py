"""From named arrays to a folder that faster-whisper loads; needs CTranslate2 and no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from ctranslate2.converters.utils import fuse_linear
from ctranslate2.specs import WhisperSpec
from ctranslate2.specs.common_spec import LinearSpec
from numpy.typing import NDArray
from tokenizers import Tokenizer

from engines.stt.miniature.shape import Shape
from engines.stt.miniature.tokenizer import END, tokens_of

Weights: TypeAlias = Mapping[str, NDArray[np.float32]]


def write_model(
    folder: Path,
    shape: Shape,
    tokenizer: Tokenizer,
    weights: Weights,
    window_seconds: int,
    quantization: str = "float32",
) -> None:
    """An English-only model with the arrays of `Shape.arrays`; `window_seconds` is what it hears at once."""
    spec = WhisperSpec(shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads)
    for side, name in ((spec.encoder, "encoder"), (spec.decoder, "decoder")):
        side.position_encodings.encodings = weights[f"{name}.embed_positions.weight"]
        _put(side.layer_norm, weights, f"{name}.layer_norm", scale="gamma", shift="beta")
        for number, layer in enumerate(side.layer):
            _layer(layer, weights, f"{name}.layers.{number}")
    for conv in ("conv1", "conv2"):
        _put(getattr(spec.encoder, conv), weights, f"encoder.{conv}")
    spec.decoder.embeddings.weight = weights["decoder.embed_tokens.weight"]
    spec.decoder.projection.weight = weights["decoder.embed_tokens.weight"]

    spec.register_vocabulary(tokens_of(tokenizer))
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [tokenizer.token_to_id(END)]
    spec.config.lang_ids = []
    upper_half = range(shape.decoder_layers // 2, shape.decoder_layers)
    spec.config.alignment_heads = [list(pair) for pair in product(upper_half, range(shape.heads))]
    spec.validate()
    spec.optimize(quantization)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    heard = {
        "feature_size": shape.mels,
        "sampling_rate": 16000,
        "hop_length": 160,
        "n_fft": 400,
        "chunk_length": window_seconds,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(heard))


def _layer(spec: Any, weights: Weights, name: str) -> None:
    _attention(spec.self_attention, weights, f"{name}.self_attn", (("q", "k", "v"), ("out",)))
    if f"{name}.encoder_attn.q_proj.weight" in weights:
        _attention(spec.attention, weights, f"{name}.encoder_attn", (("q",), ("k", "v"), ("out",)))
    _put(spec.ffn.linear_0, weights, f"{name}.fc1")
    _put(spec.ffn.linear_1, weights, f"{name}.fc2")
    _put(spec.ffn.layer_norm, weights, f"{name}.final_layer_norm", scale="gamma", shift="beta")


def _attention(spec: Any, weights: Weights, name: str, fused: tuple[tuple[str, ...], ...]) -> None:
    """Projections of the same input are one matrix in CTranslate2."""
    _put(spec.layer_norm, weights, f"{name}_layer_norm", scale="gamma", shift="beta")
    for linear, parts in zip(spec.linear, fused, strict=True):
        layers = [LinearSpec() for _ in parts]
        for layer, part in zip(layers, parts, strict=True):
            _put(layer, weights, f"{name}.{part}_proj")
        fuse_linear(linear, layers)


def _put(spec: Any, weights: Weights, name: str, scale: str = "weight", shift: str = "bias") -> None:
    setattr(spec, scale, weights[f"{name}.weight"])
    if f"{name}.bias" in weights:
        setattr(spec, shift, weights[f"{name}.bias"])
