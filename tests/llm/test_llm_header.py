"""What a header tells: parts and their bytes, shards, levels, and the numbers behind the cache."""

from __future__ import annotations

from pathlib import Path

import gguf as reference
import llama_cpp
import numpy
import pytest
from llm_files import F16, Q4_0, Q8_0, Build, hollow
from llm_recorders import MINIATURE

from engines.llm import gguf, levels
from engines.llm.gguf import Contents, Tensor, Value
from engines.llm.header import header_of, read


def test_the_miniature() -> None:
    header = read(MINIATURE)
    assert (header.architecture, header.name) == ("llama", "Engine Room miniature")
    assert (header.quantization, header.level, header.trained_context) == ("F16", "q16", 2048)
    assert (header.embedding, header.feed_forward, header.vocabulary) == (256, 768, 2048)
    assert header.cached == (256,) * 4
    assert header.pieces == 5
    assert header.tied
    assert header.table_bytes == 2048 * 256 * 2


def test_parts_add_up_to_all_tensors() -> None:
    header = read(MINIATURE)
    file = reference.GGUFReader(MINIATURE)
    assert header.weight_bytes == sum(int(tensor.n_bytes) for tensor in file.tensors)
    assert len(set(header.block_bytes)) == 1
    assert header.largest_bytes == 768 * 256 * 2


def test_shards_are_added_up(tmp_path: Path) -> None:
    writer = reference.GGUFWriter(tmp_path / "split.gguf", "llama", split_max_tensors=2)
    writer.add_block_count(2)
    for name in ("token_embd", "blk.0.attn_q", "blk.1.attn_q", "output"):
        writer.add_tensor(f"{name}.weight", numpy.zeros((8, 32), dtype=numpy.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    first, second = sorted(tmp_path.glob("*.gguf"))
    header = read(first)
    assert header.block_bytes == (512, 512)
    assert (header.input_bytes, header.output_bytes, header.tied) == (512, 512, False)
    assert not gguf.is_further(first)
    assert gguf.is_further(second)


def test_the_beginning_tells_whose_file_it_is_without_its_words() -> None:
    values = gguf.beginning(MINIATURE)
    assert values["general.name"] == "Engine Room miniature"
    assert values["llama.block_count"] == 4
    assert not any(name.startswith("tokenizer.") for name in values)
    assert "tokenizer.ggml.tokens" not in gguf.check(MINIATURE)[0].values


def test_heads_may_differ_from_block_to_block(tmp_path: Path) -> None:
    build = Build(blocks=3, embedding=256, feed_forward=512, heads=8, cache_heads=(8, 0, 2), vocabulary=300)
    assert read(hollow(tmp_path / "odd.gguf", build, F16)).cached == (2 * 8 * 32, 0, 2 * 2 * 32)


def contents(*tensors: Tensor, **values: Value) -> Contents:
    return Contents({f"odd.{name}": value for name, value in values.items()} | ARCHITECTURE, tensors, 0)


ARCHITECTURE: dict[str, Value] = {"general.architecture": "odd"}


def block(number: int) -> Tensor:
    return Tensor(f"blk.{number}.ffn_up.weight", (32, 4), 8, 0)


def test_a_model_may_tell_the_lengths_of_its_keys_and_values() -> None:
    named: dict[str, Value] = {
        "block_count": 1,
        "embedding_length": 64,
        "attention.head_count": 4,
        "attention.head_count_kv": 2,
        "attention.key_length": 100,
        "attention.value_length": 20,
    }
    assert header_of([contents(block(0), **named)]).cached == (2 * 120,)


def test_experts_count_as_many_as_work_together() -> None:
    named: dict[str, Value] = {"feed_forward_length": 100, "expert_feed_forward_length": 30, "expert_used_count": 8}
    assert header_of([contents(**named)]).feed_forward == 240


@pytest.mark.parametrize("nonsense", ["many", 2**60, -3])
def test_a_count_of_blocks_is_believed_as_far_as_there_are_tensors(nonsense: Value) -> None:
    header = header_of([contents(block(0), block(1), block_count=nonsense)])
    assert header.pieces <= 3
    assert header.weight_bytes == 2 * 4 * 34


def test_a_header_that_tells_nothing() -> None:
    header = header_of([Contents({}, (), 0)])
    assert (header.name, header.quantization, header.pieces, header.cached) == ("", None, 1, ())


# ── levels ────────────────────────────────────────────────────────────────────────────────────────────────


def test_names_of_quantizations_are_those_of_the_library() -> None:
    for number in range(64):
        said = llama_cpp.llama_ftype_name(number).decode()
        for long, short in (("all ", ""), (" - Small", "_S"), (" - Medium", "_M"), (" - Large", "_L")):
            said = said.replace(long, short)
        known = None if said.startswith("unknown") else said.split(" ")[0]
        assert levels.FILE_TYPES.get(number) == known, number


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("q4", ("Q4_K_M", "Q4_0", "Q2_K_M", "Q3_K_L", "Q5_K_M", "Q5_1", "IQ4_XS", "IQ1_S", "MXFP4", "TQ2_0")),
        ("q8", ("Q6_K", "Q8_0")),
        ("q16", ("F16", "BF16")),
        ("q32", ("F32",)),
    ],
)
def test_levels_of_quantizations(level: str, names: tuple[str, ...]) -> None:
    numbers = {name: number for number, name in levels.FILE_TYPES.items()}
    assert {levels.level_of(numbers[name], 0.0) for name in names} == {level}


@pytest.mark.parametrize(("file_type", "level"), [(Q4_0, "q4"), (Q8_0, "q8"), (F16, "q16")])
def test_a_file_that_does_not_tell_is_judged_by_its_size(tmp_path: Path, file_type: int, level: str) -> None:
    build = Build(blocks=2, embedding=256, feed_forward=512, heads=8, cache_heads=(8,), vocabulary=300)
    (said,) = gguf.check(hollow(tmp_path / "model.gguf", build, file_type))
    untold = {name: value for name, value in said.values.items() if name != "general.file_type"}
    header = header_of([Contents(untold, said.tensors, said.needed_bytes)])
    assert (header.level, header.quantization) == (level, None)
    assert levels.level_of(None, 32.0) == "q32"
