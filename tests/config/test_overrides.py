"""What was set at run time survives, whole."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from config.errors import BadConfig
from config.overrides import read_overrides, remember


def test_nothing_is_set_at_first(tmp_path: Path) -> None:
    assert read_overrides(tmp_path / "set.json") == {}


def test_changes_gather_and_go(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    remember(path, "writer", {"n_ctx": 512, "model": "a"})
    remember(path, "writer", {"n_ctx": 1024})
    remember(path, "mimic", {"parallel": 2})
    assert read_overrides(path) == {"writer": {"n_ctx": 1024, "model": "a"}, "mimic": {"parallel": 2}}
    remember(path, "writer", {}, unset=["n_ctx", "never_set"])
    remember(path, "mimic", {"parallel": 3}, unset=["parallel"])
    assert read_overrides(path) == {"writer": {"model": "a"}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["set.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    remember(path, "writer", {"n_ctx": 512})
    (tmp_path / "set.json.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        remember(path, "writer", {"n_ctx": 1024})
    assert read_overrides(path) == {"writer": {"n_ctx": 512}}


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"version": 1}', b'{"version": 1, "engines": {"writer": {"x": []}}}']
)
def test_a_file_that_is_not_ours_is_said_and_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "set.json"
    path.write_bytes(content)
    with pytest.raises(BadConfig, match=r"set\.json.*move it away"):
        remember(path, "writer", {"n_ctx": 512})
    assert path.read_bytes() == content
