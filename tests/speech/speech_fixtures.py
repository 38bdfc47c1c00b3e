"""What tests with the real library need; their modules name this one as a plugin.

All miniatures have the same sizes, which the process has from the first of them on.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.tts.miniature.make import make
from engines.tts.miniature.shrink import Sizes


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an English checkpoint that ends when its text is said, made once."""
    folder = tmp_path_factory.mktemp("miniature")
    make(folder, Sizes())
    return folder


@pytest.fixture(scope="session")
def late_miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speaks twice as long as its text asks for."""
    folder = tmp_path_factory.mktemp("late")
    make(folder, Sizes(), stops="late")
    return folder


@pytest.fixture(scope="session")
def endless_miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never writes the stop token."""
    folder = tmp_path_factory.mktemp("endless")
    make(folder, Sizes(), stops="never")
    return folder


@pytest.fixture(scope="session")
def multilingual_miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For `ChatterboxMultilingualTTS`."""
    folder = tmp_path_factory.mktemp("multilingual")
    make(folder, Sizes(), "multilingual")
    return folder


@pytest.fixture(scope="session")
def turbo_miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For `ChatterboxTurboTTS`."""
    folder = tmp_path_factory.mktemp("turbo")
    make(folder, Sizes(), "turbo")
    return folder
