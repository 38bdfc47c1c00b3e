"""One version, said in two places."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ipc.version import SOFTWARE


def test_the_version_on_the_wire_is_that_of_the_distribution() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert project["project"]["version"] == SOFTWARE
