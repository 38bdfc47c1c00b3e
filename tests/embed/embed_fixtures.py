"""The real MiniLM, made once a session from the weights that a package ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.embed.making.importing import folder_of, make
from engines.embed.settings import MINILM
from ipc.places import DATA, models_folder


@pytest.fixture(scope="session")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's folder."""
    target = tmp_path_factory.mktemp("data") / "models" / MINILM
    make(folder_of(MINILM), target, MINILM)
    return target


@pytest.fixture
def data(minilm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test alone, with the model in it."""
    folder = tmp_path / "data"
    models_folder(folder).mkdir(parents=True)
    (models_folder(folder) / MINILM).symlink_to(minilm)
    monkeypatch.setenv(DATA, str(folder))
    return folder
