"""Numbers that are none, holes and tensors in each other's place are seen in files whose header is good."""

from __future__ import annotations

from pathlib import Path

import pytest
from llm_files import F16, F32, Q4_0, Q8_0, Build, hollow, quantized
from llm_recorders import MINIATURE
from llm_shards import shards_of

from engines.llm import gguf
from engines.llm.soundness import _SCALES, unsound

EVERY_KIND = (F32, F16, Q4_0, 3, Q8_0, 8, 9, 10, 12, 15, 17, 18, 25, 32, 36, 37)
"""File types that together use almost each type of tensor that has a scale."""


@pytest.mark.parametrize("file_type", EVERY_KIND)
def test_every_sort_of_weights_is_sound_until_a_scale_is_none(tmp_path: Path, file_type: int) -> None:
    path = quantized(tmp_path, file_type)
    assert list(unsound(path)) == []
    (contents,) = gguf.check(path)
    tensor = max(contents.tensors, key=lambda one: one.bytes)
    layout, places = _SCALES[tensor.kind]
    none = {"e": b"\x00\x7e", "f": b"\x00\x00\xc0\x7f", "bf16": b"\xc0\x7f"}[layout]
    with path.open("r+b") as file:
        file.seek(contents.data_start + tensor.offset + places[-1])
        file.write(none)
    assert list(unsound(path)) == [f"{path.name}: {tensor.name} holds what is no number"]


def test_a_hole_where_the_numbers_should_be(tmp_path: Path) -> None:
    small = Build(blocks=1, embedding=256, feed_forward=512, heads=8, cache_heads=(8,), vocabulary=300)
    said = list(unsound(hollow(tmp_path / "hole.gguf", small, Q8_0)))
    assert "hole.gguf: blk.0.ffn_down.weight is all zeros wherever it was looked at" in said
    assert len(said) == len(small.tensors())


def test_a_tensor_that_lies_over_another(tmp_path: Path) -> None:
    path = tmp_path / "over.gguf"
    (contents,) = gguf.check(MINIATURE)
    second = sorted(contents.tensors, key=lambda one: one.offset)[1]
    name = second.name.encode()
    data = bytearray(MINIATURE.read_bytes())
    at = data.index(len(name).to_bytes(8, "little") + name) + 8 + len(name) + 4 + 8 * len(second.sizes) + 4
    assert int.from_bytes(data[at : at + 8], "little") == second.offset
    data[at : at + 8] = (0).to_bytes(8, "little")
    path.write_bytes(data)
    assert any("lies over" in said for said in unsound(path))


def test_shards_are_all_looked_into(tmp_path: Path) -> None:
    first, _, third = shards_of(tmp_path, 14)
    assert list(unsound(first)) == []
    with third.open("r+b") as file:
        file.seek(gguf.check(first)[2].data_start)
        file.write(b"\x00\x7e" * 2000)
    assert [said.split(":")[0] for said in unsound(first)] == [third.name]
