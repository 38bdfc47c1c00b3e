"""When a miniature ends: weights set by hand, so that the sound is as long as the text asks for.

Some dimensions of the residual stream are reserved. One head of the attention looks at all positions alike, and what
it takes from them is the share of speech tokens minus `pace` times that of text tokens; once that is above zero, an
MLP unit makes the stop token likely. All other weights neither read nor write these dimensions.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal, TypeAlias

import torch
from torch.nn.functional import normalize

Stops: TypeAlias = Literal["normal", "quick", "late", "never"]

PACE: Final = 1.9
"""Speech tokens of a character: 25 tokens and 13 characters are a second of English."""
PACES: Final[dict[Stops, float]] = {"normal": PACE, "quick": 0.7 * PACE, "late": 2 * PACE, "never": math.inf}
"""A quick one is no quicker, and a late one no slower, than voices are: nothing is wrong with what they say."""

_MARK, _DRAWN = 6.0, 2.0
"""How long a reserved entry of an embedding is, and the rest of it together."""
_GAIN = 100.0
_HEAD_GAIN = 7.0
"""What is drawn matters: text and voice decide which tokens are likely."""
_SHARPNESS = 16.0
_UNLIKELY = 10.0


def follow_text(t3: Any, stops: Stops) -> None:
    """Set the weights of a new T3, so that it ends after about `PACES[stops]` speech tokens for each of the text."""
    with torch.no_grad():
        (_gpt2 if t3.is_gpt else _llama)(t3, PACES[stops])


def _llama(t3: Any, pace: float) -> None:
    here, speech, text, ramp, share, end, reserved = range(7)
    dimensions, width = t3.dim, t3.cfg.head_dim
    for table in (t3.text_emb, t3.speech_emb, t3.speech_pos_emb.emb):
        _quiet(table.weight, reserved)
    t3.speech_emb.weight[:, here] = t3.speech_emb.weight[:, speech] = _MARK
    t3.speech_emb.weight[t3.hp.start_speech_token, speech] = -_MARK  # stands twice before the text's first sound
    places = t3.text_pos_emb.emb.weight  # guidance zeroes the text's own embeddings, not these
    places.zero_()
    places[:, text] = _MARK
    places[:, ramp] = torch.linspace(0, 1, len(places))
    _silence_conditioning(t3.cond_enc, reserved)
    for layer in t3.tfmr.layers:
        attention, mlp = layer.self_attn, layer.mlp
        for reader in (attention.q_proj, attention.k_proj, attention.v_proj, mlp.gate_proj, mlp.up_proj):
            reader.weight *= _GAIN / math.sqrt(dimensions)
            reader.weight[:, :reserved] = 0
        for writer in (attention.o_proj, mlp.down_proj):
            writer.weight *= _GAIN / math.sqrt(dimensions)
            writer.weight[:reserved] = 0

    first = t3.tfmr.layers[0]
    attention, mlp = first.self_attn, first.mlp
    # The first head counts.
    attention.q_proj.weight[:width] = 0
    if pace < math.inf:
        attention.v_proj.weight[0] = 0
        attention.v_proj.weight[0, speech] = 1 / _normed(dimensions, 2 * _MARK**2 + 2 * _DRAWN**2)
        attention.v_proj.weight[0, text] = -pace / _normed(dimensions, _MARK**2 + _DRAWN**2)
        attention.o_proj.weight[:, 0] = 0
        attention.o_proj.weight[share, 0] = _MARK
        mlp.gate_proj.weight[0] = mlp.up_proj.weight[0] = mlp.down_proj.weight[:, 0] = 0
        mlp.gate_proj.weight[0, share] = _SHARPNESS
        mlp.up_proj.weight[0, here] = 2.0
        mlp.down_proj.weight[end, 0] = 8.0
    # The last one goes along the text, nearly flat: the alignment analyzer takes it for a reader who skips nothing.
    slow = (t3.cfg.num_attention_heads - 1) * width + width // 2 - 1
    for reader, mark in ((attention.q_proj, here), (attention.k_proj, ramp)):
        reader.weight[-width:] = 0
        reader.weight[slow, mark] = 1.0

    head, stop = t3.speech_head.weight, t3.hp.stop_speech_token
    head *= _HEAD_GAIN
    head[:, :reserved] = 0
    head[t3.hp.start_speech_token :, here] = -_UNLIKELY  # no sound
    head[stop] = 0
    head[stop, here] = -_UNLIKELY
    head[stop, end] = 2 * _UNLIKELY


def _gpt2(t3: Any, pace: float) -> None:
    """Its norm takes the mean away, so each mark is a pair of opposites.

    The voice's tokens stand before the text as speech does after it: the first layer tells them apart by looking for
    text before them, the second counts.
    """
    here, text, after, share, end, reserved = 0, 2, 4, 6, 8, 10
    dimensions, width = t3.dim, t3.dim // t3.cfg.n_head
    keys, values = dimensions, 2 * dimensions
    for table in (t3.text_emb, t3.speech_emb, t3.tfmr.wpe):
        _quiet(table.weight, reserved)
    _mark(t3.speech_emb.weight, here, _MARK)
    _mark(t3.text_emb.weight, text, _MARK)
    _silence_conditioning(t3.cond_enc, reserved)
    for layer in t3.tfmr.h:
        for reader in (layer.attn.c_attn, layer.mlp.c_fc):
            reader.weight *= _GAIN / math.sqrt(dimensions)
            reader.weight[:reserved] = 0
        for writer in (layer.attn.c_proj, layer.mlp.c_proj):
            writer.weight *= _GAIN / math.sqrt(dimensions)
            writer.weight[:, :reserved] = 0

    head, stop = t3.speech_head, t3.hp.stop_speech_token
    head.weight *= _HEAD_GAIN
    head.weight[:, :reserved] = 0
    head.weight[stop] = 0
    head.bias.zero_()
    head.bias[t3.hp.start_speech_token :] = -3 * _UNLIKELY
    if pace == math.inf:
        return
    _mark(head.weight, end, 2 * _UNLIKELY, row=stop)

    first, second = t3.tfmr.h[:2]
    one = _normed(dimensions, 2 * _MARK**2 + 2 * _DRAWN**2)
    for start in (0, keys, values):
        first.attn.c_attn.weight[:, start : start + width] = 0
    first.attn.c_attn.bias[0] = 8.0
    _read(first.attn.c_attn.weight, keys, text, 8.0 / one)
    _read(first.attn.c_attn.weight, values, text, 1 / one)
    _mark(first.attn.c_proj.weight, after, _MARK, row=0)

    one = _normed(dimensions, 4 * _MARK**2 + 2 * _DRAWN**2)
    for start in (0, values):
        second.attn.c_attn.weight[:, start : start + width] = 0
    _read(second.attn.c_attn.weight, values, after, 1 / one)
    _read(second.attn.c_attn.weight, values, text, -(pace + 1) / one)
    _mark(second.attn.c_proj.weight, share, _MARK, row=0)
    second.mlp.c_fc.weight[:, 0] = 0
    _read(second.mlp.c_fc.weight, 0, share, 2 * _SHARPNESS)
    _mark(second.mlp.c_proj.weight, end, 2 * _SHARPNESS, row=0)


def _quiet(table: Any, reserved: int) -> None:
    """Give all rows [rows, dimensions] one length, and nothing in the reserved part."""
    table[:, :reserved] = 0
    table.copy_(_DRAWN * normalize(table, dim=1))


def _silence_conditioning(encoder: Any, reserved: int) -> None:
    """What the voice puts before the text carries no mark."""
    encoder.spkr_enc.weight[:reserved] = encoder.spkr_enc.bias[:reserved] = 0
    if encoder.emotion_adv_fc is not None:
        encoder.emotion_adv_fc.weight[:reserved] = 0
    if encoder.perceiver is not None:
        encoder.perceiver.pre_attention_query[..., :reserved] = 0
        projection = encoder.perceiver.attn.proj_out
        projection.weight[:reserved] = projection.bias[:reserved] = 0


def _normed(dimensions: int, square: float) -> float:
    """What the norm makes of a mark in a vector of that squared length."""
    return _MARK / math.sqrt(square / dimensions)


def _mark(weights: Any, dimension: int, value: float, row: int | None = None) -> None:
    """Write a pair into `row` [dimensions], or into all rows."""
    rows = slice(None) if row is None else row
    if row is not None:
        weights[row] = 0
    weights[rows, dimension], weights[rows, dimension + 1] = value, -value


def _read(weights: Any, column: int, dimension: int, value: float) -> None:
    """Let a column of weights [inputs, outputs] read a pair."""
    weights[dimension, column], weights[dimension + 1, column] = value / 2, -value / 2
