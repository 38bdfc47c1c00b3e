"""The sizes of a checkpoint, which the library has in its code; a miniature brings its own in `sizes.json`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from engines.tts.library import prepare

SIZES: Final = "sizes.json"


class Sizes(Struct, frozen=True):
    """Of the part that writes tokens, and of the part that makes sound of them."""

    dimensions: int = 32
    layers: int = 2
    heads: int = 2
    sound_channels: int = 16


def sizes_of(folder: Path) -> Sizes | None:
    """Those of a miniature; None for a checkpoint of the usual size."""
    file = folder / SIZES
    return msgspec.json.decode(file.read_bytes(), type=Sizes) if file.is_file() else None


@functools.cache
def shrink(sizes: Sizes) -> None:
    """Give the library's classes these sizes, in this process and for good; before any of them is made."""
    prepare()
    shrink_t3(sizes)
    _shrink_sound(sizes.sound_channels)


def shrink_t3(sizes: Sizes) -> None:
    """The part that writes tokens alone."""
    from chatterbox.models.t3 import llama_configs
    from chatterbox.models.t3.inference import alignment_stream_analyzer
    from chatterbox.models.t3.modules import cond_enc, perceiver

    dimensions, layers, heads = sizes.dimensions, sizes.layers, sizes.heads
    llama_configs.LLAMA_CONFIGS["Llama_520M"].update(
        hidden_size=dimensions,
        intermediate_size=2 * dimensions,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=dimensions // heads,
    )
    llama_configs.LLAMA_CONFIGS["GPT2_medium"].update(
        n_embd=dimensions, hidden_size=dimensions, n_head=heads, n_layer=layers
    )
    cond_enc.Perceiver = functools.partial(
        perceiver.Perceiver, pre_attention_query_size=dimensions, embedding_dim=dimensions, num_attn_heads=2
    )
    # The analyzer watches heads of layers that a small model has not; here this one goes along the text.
    alignment_stream_analyzer.LLAMA_ALIGNED_HEADS[:] = 3 * [(0, heads - 1)]


def _shrink_sound(channels: int) -> None:
    from chatterbox.models.s3gen import s3gen
    from chatterbox.models.s3gen.transformer import upsample_encoder
    from chatterbox.models.voice_encoder.config import VoiceEncConfig
    from s3tokenizer.model_v2 import S3TokenizerV2

    VoiceEncConfig.ve_hidden_size = 16
    upsample_encoder.PreLookaheadLayer = _resized(upsample_encoder.PreLookaheadLayer, channels=channels)
    upsample_encoder.Upsample1D = _resized(upsample_encoder.Upsample1D, channels=channels, out_channels=channels)
    s3gen.UpsampleConformerEncoder = _resized(
        s3gen.UpsampleConformerEncoder,
        input_size=channels,
        output_size=channels,
        attention_heads=2,
        linear_units=channels,
        num_blocks=1,
    )
    s3gen.ConditionalDecoder = _resized(
        s3gen.ConditionalDecoder, channels=[channels], attention_head_dim=8, n_blocks=1, num_mid_blocks=1, num_heads=2
    )
    s3gen.CausalMaskedDiffWithXvec = _resized(s3gen.CausalMaskedDiffWithXvec, input_size=channels)
    s3gen.ConvRNNF0Predictor = _resized(s3gen.ConvRNNF0Predictor, cond_channels=channels)
    s3gen.HiFTGenerator = _resized(s3gen.HiFTGenerator, base_channels=channels)
    s3gen.CAMPPlus = _resized(s3gen.CAMPPlus, growth_rate=4, bn_size=2, init_channels=16)
    shared: Any = S3TokenizerV2.__init__.__defaults__
    # The width of a head is fixed by the tokenizer's own table of frequencies.
    shared[0].n_audio_state, shared[0].n_audio_head, shared[0].n_audio_layer = 128, 2, 1


def _resized(made: Any, **sizes: object) -> Callable[..., Any]:
    return lambda *arguments, **named: made(*arguments, **{**named, **sizes})
