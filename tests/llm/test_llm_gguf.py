"""The header check: every way in which a model file can be wrong is said before anything is loaded."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import gguf as reference
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_recorders import MINIATURE

from engines.contract import CannotLoad
from engines.llm import gguf

WHOLE = MINIATURE.read_bytes()


def refusal(path: Path) -> CannotLoad:
    with pytest.raises(CannotLoad) as raised:
        gguf.check(path)
    assert raised.value.problem.hint
    return raised.value


def test_whole_file_passes() -> None:
    gguf.check(MINIATURE)


def test_truncated_file_says_how_much_is_there(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(WHOLE[:3_100_000])
    problem = refusal(cut).problem
    assert problem.title == "Model truncated"
    assert f"3.1 of {len(WHOLE) / 1e6:.1f} MB" in problem.detail


def test_one_missing_byte_is_seen(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(WHOLE[:-32])  # the file is padded to 32 bytes after its last tensor
    assert refusal(cut).problem.title == "Model truncated"


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (b"", "Not a GGUF file"),
        (b"GG", "Model truncated"),
        (b"PK\x03\x04 a zip archive", "Not a GGUF file"),
        (WHOLE[:24], "Model truncated"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "Unknown GGUF version"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), "Model truncated"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62), "Model truncated"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 77), "Not a GGUF file"),
    ],
)
def test_what_is_no_model(tmp_path: Path, content: bytes, title: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    assert refusal(path).problem.title == title


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "none.gguf").problem.detail
    assert "folder" in refusal(tmp_path).problem.detail


def test_each_file_of_a_split_model_is_looked_at(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"big-0000{number}-of-00003.gguf").write_bytes(WHOLE)
    assert "big-00003-of-00003.gguf does not exist" in refusal(tmp_path / "big-00001-of-00003.gguf").problem.detail


@given(st.integers(0, 100_000))
@settings(max_examples=30)
def test_any_cut_in_the_header_is_a_truncation(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    cut = tmp_path_factory.mktemp("cut") / "model.gguf"
    cut.write_bytes(WHOLE[:length])
    assert refusal(cut).problem.title in {"Model truncated", "Not a GGUF file"}


@given(st.integers(0, 60_000), st.binary(min_size=1, max_size=8))
@settings(max_examples=100)
def test_any_damage_to_the_header_is_survived(tmp_path_factory: pytest.TempPathFactory, at: int, damage: bytes) -> None:
    broken = tmp_path_factory.mktemp("broken") / "model.gguf"
    broken.write_bytes(WHOLE[:at] + damage + WHOLE[at + len(damage) :])
    with contextlib.suppress(CannotLoad):
        gguf.check(broken)


def test_sizes_of_tensor_types_are_those_of_the_format() -> None:
    known = {int(kind): tuple(sizes) for kind, sizes in reference.GGML_QUANT_SIZES.items()}
    for kind, sizes in gguf.TENSOR_TYPES.items():
        assert known.get(kind, sizes) == sizes, kind
    assert len(known.keys() & gguf.TENSOR_TYPES.keys()) > 25
