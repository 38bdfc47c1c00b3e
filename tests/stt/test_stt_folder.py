"""Finding a model: by path, by name in the data folder, by name on the hub; and what is said where it is not whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engines.contract import CannotLoad
from engines.stt.folder import Folder, found
from engines.stt.hub import repository_of, short_name
from engines.stt.settings import SttSettings

MINIATURE = found(SttSettings())


@pytest.fixture(autouse=True)
def _nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEROOM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


def copy(to: Path) -> Path:
    shutil.copytree(MINIATURE.path, to)
    return to


def find(model: str) -> Folder:
    return found(SttSettings(model=model))


def refusal(model: object) -> str:
    with pytest.raises(CannotLoad) as told:
        find(str(model))
    problem = told.value.problem
    assert problem.hint, "a way out"
    return f"{problem.title}: {problem.detail} {problem.hint}"


def test_the_miniature_tells_of_itself() -> None:
    assert (MINIATURE.name, MINIATURE.window_seconds, MINIATURE.mels, MINIATURE.multilingual) == (
        "miniature",
        8.0,
        80,
        False,
    )
    assert MINIATURE.window_samples == 8 * 16000


def test_an_absolute_path_and_a_name_in_the_data_folder(tmp_path: Path) -> None:
    path = copy(tmp_path / "mine")
    assert find(str(path)).path == path
    own = copy(tmp_path / "data" / "models" / "small")
    assert find("small").path == own, "before the hub"


def test_a_name_on_the_hub_means_what_was_fetched_last_and_is_whole(tmp_path: Path) -> None:
    snapshots = tmp_path / "hub" / "models--Systran--faster-whisper-small" / "snapshots"
    whole = copy(snapshots / "a")
    (snapshots / "b").mkdir()
    for name in ("small", "Systran/faster-whisper-small"):
        assert (find(name).path, find(name).name) == (whole, "small")


def test_what_was_not_fetched_is_said_with_how_to(tmp_path: Path) -> None:
    told = refusal("large-v3")
    assert "Systran/faster-whisper-large-v3 was not fetched" in told
    assert "hf download Systran/faster-whisper-large-v3" in told
    assert "no name on the hub" in refusal("gigantic")
    assert "There is no folder" in refusal(tmp_path / "gone")


@pytest.mark.parametrize("file", ["model.bin", "tokenizer.json", "config.json", "vocabulary.json"])
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    (copy(tmp_path / "mine") / file).unlink()
    assert f"has no {file}" in refusal(tmp_path / "mine")


@pytest.mark.parametrize("left", [0, 3, 40, 2000, 3_000_000])
def test_weights_cut_short_are_found_out_before_they_are_loaded(tmp_path: Path, left: int) -> None:
    weights = copy(tmp_path / "mine") / "model.bin"
    weights.write_bytes(weights.read_bytes()[:left])
    assert "cut short" in refusal(tmp_path / "mine")


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    weights = copy(tmp_path / "mine") / "model.bin"
    weights.write_bytes(weights.read_bytes().replace(b"WhisperSpec", b"Wav2Vec2Spe"))
    assert "Not a Whisper model" in refusal(tmp_path / "mine")
    weights.write_bytes(b"GGUF" + bytes(100))
    assert "no model of CTranslate2" in refusal(tmp_path / "mine")


def test_a_preprocessor_of_another_model_is_found_out(tmp_path: Path) -> None:
    told = copy(tmp_path / "mine") / "preprocessor_config.json"
    told.write_text('{"feature_size": 128, "chunk_length": 30}')
    assert "hears 80 bands of frequencies" in refusal(tmp_path / "mine")
    told.write_text("{")
    assert "Model damaged" in refusal(tmp_path / "mine")
    told.unlink()
    assert find(str(tmp_path / "mine")).window_seconds == 30


def test_a_replaced_file_is_another_model(tmp_path: Path) -> None:
    path = copy(tmp_path / "mine")
    before = find(str(path)).identity()
    (path / "tokenizer.json").write_text("{}")
    assert find(str(path)).identity() != before


@pytest.mark.parametrize(
    ("name", "repository", "short"),
    [
        ("small", "Systran/faster-whisper-small", "small"),
        ("tiny.en", "Systran/faster-whisper-tiny.en", "tiny.en"),
        ("turbo", "mobiuslabsgmbh/faster-whisper-large-v3-turbo", "large-v3-turbo"),
        ("someone/their-whisper", "someone/their-whisper", "their-whisper"),
        ("gigantic", "", ""),
    ],
)
def test_names(name: str, repository: str, short: str) -> None:
    assert repository_of(name) == repository
    assert short_name(repository) == short


def test_the_names_are_those_of_the_library() -> None:
    from faster_whisper.utils import _MODELS

    assert {name: repository_of(name) for name in _MODELS} == _MODELS
