"""docs/json.md names every field that `--json` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_supervisor import DETAIL, ENGINES, FOOTPRINTS, KNOBS, LEDGER, SNAPSHOT, Script

from cli import gpu_json, json_shapes, ledger_json
from config.load import load
from ipc.control import Price
from ipc.snapshot import Happening, Json, LogLine

BY_NAME = {"settings", "threads_claimed"}
"""Their keys are the user's names."""


def fields(shape: Json) -> Iterator[str]:
    if isinstance(shape, list):
        for one in shape:
            yield from fields(one)
    if isinstance(shape, dict):
        for name, value in shape.items():
            yield name
            if name not in BY_NAME:
                yield from fields(value)


@pytest.mark.parametrize(
    "shape",
    [
        json_shapes.status(Script(Path("/s"), recording="/r").supervisor(), protocol=1),
        [json_shapes.engine(row) for row in ENGINES],
        json_shapes.job_detail(DETAIL),
        [json_shapes.knob(knob) for knob in KNOBS],
        json_shapes.price(Price("", 0, None, False)),
        json_shapes.log_line(LogLine(1, 1.0, "stdout", "")),
        json_shapes.happening(Happening(1, 1.0, "info", "", "", "")),
        gpu_json.top(SNAPSHOT),
        ledger_json.ledger(LEDGER),
        [ledger_json.footprint(row) for row in FOOTPRINTS],
        json_shapes.config(load(file=None, state=Path("/nowhere"), environ={})),
    ],
    ids=["status", "ps", "job show", "knobs", "set", "logs", "events", "top", "ledger", "footprints", "config"],
)
def test_every_field_is_documented(shape: Json) -> None:
    text = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    named = set(re.findall(r"[`\"](\w+)[`\"]", text))
    assert set(fields(shape)) - named == set()
