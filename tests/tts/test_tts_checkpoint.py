"""Which checkpoint is meant, what it is, and the sentence where it cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tts_checkpoints import write

from engines.contract import CannotLoad
from engines.tts.checkpoint import Backend, found
from engines.tts.settings import CHATTERBOX, TtsSettings
from ipc.errors import Problem


def at(folder: Path, **settings: str) -> TtsSettings:
    return TtsSettings(model=str(folder), **settings)  # type: ignore[arg-type]


def refused(settings: TtsSettings) -> Problem:
    with pytest.raises(CannotLoad) as caught:
        found(settings)
    assert caught.value.problem.hint
    return caught.value.problem


@pytest.mark.parametrize(
    ("backend", "name"),
    [("english", "chatterbox"), ("multilingual", "chatterbox-multilingual"), ("turbo", "chatterbox-turbo")],
)
def test_a_folder_is_known_by_its_files(tmp_path: Path, backend: Backend, name: str) -> None:
    checkpoint = found(at(write(tmp_path / "model", backend)))
    assert (checkpoint.backend, checkpoint.name) == (backend, name)


def test_where_two_lie_together_english_is_meant_unless_told_otherwise(tmp_path: Path) -> None:
    folder = write(write(tmp_path / "model", "multilingual"), "english")
    assert found(at(folder)).backend == "english"
    assert found(at(folder, backend="multilingual")).backend == "multilingual"


def test_a_name_of_the_hub_is_its_newest_revision_that_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    revisions = tmp_path / "models--ResembleAI--chatterbox" / "snapshots"
    for second, revision in enumerate(("old", "good", "torn")):
        write(revisions / revision)
        if revision == "torn":
            (revisions / revision / "s3gen.safetensors").unlink()
        os.utime(revisions / revision, (second, second))
    assert found(TtsSettings(model=CHATTERBOX)).path == revisions / "good"


def test_what_was_never_fetched_says_how_to_fetch_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    problem = refused(TtsSettings(model="ResembleAI/chatterbox-turbo"))
    assert str(tmp_path / "hub") in problem.detail
    assert "hf download ResembleAI/chatterbox-turbo" in problem.hint


def test_a_plain_name_is_one_of_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEROOM_DATA", str(tmp_path))
    write(tmp_path / "models" / "mine")
    assert found(TtsSettings(model="mine")).path == tmp_path / "models" / "mine"
    assert str(tmp_path / "models" / "yours") in refused(TtsSettings(model="yours")).detail


@pytest.mark.parametrize("name", ["~nobody9/x", "~no\0body/x", "a\0b", "x" * 300, "x" * 300 + "/x", "/x" * 5000])
def test_a_name_that_no_folder_can_have_is_a_model_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_DATA", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert refused(TtsSettings(model=name)).title == "Model missing"


@pytest.mark.parametrize("missing", ["ve.safetensors", "s3gen.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    folder = write(tmp_path / "model")
    (folder / missing).unlink()
    problem = refused(at(folder))
    assert problem.title == "Model incomplete"
    assert missing in problem.detail


def test_the_wrong_backend_is_told_what_lies_there(tmp_path: Path) -> None:
    problem = refused(at(write(tmp_path / "model"), backend="turbo"))
    assert "It has the files of: english." in problem.detail
    assert problem.hint == "Set backend to auto."


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    assert refused(at(tmp_path)).title == "Not a Chatterbox checkpoint"


@pytest.mark.parametrize("backend", ["english", "multilingual"])
@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_file_cut_short_is_told_from_a_whole_one(tmp_path: Path, backend: Backend, keep: float) -> None:
    checkpoint = found(at(write(tmp_path / "model", backend)))
    path = checkpoint.path / checkpoint.files.sound
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    problem = refused(at(checkpoint.path))
    assert problem.title == "Model truncated"
    assert "cut short" in problem.detail


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff" * 64, b"\x02" + bytes(7) + b"[]", b"\x02" + bytes(7) + b"{"]
)
def test_what_is_no_tensor_file_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = write(tmp_path / "model")
    (folder / "t3_cfg.safetensors").write_bytes(content)
    assert refused(at(folder)).title == "Model truncated"


def test_without_a_voice_one_has_to_be_set(tmp_path: Path) -> None:
    folder = write(tmp_path / "model")
    (folder / "conds.pt").unlink()
    assert refused(at(folder)).title == "No voice"
    assert found(at(folder, voice="anna")).backend == "english"


def test_a_replaced_file_is_another_model(tmp_path: Path) -> None:
    checkpoint = found(at(write(tmp_path / "model")))
    before = checkpoint.identity()
    assert checkpoint.identity() == before
    (checkpoint.path / "tokenizer.json").write_text('{"other": 1}')
    assert checkpoint.identity() != before
