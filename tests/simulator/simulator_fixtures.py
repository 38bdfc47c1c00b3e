"""A box for each test; the library is built once, where the developer's own cache is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from simulated_box import SimulatedBox

from simulator.build import library_folder


@pytest.fixture(scope="session")
def nvml_library() -> Path:
    return library_folder()


@pytest.fixture
def box(tmp_path: Path, nvml_library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedBox]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(nvml_library.parent.parent))
    place = SimulatedBox(tmp_path)
    yield place
    place.close()
