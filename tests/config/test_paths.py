"""Where things lie."""

from __future__ import annotations

from pathlib import Path

from config.load import find_file
from config.paths import config_candidates, host_name, state_folder
from ipc.places import data_folder


def test_the_state_folder_follows_its_variable_then_xdg_then_home() -> None:
    home = {"HOME": "/home/ada"}
    assert state_folder(home) == Path("/home/ada/.local/state/engineroom") / host_name()
    assert state_folder({**home, "XDG_STATE_HOME": "/var/ada"}) == Path("/var/ada/engineroom") / host_name()
    assert state_folder({**home, "XDG_STATE_HOME": "/var/ada", "ENGINEROOM_STATE": "/tmp/er"}) == Path("/tmp/er")


def test_a_relative_xdg_folder_is_ignored() -> None:
    assert state_folder({"HOME": "/home/ada", "XDG_STATE_HOME": "state"}).is_relative_to("/home/ada")


def test_a_relative_state_folder_becomes_absolute() -> None:
    assert state_folder({"ENGINEROOM_STATE": "here"}) == Path.cwd() / "here"


def test_the_data_folder_follows_its_variable_then_xdg_then_home() -> None:
    home = {"HOME": "/home/ada"}
    assert data_folder(home) == Path("/home/ada/.local/share/engineroom")
    assert data_folder({**home, "XDG_DATA_HOME": "/big/ada"}) == Path("/big/ada/engineroom")
    assert data_folder({**home, "XDG_DATA_HOME": "/big/ada", "ENGINEROOM_DATA": "/big/er"}) == Path("/big/er")


def test_config_candidates() -> None:
    home = {"HOME": "/home/ada"}
    assert config_candidates(home, Path("/work")) == (
        Path("/work/engineroom.toml"),
        Path("/home/ada/.config/engineroom/engineroom.toml"),
    )
    assert config_candidates({**home, "ENGINEROOM_CONFIG": "/etc/e.toml"}, Path("/work")) == (Path("/etc/e.toml"),)


def test_the_file_in_use(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    work = tmp_path / "work"
    work.mkdir()
    assert find_file(None, environ, work) is None
    users = tmp_path / ".config" / "engineroom" / "engineroom.toml"
    users.parent.mkdir(parents=True)
    users.touch()
    assert find_file(None, environ, work) == users
    (work / "engineroom.toml").touch()
    assert find_file(None, environ, work) == work / "engineroom.toml"
    assert find_file("other.toml", environ, work) == work / "other.toml"
    assert find_file(None, {**environ, "ENGINEROOM_CONFIG": "/missing.toml"}, work) == Path("/missing.toml")
