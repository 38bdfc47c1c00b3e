"""Planning: every line of the source becomes a unit or a problem with its line number, however it is cut."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import CannotPlan, Planning
from engines.jsonl import STRETCH_BYTES
from engines.lines import LINE_BYTES
from engines.llm.plan import plan
from engines.llm.settings import LlmSettings

SETTINGS = LlmSettings()


def plan_all(source: Path, limit: int) -> list[Planning]:
    """Every stretch until the end; each must move forward."""
    stretches = [plan(source, "", limit, SETTINGS)]
    while not stretches[-1].end:
        stretches.append(plan(source, stretches[-1].cursor, limit, SETTINGS))
        assert len(stretches) < 10_000
    return stretches


def write(folder: Path, content: bytes) -> Path:
    path = folder / "prompts.jsonl"
    path.write_bytes(content)
    return path


def test_units_in_order_with_names_and_places(tmp_path: Path) -> None:
    source = write(tmp_path, b'{"id":"a","prompt":"x"}\n\n{"prompt":"y"}\n{"id":7,"prompt":"z"}')
    planning = plan(source, "", 10, SETTINGS)
    assert [unit.where for unit in planning.units] == [f"prompts.jsonl line {n}" for n in (1, 3, 4)]
    assert [unit.name for unit in planning.units] == ["a", "3", "7"]
    assert [json.loads(unit.payload)["id"] for unit in planning.units] == ["a", "3", 7]
    assert planning.end


def test_defaults_stay_out_of_the_payload(tmp_path: Path) -> None:
    planning = plan(write(tmp_path, b'{"prompt":"x","temperature":null}\n'), "", 1, SETTINGS)
    assert json.loads(planning.units[0].payload) == {"id": "1", "prompt": "x"}


def test_bad_lines_are_set_aside_with_their_number(tmp_path: Path) -> None:
    source = write(tmp_path, b'nonsense\n{"prompt":"x"}\r\n{"promp":"y"}\n{"prompt":"\xff"}\n')
    planning = plan(source, "", 10, SETTINGS)
    assert [unit.name for unit in planning.units] == ["2"]
    assert [problem.where for problem in planning.problems] == [f"prompts.jsonl line {n}" for n in (1, 3, 4)]
    assert all(problem.where in problem.problem.detail for problem in planning.problems)


def test_byte_order_mark_of_the_first_line_is_no_problem(tmp_path: Path) -> None:
    planning = plan(write(tmp_path, b'\xef\xbb\xbf{"prompt":"x"}\n'), "", 10, SETTINGS)
    assert (len(planning.units), len(planning.problems)) == (1, 0)


def test_empty_source_ends_at_once(tmp_path: Path) -> None:
    assert plan(write(tmp_path, b""), "", 10, SETTINGS) == Planning((), (), "0:0", True, 1.0)


def test_endless_line_is_set_aside_and_the_next_one_read(tmp_path: Path) -> None:
    source = write(tmp_path, b'{"prompt":"' + b"x" * (3 * LINE_BYTES) + b'"}\n{"prompt":"y"}\n')
    planning = plan(source, "", 10, SETTINGS)
    assert [problem.problem.title for problem in planning.problems] == ["Line too long"]
    assert [unit.where for unit in planning.units] == ["prompts.jsonl line 2"]


def test_longest_allowed_line_is_a_unit(tmp_path: Path) -> None:
    line = b'{"prompt":"' + b"x" * (LINE_BYTES - 13) + b'"}'
    assert len(line) == LINE_BYTES
    planning = plan(write(tmp_path, line + b"\n" + line), "", 10, SETTINGS)
    assert (len(planning.units), len(planning.problems)) == (2, 0)


def test_a_stretch_of_large_units_stays_below_a_message(tmp_path: Path) -> None:
    line = b'{"prompt":"' + b"x" * 900_000 + b'"}\n'
    stretches = plan_all(write(tmp_path, line * 20), 500)
    assert sum(len(stretch.units) for stretch in stretches) == 20
    assert all(sum(len(u.payload) for u in s.units) <= STRETCH_BYTES + LINE_BYTES for s in stretches)


@given(
    lines=st.lists(
        st.sampled_from([b'{"prompt":"x"}', b"", b"  ", b"{", b'{"prompt":"\xe2\x82\xac"}', b'{"id":"k","prompt":"y"}'])
    ),
    limit=st.integers(1, 7),
    newline=st.sampled_from([b"\n", b"\r\n"]),
    closed=st.booleans(),
)
def test_stretches_of_any_size_give_the_same_units(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], limit: int, newline: bytes, closed: bool
) -> None:
    source = write(tmp_path_factory.mktemp("plan"), newline.join(lines) + (newline if closed else b""))
    whole = plan(source, "", 1000, SETTINGS)
    stretches = plan_all(source, limit)
    assert tuple(unit for s in stretches for unit in s.units) == whole.units
    assert [p.problem for s in stretches for p in s.problems] == [p.problem for p in whole.problems]
    assert all(len(s.units) <= limit for s in stretches)
    assert len(whole.units) + len(whole.problems) == sum(1 for line in lines if line.strip())


def test_planning_is_repeatable(tmp_path: Path) -> None:
    source = write(tmp_path, b'{"prompt":"x"}\n' * 10)
    first = plan(source, "", 4, SETTINGS)
    assert plan(source, "", 4, SETTINGS) == first
    assert plan(source, first.cursor, 4, SETTINGS).units[0].where == "prompts.jsonl line 5"


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "shorter"])
def test_sources_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "prompts.jsonl"
    if kind == "folder":
        source.mkdir()
    elif kind == "pipe":
        os.mkfifo(source)
    elif kind == "shorter":
        source.write_bytes(b'{"prompt":"x"}\n')
    with pytest.raises(CannotPlan) as raised:
        plan(source, "100:3" if kind == "shorter" else "", 1, SETTINGS)
    assert str(source) in raised.value.problem.detail
    assert raised.value.problem.hint
