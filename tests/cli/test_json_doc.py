"""docs/json.md names every field that `--json` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import fields as fields_of
from msgspec.structs import replace
from scripted_supervisor import DETAIL, ENGINES, FOOTPRINTS, KNOBS, LEDGER, POOL, SNAPSHOT, UNIT, Script

from cli import gpu_json, job_json, json_shapes, ledger_json, listen_pages, models_json, speak, voices
from config.load import load
from ipc.control import Cleared, Price
from ipc.errors import Problem
from ipc.hearing import Listened, Live
from ipc.models import Checked, ModelRow, Quality, Removed
from ipc.snapshot import Happening, Json, LogLine
from ipc.speech import Speech
from ipc.voices import Named

BY_NAME = {"settings", "own", "threads_claimed", "languages"}
"""Their keys are the user's names."""
CLEARED = job_json.cleared(Cleared(("a",), 1, (("b", Problem("", "", "")),)))


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
        json_shapes.engine(replace(ENGINES[0], pools=(POOL.name,)), [POOL]),
        job_json.detail(DETAIL),
        job_json.unit(UNIT),
        CLEARED,
        [json_shapes.knob(knob) for knob in KNOBS],
        json_shapes.price(Price("", 0, None, False)),
        json_shapes.log_line(LogLine(1, 1.0, "stdout", "")),
        json_shapes.happening(Happening(1, 1.0, "info", "", "", "")),
        gpu_json.top(SNAPSHOT),
        ledger_json.ledger(LEDGER),
        [ledger_json.footprint(row) for row in FOOTPRINTS],
        models_json.model(ModelRow("/m", "made here", quality=Quality(1.0, 1.0, 1), problem=Problem("", "", ""))),
        models_json.checked(Checked("/m", "", (), ())),
        models_json.removed(Removed("/m", 1)),
        speak._json(Speech(24000, 25, 7, flac=b"", seconds=1.0, work_seconds=0.5), Path("/a.flac")),
        [listen_pages.as_json(Live(0.0)), listen_pages.as_json(Listened("", 0.0, 0))],
        voices._json(Named("anna", Path("/anna.wav")), None, ()),
        json_shapes.config(load(file=None, state=Path("/nowhere"), environ={})),
    ],
    ids=[
        "status",
        "ps",
        "ps with pools",
        "job show",
        "job units",
        "job clear",
        "knobs",
        "set",
        "logs",
        "events",
        "top",
        "ledger",
        "footprints",
        "models list",
        "models verify",
        "models remove",
        "say",
        "listen",
        "voices",
        "config",
    ],
)
def test_every_field_is_documented(shape: Json) -> None:
    text = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    named = set(re.findall(r"[`\"](\w+)[`\"]", text))
    assert set(fields(shape)) - named == set()


@pytest.mark.parametrize(
    ("struct", "shape"),
    [
        (DETAIL.row, job_json.job(DETAIL.row)),
        (DETAIL.numbers, job_json.detail(DETAIL)["numbers"]),
        (DETAIL.problems[0], job_json.unit_problem(DETAIL.problems[0])),
        (DETAIL.runs[0], job_json.run(DETAIL.runs[0])),
        (UNIT, job_json.unit(UNIT)),
        (Cleared((), 0, ()), CLEARED),
    ],
    ids=["JobRow", "JobNumbers", "UnitProblem", "RunRow", "UnitRow", "Cleared"],
)
def test_no_field_of_a_job_is_left_out_or_named_otherwise(struct: Struct, shape: Json) -> None:
    assert isinstance(shape, dict)
    assert set(shape) == {field.name for field in fields_of(struct)}
