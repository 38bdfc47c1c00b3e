"""The exporter writes, byte for byte, the model that comes along, from the arrays in it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.stt.miniature.compose import WINDOW_SECONDS
from engines.stt.miniature.export import write_model
from engines.stt.miniature.shape import Shape
from engines.stt.miniature.tokenizer import build

MODEL = Path(__file__).parents[2] / "engines" / "stt" / "miniature" / "model"
Arrays = dict[str, NDArray[np.float32]]


def stored(path: Path) -> Arrays:
    """The arrays of a file of CTranslate2's by its own names; single numbers are left out."""
    content, at = path.read_bytes(), 4

    def take(form: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(form, content, at)
        at += struct.calcsize(form)
        return int(value)

    def text() -> str:
        nonlocal at
        length = take("<H")
        at += length
        return content[at - length : at - 1].decode()

    assert text() == "WhisperSpec"
    take("<I")
    found = {}
    for _ in range(take("<I")):
        name, ranks = text(), take("<B")
        sizes = [take("<I") for _ in range(ranks)]
        kind, length = take("<B"), take("<I")
        if sizes:
            assert kind == 0, "32-bit floats"
            found[name] = np.frombuffer(content, "<f4", length // 4, at).reshape(sizes)
        at += length
    return found


def named(found: Arrays, shape: Shape) -> Arrays:
    """The same arrays by the names that training gives them."""
    renamed = {"self_attention": "self_attn", "attention": "encoder_attn", "gamma": "weight", "beta": "bias"}
    ffn = {"linear_0": "fc1", "linear_1": "fc2", "layer_norm": "final_layer_norm"}
    arrays: Arrays = {}
    for name, array in found.items():
        side, *parts = name.split("/")
        kind = renamed.get(parts[-1], parts[-1])
        match parts:
            case ["position_encodings", _]:
                arrays[f"{side}.embed_positions.weight"] = array
            case ["embeddings", _]:
                arrays["decoder.embed_tokens.weight"] = array
            case [("conv1" | "conv2" | "layer_norm") as part, _]:
                arrays[f"{side}.{part}.{kind}"] = array
            case [layer, "ffn", part, _]:
                arrays[f"{side}.layers.{layer[6:]}.{ffn[part]}.{kind}"] = array
            case [layer, attention, "layer_norm", _]:
                arrays[f"{side}.layers.{layer[6:]}.{renamed[attention]}_layer_norm.{kind}"] = array
            case _:
                layer, attention, linear, _ = parts
                fused = ("qkv", "out") if attention == "self_attention" else ("q", "kv", "out")
                part = fused[int(linear[-1])]
                split = [part] if part == "out" else list(part)
                for part, piece in zip(split, np.split(array, len(split)), strict=True):
                    arrays[f"{side}.layers.{layer[6:]}.{renamed[attention]}.{part}_proj.{kind}"] = piece
    return {key: arrays[key] for key in shape.arrays()}


@pytest.fixture(scope="module")
def shape() -> Shape:
    return Shape(build().get_vocab_size())


def test_the_arrays_of_the_bundled_model_have_the_recipes_sizes(shape: Shape) -> None:
    arrays = named(stored(MODEL / "model.bin"), shape)
    assert {name: array.shape for name, array in arrays.items()} == shape.arrays()


def test_what_is_written_is_the_bundled_model_byte_for_byte(shape: Shape, tmp_path: Path) -> None:
    arrays = named(stored(MODEL / "model.bin"), shape)
    write_model(tmp_path / "again", shape, build(), arrays, WINDOW_SECONDS)
    names = sorted(path.name for path in MODEL.iterdir())
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == names
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (MODEL / name).read_bytes(), name
