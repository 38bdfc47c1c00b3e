"""Tests with the real libraries of the kind `tts`: they run in that kind's own environment (`make unit-speech`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # What the libraries say about each other is none of our making.
    for line in ("ignore:pkg_resources is deprecated", "ignore::FutureWarning", "ignore::DeprecationWarning"):
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the miniature English checkpoint, made once."""
    from engines.tts.miniature.make import make
    from engines.tts.miniature.shrink import Sizes

    folder = tmp_path_factory.mktemp("miniature")
    make(folder, Sizes())
    yield folder
