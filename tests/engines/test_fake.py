"""The fake kind's plan, and the reading of JSON lines it stands on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engines.contract import CannotPlan, Planning
from engines.fake.plan import plan
from engines.fake.settings import FakeSettings
from engines.lines import LINE_BYTES
from engines.llm.settings import LlmSettings
from engines.settings import dearest

SETTINGS = FakeSettings()


def _all(source: Path, limit: int) -> Planning:
    """The whole source in stretches of `limit`, as one."""
    whole = plan(source, "", limit, SETTINGS)
    while not whole.end:
        more = plan(source, whole.cursor, limit, SETTINGS)
        whole = Planning(whole.units + more.units, whole.problems + more.problems, more.cursor, more.end)
    return whole


def _written(folder: Path, data: bytes) -> Path:
    source = folder / "in.jsonl"
    source.write_bytes(data)
    return source


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_stretches_of_any_size_give_the_same_units(tmp_path: Path, limit: int) -> None:
    source = _written(tmp_path, b'{"prompt":"a"}\n\nnonsense\n{"prompt":"b","id":7}\n  \n{"prompt":"c","habit":"hang"}')
    whole = _all(source, limit)
    assert [unit.where for unit in whole.units] == ["in.jsonl line 1", "in.jsonl line 4", "in.jsonl line 6"]
    assert [unit.name for unit in whole.units] == ["1", "7", "6"]
    assert [problem.where for problem in whole.problems] == ["in.jsonl line 3"]
    assert json.loads(whole.units[2].payload) == {"prompt": "c", "id": "6", "habit": "hang"}


@pytest.mark.parametrize(
    "line", [b"\xff\xfe", b"[]", b"{}", b'{"prompt":1}', b'{"prompt":"a","habit":"dance"}', b'{"prompt":"a","x":1}']
)
def test_a_bad_line_is_set_aside_with_its_place(tmp_path: Path, line: bytes) -> None:
    whole = _all(_written(tmp_path, line + b'\n{"prompt":"a"}\n'), 10)
    assert len(whole.units) == 1
    assert whole.problems[0].problem.detail.startswith("in.jsonl line 1: ")


def test_an_endless_line_is_set_aside_unread(tmp_path: Path) -> None:
    long = b'{"prompt":"' + b"a" * (LINE_BYTES * 3) + b'"}\n'
    whole = _all(_written(tmp_path, long + b'{"prompt":"a"}\n'), 1)
    assert [problem.problem.title for problem in whole.problems] == ["Line too long"]
    assert [unit.where for unit in whole.units] == ["in.jsonl line 2"]


def test_a_stretch_is_bounded_by_bytes_too(tmp_path: Path) -> None:
    line = b'{"prompt":"' + b"a" * (LINE_BYTES // 2) + b'"}\n'
    planning = plan(_written(tmp_path, line * 20), "", 1000, SETTINGS)
    assert not planning.end
    assert len(planning.units) == 8


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    assert len(_all(_written(tmp_path, b'\xef\xbb\xbf{"prompt":"a"}\r\n'), 10).units) == 1


@pytest.mark.parametrize("data", [b"", b"\n\n"])
def test_an_empty_source_has_no_units(tmp_path: Path, data: bytes) -> None:
    whole = _all(_written(tmp_path, data), 10)
    assert (whole.units, whole.problems, whole.end) == ((), (), True)


def test_what_is_appended_is_found_at_the_cursor(tmp_path: Path) -> None:
    source = _written(tmp_path, b'{"prompt":"a"}\n')
    first = plan(source, "", 10, SETTINGS)
    with source.open("ab") as file:
        file.write(b'{"prompt":"b"}\n')
    assert [unit.where for unit in plan(source, first.cursor, 10, SETTINGS).units] == ["in.jsonl line 2"]


def test_a_source_that_shrank_is_noticed(tmp_path: Path) -> None:
    source = _written(tmp_path, b'{"prompt":"a"}\n')
    cursor = plan(source, "", 10, SETTINGS).cursor
    source.write_bytes(b"")
    with pytest.raises(CannotPlan, match="15 bytes of it were planned"):
        plan(source, cursor, 10, SETTINGS)


def test_a_folder_or_a_pipe_is_no_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(CannotPlan, match="not a regular file"):
            plan(source, "", 10, SETTINGS)


@pytest.mark.parametrize("line", [b"{}", b'{"id":1}', b'{"tokens":1}', b'{"prompt":"a","answer":"b"}', b'{"answer":1}'])
def test_a_line_with_no_prompt_and_no_answer_of_before_says_what_it_needs(tmp_path: Path, line: bytes) -> None:
    (problem,) = _all(_written(tmp_path, line), 10).problems
    assert problem.problem.title == "Bad request"
    assert "`prompt`, or the `answer` of an earlier job" in problem.problem.hint


def test_a_line_of_an_earlier_output_asks_with_its_answer(tmp_path: Path) -> None:
    line = b'{"id":7,"answer":"said before","tokens":2,"prompt_tokens":9,"finish":"length","bytes":12}\n'
    whole = _all(_written(tmp_path, line + b'{"answer":"bare"}\n'), 10)
    assert [json.loads(unit.payload) for unit in whole.units] == [
        {"prompt": "said before", "id": 7},
        {"prompt": "bare", "id": "2"},
    ]


def test_the_batch_size_is_what_planning_hangs_on() -> None:
    settings = FakeSettings(batch_size=3)
    assert settings.planning() == {"batch_size": 3}
    assert dearest(settings, {"batch_size": 4}) == "flight"
    assert LlmSettings().planning() == {}


def test_stepping_down_ends_at_one_unit() -> None:
    assert FakeSettings(parallel=5).step_down() == {"parallel": 2}
    assert FakeSettings(parallel=1).step_down() == {}
