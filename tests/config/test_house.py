"""The tables of the whole house: amounts as people write them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import BadConfig
from config.load import Config, load


def read(text: str, place: Path, **environ: str) -> Config:
    file = place / "engineroom.toml"
    file.write_text(text)
    return load(file=file, state=place, environ=environ)


def test_amounts_are_understood(tmp_path: Path) -> None:
    config = read('[memory]\nreserve = "1.5 GiB"\nreturn_limit = "2s"\n[heat]\nhold = 85\n', tmp_path)
    assert (config.memory.reserve, config.memory.return_limit) == (1536 * 2**20, 2.0)
    assert (config.heat.hold, config.heat.warn) == (85.0, 80.0)


def test_references_to_the_environment_count(tmp_path: Path) -> None:
    assert read('[memory]\nreserve = "${env.KEEP}"\n', tmp_path, KEEP="2 GiB").memory.reserve == 2**31


def test_defaults_without_a_file(tmp_path: Path) -> None:
    config = load(file=None, state=tmp_path, environ={})
    assert (config.memory.high, config.memory.critical, config.heat.resume_below) == (0.75, 0.90, 10.0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('[memory]\nreserve = "3 potatoes"', ["line 2", "reserve", "unit of size"]),
        ("[memory]\nhigh = 7", ["line 2", "high = 7"]),
        ("[memory]\nhihg = 0.7", ["nothing is named 'hihg'", "'high'"]),
        ("[heat]\nwarn = 'hot'", ["line 2", "warn = 'hot'"]),
        ("heat = 3", ["[heat]"]),
    ],
)
def test_what_makes_no_sense_is_said_with_its_place(tmp_path: Path, line: str, said: list[str]) -> None:
    with pytest.raises(BadConfig) as raised:
        read(line + "\n", tmp_path)
    for words in said:
        assert words in str(raised.value)
