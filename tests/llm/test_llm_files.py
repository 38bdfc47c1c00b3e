"""Which file is meant: one, one of its level, or the best of a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flying_kit import Heard, Sky
from llm_files import F16, F32, Q4_0, Q8_0, Build, hollow, quantized
from llm_recorders import MINIATURE, Orders, questions

from engines.contract import CannotLoad
from engines.llm.engine import LlmEngine, create
from engines.llm.files import ModelFile, found, siblings
from engines.llm.header import read
from engines.llm.settings import LlmSettings

SMALL = Build(blocks=2, embedding=256, feed_forward=512, heads=8, cache_heads=(8,), vocabulary=300)


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the miniature at three levels."""
    folder = tmp_path_factory.mktemp("levels")
    for file_type in (F16, Q4_0, Q8_0):
        quantized(folder, file_type)
    return folder


@pytest.fixture
def engine() -> Iterator[LlmEngine]:
    engine = create(Heard())
    yield engine
    engine.close()


def names(settings: LlmSettings) -> list[str]:
    return [file.path.name for file in found(settings)]


def refusal(settings: LlmSettings) -> CannotLoad:
    with pytest.raises(CannotLoad) as raised:
        found(settings)
    assert raised.value.problem.hint
    return raised.value


def test_a_folder_means_all_its_levels_the_best_first(levels: Path) -> None:
    settings = LlmSettings(model=str(levels))
    assert [file.header.level for file in found(settings)] == ["q16", "q8", "q4"]
    assert names(LlmSettings(model=str(levels), quantization="q8")) == ["miniature-Q8_0.gguf"]


def test_a_file_is_meant_alone_or_by_its_level(levels: Path) -> None:
    path = str(levels / "miniature-Q8_0.gguf")
    assert names(LlmSettings(model=path)) == ["miniature-Q8_0.gguf"]
    assert names(LlmSettings(model=path, quantization="q8")) == ["miniature-Q8_0.gguf"]
    assert names(LlmSettings(model=path, quantization="q4")) == ["miniature-Q4_0.gguf"]
    problem = refusal(LlmSettings(model=path, quantization="q32")).problem
    assert problem.title == "No file at q32"
    assert "miniature-Q4_0.gguf (q4)" in problem.detail


def test_the_shipped_miniature_has_one_level() -> None:
    assert names(LlmSettings()) == [MINIATURE.name]
    assert refusal(LlmSettings(quantization="q4")).problem.title == "No file at q4"


def test_several_files_at_one_level_are_ordered_by_size(tmp_path: Path) -> None:
    for file_type in (Q4_0, 17, 15):
        quantized(tmp_path, file_type)
    assert [file.header.quantization for file in found(LlmSettings(model=str(tmp_path), quantization="q4"))] == [
        "Q5_K_M",
        "Q4_K_M",
        "Q4_0",
    ]


def test_several_models_in_a_folder_are_refused(levels: Path, tmp_path: Path) -> None:
    shutil.copy(levels / "miniature-Q4_0.gguf", tmp_path)
    hollow(tmp_path / "other.gguf", SMALL, Q8_0)
    problem = refusal(LlmSettings(model=str(tmp_path))).problem
    assert problem.title == "Several models"
    assert "miniature-Q4_0.gguf" in problem.detail
    assert "other.gguf" in problem.detail


@pytest.mark.parametrize("name", ["Sevenish", ""])
def test_files_of_another_model_are_no_siblings(levels: Path, tmp_path: Path, name: str) -> None:
    for path in levels.iterdir():
        shutil.copy(path, tmp_path)
    for file_type, stem in ((Q8_0, "other-q8_0"), (Q4_0, "other-Q4_K_M"), (F16, "third-F16")):
        hollow(tmp_path / f"{stem}.gguf", Build(**{**SMALL.__dict__, "name": name or stem.split("-")[0]}), file_type)
    mine = ModelFile(tmp_path / "miniature-F16.gguf", read(tmp_path / "miniature-F16.gguf"))
    assert [file.path.name for file in siblings(mine)] == ["miniature-Q8_0.gguf", "miniature-Q4_0.gguf"]


def test_what_only_belongs_to_a_model_is_no_model(levels: Path, tmp_path: Path) -> None:
    shutil.copy(levels / "miniature-Q4_0.gguf", tmp_path)
    hollow(tmp_path / "mmproj.gguf", Build(**{**SMALL.__dict__, "metadata": (("general.type", "mmproj"),)}), F16)
    assert names(LlmSettings(model=str(tmp_path))) == ["miniature-Q4_0.gguf"]


def test_further_shards_are_no_models_of_their_own(tmp_path: Path) -> None:
    for number in (1, 2):
        hollow(tmp_path / f"big-0000{number}-of-00002.gguf", SMALL, Q8_0)
    assert names(LlmSettings(model=str(tmp_path))) == ["big-00001-of-00002.gguf"]


def test_broken_files_are_passed_over_where_whole_ones_are(
    levels: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(levels / "miniature-Q4_0.gguf", tmp_path)
    (tmp_path / "half.gguf").write_bytes(MINIATURE.read_bytes()[:5_000_000])
    (tmp_path / "note.gguf").write_text("not yet")
    assert names(LlmSettings(model=str(tmp_path))) == ["miniature-Q4_0.gguf"]
    assert "half.gguf is passed over" in caplog.text
    (tmp_path / "miniature-Q4_0.gguf").unlink()
    assert refusal(LlmSettings(model=str(tmp_path))).problem.title == "Model truncated"
    (tmp_path / "half.gguf").unlink()
    assert refusal(LlmSettings(model=str(tmp_path))).problem.title == "Not a GGUF file"


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "no GGUF file" in refusal(LlmSettings(model=str(tmp_path))).problem.detail


def test_a_replaced_file_is_another_model(tmp_path: Path) -> None:
    path = quantized(tmp_path, Q4_0)
    file = ModelFile(path, read(path))
    first = file.identity()
    assert len(first) == 16
    assert file.identity() == first
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert file.identity() != first


# ── the engine ────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_choice_the_engine_takes_the_best_of_a_folder(engine: LlmEngine, levels: Path) -> None:
    assert engine.load(LlmSettings(model=str(levels))).quantization == "F16"
    assert engine.apply(LlmSettings(model=str(levels), quantization="q4")).quantization == "Q4_0"
    with pytest.raises(CannotLoad, match="q32"):
        engine.apply(LlmSettings(model=str(levels), quantization="q32"))
    flight = Orders(questions(2))
    engine.fly(Sky(flight))
    assert len(flight.results) == 2


@pytest.mark.parametrize(("file_type", "name"), [(F32, "F32"), (F16, "F16"), (Q8_0, "Q8_0"), (Q4_0, "Q4_0")])
def test_every_level_loads_and_says_its_layers(engine: LlmEngine, tmp_path: Path, file_type: int, name: str) -> None:
    path = quantized(tmp_path, file_type)
    model = engine.load(LlmSettings(model=str(path), tensor_split="0.6,0.4", profile="balanced"))
    assert (model.quantization, model.layers, model.layers_on_gpu) == (name, 5, 0)


def test_shares_that_are_none_are_refused_and_the_old_model_stays(engine: LlmEngine) -> None:
    engine.load(LlmSettings(temperature=0.0))
    with pytest.raises(CannotLoad, match="tensor_split"):
        engine.apply(LlmSettings(tensor_split="half"))
    flight = Orders(questions(1))
    engine.fly(Sky(flight))
    assert flight.results[0].tokens > 3
