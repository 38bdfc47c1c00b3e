"""What tests with the real library need; their modules name this one as a plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.tts.miniature.make import make
from engines.tts.miniature.shrink import Sizes


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the miniature English checkpoint, made once; the process has its sizes from then on."""
    folder = tmp_path_factory.mktemp("miniature")
    make(folder, Sizes())
    return folder
