"""Scenarios as people write them: what is understood, and what is said of a mistake."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from simulator.scenario import HERE, QUANTITIES, ScenarioError, lines_of, named, publish

PLAIN = {"name": "Simulated", "capability": "8.0"}


def lines(*gpus: dict[str, Any], **box: Any) -> list[str]:
    return lines_of({**box, "gpu": list(gpus)}, start_unix=100.0, beside=Path("/scenarios")).splitlines()


def test_a_scenario_becomes_lines() -> None:
    gpu = {
        **PLAIN,
        "uuid": "GPU-a",
        "memory_total": "1.5 GiB",
        "temperature": {"sine": [40, 80], "period": 30},
        "fault": [{"error": "gpu_is_lost", "from": 10, "until": 30}],
        "process": [{"pidfile": "writer.pid", "memory": "unknown", "name": "writer"}],
    }
    assert lines(gpu, driver="570.1", cuda="12.8", accounts="held") == [
        "engineroom-nvml 1",
        "driver 570.1",
        "cuda 12080",
        "start 100.0",
        "folder /scenarios/held",
        "gpu",
        "name Simulated",
        "uuid GPU-a",
        "bus 00000000:01:00.0",
        "capability 8 0",
        "value memory_total constant 1610612736",
        "value temperature sine 40 80 30 0.0",
        "window fault 10.0 30.0 0.0 15 *",
        "process 0 0 0 -1 0.0 inf 0.0 unknown",
        "pidfile /scenarios/writer.pid",
        "label writer",
        "end",
    ]


@pytest.mark.parametrize("name", ["eight", "four", "no-driver", "troubles"])
def test_what_comes_along_is_understood(name: str, tmp_path: Path) -> None:
    publish(named(name), tmp_path / "lines")
    assert (tmp_path / "lines").read_text().endswith("end\n")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"temprature": 50}, "gpu 0: no GPU has temprature; do you mean temperature?"),
        ({"memory_total": "24 potatoes"}, "gpu 0, memory_total: '24 potatoes'"),
        ({"power": True}, "gpu 0, power: True is no number"),
        ({"power": {"zigzag": [1, 2]}}, "a curve is one of sine, saw, square, noise, points, not zigzag"),
        ({"power": {"sine": [1, 2], "duty": 1}}, "sine knows no duty"),
        ({"power": {"sine": 3}}, "sine runs between two values"),
        ({"power": {"saw": [1, 2], "period": 0}}, "a period is longer than 0 s"),
        ({"power": {"points": [[5, 1], [2, 1]]}}, "points go forward in time"),
        ({"power": {"points": [1, 2]}}, "points are pairs"),
        ({"process": [{"memory": 1}]}, "a process has either a pid or a pidfile"),
        ({"process": [{"pid": 1}]}, "missing required field `memory`"),
        ({"fault": [{"error": "tired"}]}, "'tired' is none of uninitialized"),
        ({"fault": [{"error": "unknown", "form": 3}]}, "unknown field `form`"),
        ({"throttle": [{"reason": "lazy"}]}, "'lazy' is none of gpu_idle"),
        ({"capability": "nine"}, "'nine' is no compute capability"),
        ({"model": "9090"}, "there is no model '9090': H100"),
        ({"name": "two\nlines"}, "of one line"),
    ],
)
def test_a_mistake_is_named_with_its_place(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        lines({**PLAIN, **wrong})
    assert said in str(caught.value)


def test_a_mistake_outside_gpus_is_named() -> None:
    with pytest.raises(ScenarioError, match="cuda: 'new' is no version"):
        lines(cuda="new")
    with pytest.raises(ScenarioError, match="unknown field `gpus`"):
        lines(gpus=3)
    with pytest.raises(ScenarioError, match="no scenario nine: a file, or one of eight, four, no-driver, troubles"):
        named("nine")


def test_what_is_written_wins_over_the_model() -> None:
    said = lines({"model": "H100", "power_limit": 450})
    assert "value power_limit constant 450" in said
    assert "value slowdown constant 92" in said


def test_gpus_of_one_model_have_uuids_of_their_own_that_stay() -> None:
    first, again = (lines({"model": "H100"}, {"model": "H100"}) for _ in range(2))
    uuids = [line for line in first if line.startswith("uuid")]
    assert len(set(uuids)) == 2
    assert first == again


@pytest.mark.parametrize("path", sorted((HERE / "scenarios").glob("*.toml")), ids=lambda path: path.stem)
def test_every_scenario_that_comes_along_is_understood(path: Path, tmp_path: Path) -> None:
    publish(path, tmp_path / "lines", start_unix=time.time())
    assert (tmp_path / "lines").read_text().endswith("\nend\n")
    assert [left.name for left in tmp_path.iterdir()] == ["lines"]


def test_the_documentation_names_every_quantity_and_no_other() -> None:
    text = (HERE.parent / "docs" / "simulator.md").read_text(encoding="utf-8")
    table = text[text.index("## Numbers") : text.index("## Curves")]
    named_there = {
        word.strip("` ") for row in table.splitlines() if row.startswith("| `") for word in row.split("|")[1].split(",")
    }
    assert named_there == set(QUANTITIES)
