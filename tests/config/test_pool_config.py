"""Pools: which recording goes to which engine, and every mistake said in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import BadConfig
from config.json_schema import json_schema
from config.load import Config, load
from config.pools import BadRoute, parse_route
from config.toml_file import read_toml

KINDS = {"small": "stt", "medium": "stt", "large": "stt", "french": "stt", "writer": "llm"}
ENGINES = "".join(f'[engine.{name}]\nkind = "{kind}"\n' for name, kind in KINDS.items())
LINES = 2 * len(KINDS)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write_(text: str) -> Path:
        path = tmp_path / "engineroom.toml"
        path.write_text(text)
        return path

    return write_


def read(path: Path, **environ: str) -> Config:
    return load(file=path, state=path.parent, environ=environ)


@pytest.mark.parametrize(
    ("text", "extent_seconds", "engines"),
    [
        ("small < 30s < medium < 10m < large", 0.0, ("small",)),
        ("small < 30s < medium < 10m < large", 29.999, ("small",)),
        ("small < 30s < medium < 10m < large", 30.0, ("medium",)),
        ("small < 30s < medium < 10m < large", 599.0, ("medium",)),
        ("small < 30s < medium < 10m < large", 600.0, ("large",)),
        ("small < 30s < medium < 10m < large", None, ("large",)),
        ("small<1h 30m<  large ", 5399.0, ("small",)),
        ("small medium < 30 < large", 5.0, ("small", "medium")),
        ("small medium < 30 < large medium", 50.0, ("large", "medium")),
        ("small medium", None, ("small", "medium")),
    ],
)
def test_a_recording_goes_where_its_length_says(
    text: str, extent_seconds: float | None, engines: tuple[str, ...]
) -> None:
    route = parse_route(text, KINDS)
    assert route.stages[route.stage_of(extent_seconds)].engines == engines


def test_a_route_says_who_goes_where() -> None:
    route = parse_route("small < 30s < medium < 90m < large small", KINDS)
    assert str(route) == "small < 30 s < medium < 1 h 30 min < large small"
    assert [route.reason(stage) for stage in range(3)] == ["under 30 s", "30 s to 1 h 30 min", "1 h 30 min and more"]
    assert route.engines == ("small", "medium", "large")
    assert route.stages_of == {"small": (0, 2), "medium": (1,), "large": (2,)}
    assert parse_route("small", KINDS).reason(0) == "all"


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=6, unique=True))
def test_what_a_route_says_of_itself_is_that_route(bounds: list[int]) -> None:
    text = "small" + "".join(f" < {bound}s < medium" for bound in sorted(bounds))
    route = parse_route(text, KINDS)
    assert parse_route(str(route), KINDS) == route
    stages = [route.stage_of(float(extent)) for extent in range(0, max(bounds) + 2, max(1, max(bounds) // 50))]
    assert stages == sorted(stages)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["it is empty", "small < 30s < medium"]),
        ("small <", ["one is missing"]),
        ("small < 30s", ["ends with '30s'", "what is longer"]),
        ("30s < small", ["ends with 'small'"]),
        ("30s < small < large", ["'30s' stands where an engine should"]),
        ("small < medium < large", ["'medium' stands where a bound should", "a b < 30s < c"]),
        ("smal < 30s < large", ["no engine 'smal'", "Did you mean 'small'?"]),
        ("small small < 30s < large", ["small is named twice"]),
        ("small < 30s < medium < 30s < large", ["30 s comes after 30 s", "from the shortest"]),
        ("small < 10m < medium < 30s < large", ["30 s comes after 10 min"]),
        ("small < 0s < large", ["'0s' is not above 0"]),
        ("small < -5 < large", ["'-5' is not above 0"]),
        ("small < 3 potatoes < large", ["'potatoes' is no unit of time", "30s, 10m"]),
        ("small < soon < large", ["'soon'", "no time"]),
        ("small < 30s < writer", ["small is of kind stt, writer of kind llm", "one kind"]),
    ],
)
def test_what_is_wrong_with_a_route_is_said(text: str, says: list[str]) -> None:
    with pytest.raises(BadRoute) as caught:
        parse_route(text, KINDS)
    assert [part for part in says if part not in str(caught.value)] == [], str(caught.value)
    assert caught.value.hint


def test_a_pool_is_read_with_its_languages(write: Callable[[str], Path]) -> None:
    path = write(
        ENGINES + '[pool.ears]\nroute = "small < 30s < ${env.BEST}"\n'
        '[pool.ears.languages]\nfr = "small < 20s < french"\n[pool.pens]\nroute = "writer"\n'
    )
    ears, pens = read(path, BEST="large").pools
    assert (ears.name, ears.kind, ears.members) == ("ears", "stt", ("small", "large", "french"))
    assert (pens.name, pens.kind, pens.members) == ("pens", "llm", ("writer",))
    assert str(ears.route_for("fr")) == "small < 20 s < french"
    assert ears.route_for("de") == ears.route_for("") == ears.route
    jsonschema.Draft202012Validator(json_schema()).validate(read_toml(path).tables)


@pytest.mark.parametrize("text", ['"12 GiB"', '"12GiB"', str(12 * 2**30), f'"{12 * 2**30}"', '"${env.ROOM}"'])
def test_a_pool_may_have_a_budget(write: Callable[[str], Path], text: str) -> None:
    path = write(f'{ENGINES}[pool.ears]\nroute = "small"\nbudget = {text}\n')
    assert [pool.budget_bytes for pool in read(path, ROOM="12 GiB").pools] == [12 * 2**30]


def test_without_pools_there_are_none(write: Callable[[str], Path]) -> None:
    assert read(write(ENGINES)).pools == ()
    assert load(file=None, state=Path(), environ={}).pools == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[pool.ears]\n", ["line 11", "[pool.ears]", "no route"]),
        ('[pool.ears]\nroute = "smal"\n', ["line 12", "route = 'smal'", "Did you mean 'small'?"]),
        ("[pool.ears]\nroute = 3\n", ["line 12", "route = 3", "small < 30s < medium"]),
        ('[pool.ears]\nroute = ["small"]\n', ["line 12", "route = ['small']"]),
        ('[pool.ears]\nroute = "small"\nrout = 1\n', ["line 13", "'rout'", "Did you mean 'route'?"]),
        ('[pool.small]\nroute = "large"\n', ["line 11", "an engine is named small", "another name"]),
        ('[pool.Ears]\nroute = "small"\n', ["line 11", "'Ears'", "lower-case"]),
        ('[pool.supervisor]\nroute = "small"\n', ["'supervisor' is taken"]),
        ("[pool]\nears = 3\n", ["pool.ears = 3", "[pool.ears]"]),
        ('[pool.ears]\nroute = "small"\nlanguages = "fr"\n', ["pool.ears.languages = 'fr'", "[pool.ears.languages]"]),
        (
            '[pool.ears]\nroute = "small"\n[pool.ears.languages]\nfr = "small < 30s"\n',
            ["line 14", "fr = 'small < 30s'", "what is longer"],
        ),
        (
            '[pool.ears]\nroute = "small"\n[pool.ears.languages]\nFrench = "small"\n',
            ["line 14", "'French'", "en or fr"],
        ),
        (
            '[pool.ears]\nroute = "small"\n[pool.ears.languages]\nfr = "writer"\n',
            ["small is of kind stt, writer of kind llm"],
        ),
        ('[pool.ears]\nroute = "small"\nbudget = "12 potatoes"\n', ["line 13", "'12 potatoes'", "'12 GiB'"]),
        ('[pool.ears]\nroute = "small"\nbudget = 0\n', ["line 13", "budget = 0", "more than 0"]),
        ('[pool.ears]\nroute = "small"\nbudget = true\n', ["line 13", "budget = True"]),
        ('[pools.ears]\nroute = "small"\n', ["'pools'", "Did you mean 'pool'?"]),
    ],
)
def test_what_is_wrong_with_a_pool_is_said(write: Callable[[str], Path], text: str, says: list[str]) -> None:
    path = write(ENGINES + text)
    assert ENGINES.count("\n") == LINES
    with pytest.raises(BadConfig) as caught:
        read(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert [part for part in says if part not in sentence] == [], sentence
    assert caught.value.problem.hint


@pytest.mark.parametrize(
    "table",
    ["[pool.ears]\n", '[pool.Ears]\nroute = "small"\n', '[pool.ears]\nroute = "small < 30s"\n'],
)
def test_the_schema_refuses_what_is_no_pool(write: Callable[[str], Path], table: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json_schema()).validate(read_toml(write(ENGINES + table)).tables)
