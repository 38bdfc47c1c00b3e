"""Which languages a model can be told: those that it has tokens for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from stt_engine_kit import quick

from engines.contract import CannotLoad
from engines.stt.folder import Folder, found
from engines.stt.manner import Manners
from ipc.errors import RequestFailed

TOLD = (
    '{"added_tokens": [{"content": "<|en|>"}, {"content": "<|zh|>"}, {"content": "<|0.00|>"}, {"content": "<|xx|>"}]}'
)


@pytest.fixture
def older(tmp_path: Path) -> Folder:
    """A model of many languages, from before Cantonese was one."""
    (tmp_path / "tokenizer.json").write_text(TOLD)
    return dataclasses.replace(found(quick()), path=tmp_path, name="large-v2", vocabulary=51865)


def test_a_language_that_the_model_has_no_token_for_is_refused(older: Folder) -> None:
    with pytest.raises(RequestFailed, match=r"large-v2 does not know yue \(Cantonese\)") as failed:
        Manners(older).check(quick(language="yue"))
    assert "large-v3" in failed.value.problem.hint


@pytest.mark.parametrize(("told", "language"), [("zh", "zh"), ("Chinese", "zh"), ("auto", ""), ("", "")])
def test_a_language_that_it_knows_is_taken(older: Folder, told: str, language: str) -> None:
    assert Manners(older).of(quick(language=told), {}, deterministic=False).language == language


def test_the_tokenizer_tells_the_languages(older: Folder) -> None:
    assert older.languages == {"en", "zh"}
    assert found(quick()).languages == {"en"}


def test_without_a_tokenizer_nothing_is_loaded(older: Folder) -> None:
    (older.path / "tokenizer.json").unlink()
    with pytest.raises(CannotLoad, match="tokenizer"):
        Manners(older)
