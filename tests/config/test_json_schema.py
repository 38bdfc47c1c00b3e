"""The schema is what the loader takes, the committed one is fresh, and the example passes both."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from config.errors import BadConfig
from config.json_schema import json_schema
from config.load import load
from config.schema import RESERVED
from engines.catalog import KINDS
from engines.settings import knobs_of

ROOT = Path(__file__).parents[2]


def check(text: str) -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(tomllib.loads(text))


def test_the_committed_schema_is_fresh() -> None:
    committed = json.loads((ROOT / "docs" / "engineroom.schema.json").read_text())
    assert committed == json_schema(), "run: make schema"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_example_is_loaded(tmp_path: Path) -> None:
    path = ROOT / "examples" / "engineroom.toml"
    check(path.read_text())
    config = load(file=path, state=tmp_path, environ={})
    assert [engine.name for engine in config.engines] == ["writer", "archivist"]
    assert [engine.settings.unload_after for engine in config.engines] == [600.0, 90.0]


@pytest.mark.parametrize("kind", KINDS)
def test_no_setting_has_the_name_of_a_table_key(kind: str) -> None:
    assert not {knob.name for knob in knobs_of(KINDS[kind].settings())} & set(RESERVED)


@pytest.mark.parametrize(
    "line",
    [
        "n_ctxx = 1",
        "n_ctx = 3",
        "parallel = 65",
        'unload_after = "5 potatoes"',
        'unload_depth = "deep"',
        "preload = 1",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(tmp_path: Path, line: str) -> None:
    text = f'[engine.writer]\nkind = "llm"\n{line}\n'
    with pytest.raises(jsonschema.ValidationError):
        check(text)
    (tmp_path / "engineroom.toml").write_text(text)
    with pytest.raises(BadConfig):
        load(file=tmp_path / "engineroom.toml", state=tmp_path, environ={})


@pytest.mark.parametrize("line", ["n_ctx = 64", 'unload_after = "1h 30m"', "unload_after = 5", 'n_ctx = "${env.N}"'])
def test_the_schema_takes_what_the_loader_takes(tmp_path: Path, line: str) -> None:
    text: str = f'[engine.writer]\nkind = "llm"\n{line}\n'
    check(text)
    (tmp_path / "engineroom.toml").write_text(text)
    loaded: Any = load(file=tmp_path / "engineroom.toml", state=tmp_path, environ={"N": "128"})
    assert loaded.engines
