"""Each unit knows where it begins: from there on the rest is planned the same, or divided anew, each line once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import jsonl
from engines.contract import Planning
from engines.fake.plan import plan
from engines.fake.settings import FakeSettings
from engines.lines import LINE_BYTES, Place
from ipc.work import PlannedUnit

GOOD = (
    '{{"prompt":"{n} x"}}',
    '{{"prompt":"{n} €"}}',
    '  {{"id":"k","prompt":"{n} y"}} ',
    '{{"id":5,"answer":"{n} z","tokens":3,"prompt_tokens":2,"finish":"stop"}}',
    f'{{{{"prompt":"{{n}} {"a" * 400_000}"}}}}',  # three of these are more than one unit may span
)
"""Each tells its own number in its prompt."""
BLANK = (b"", b"  ", b"\t")
JUNK = (b"{", b"nonsense", b'{"promt":"x"}', b'{"prompt":"\xff"}', b"z" * (LINE_BYTES + 5))


@dataclass
class Source:
    """A file's content, and the numbers of the lines in it that become units, and that are set aside."""

    content: bytes
    good: list[int]
    junk: list[int]

    def write(self, factory: pytest.TempPathFactory) -> Path:
        path = factory.mktemp("plan") / "in.jsonl"
        path.write_bytes(self.content)
        return path


@st.composite
def sources(draw: st.DrawFn) -> Source:
    """Lines of all sorts, with or without a mark in front and an end of the last line."""
    newline = draw(st.sampled_from([b"\n", b"\r\n"]))
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    end = draw(st.sampled_from([b"", newline]))
    drawn = draw(st.lists(st.sampled_from(GOOD) | st.sampled_from(BLANK + JUNK), max_size=16))
    lines = [line.format(n=n).encode() if isinstance(line, str) else line for n, line in enumerate(drawn, 1)]
    good = [n for n, line in enumerate(drawn, 1) if line in GOOD]
    return Source(mark + newline.join(lines) + end, good, [n for n, line in enumerate(drawn, 1) if line in JUNK])


@dataclass
class Read:
    """What was planned so far: units, and for each line set aside how many of the units begin before it."""

    units: list[PlannedUnit] = field(default_factory=list)
    problems: list[tuple[int, int]] = field(default_factory=list)

    def add(self, planning: Planning, keep: int) -> None:
        """The first `keep` of its units, and the problems that lie before the next one."""
        first = len(self.units)
        self.units += planning.units[:keep]
        self.problems += [
            (int(problem.where.rpartition(" ")[2]), first + problem.units_before)
            for problem in planning.problems
            if problem.units_before <= keep
        ]

    def lines(self) -> list[int]:
        """The numbers of all lines in units."""
        return [number for unit in self.units for number in numbers(unit)]


def numbers(unit: PlannedUnit) -> list[int]:
    """Of the lines of one unit."""
    payload = json.loads(unit.payload)
    assert not isinstance(payload, list) or len(payload) > 1
    return [int(line["prompt"].split()[0]) for line in (payload if isinstance(payload, list) else [payload])]


def read(path: Path, cursor: str, batch_size: int, limit: int) -> Read:
    """All from the cursor on; each stretch must move forward."""
    whole, end, size = Read(), False, path.stat().st_size
    while not end:
        planning = plan(path, cursor, limit, FakeSettings(batch_size=batch_size))
        assert planning.end or Place.at(planning.cursor) > Place.at(cursor)
        assert len(planning.units) <= limit
        assert planning.share == (1.0 if planning.end or not size else Place.at(planning.cursor).offset / size)
        whole.add(planning, len(planning.units))
        cursor, end = planning.cursor, planning.end
    return whole


@given(source=sources(), batch_size=st.integers(1, 5), limit=st.integers(1, 6))
def test_every_line_is_in_one_unit_or_set_aside_however_the_source_is_cut(
    tmp_path_factory: pytest.TempPathFactory, source: Source, batch_size: int, limit: int
) -> None:
    path = source.write(tmp_path_factory)
    whole = read(path, "", batch_size, limit)
    assert whole.lines() == source.good
    assert [number for number, _ in whole.problems] == source.junk
    assert whole == read(path, "", batch_size, 1000)
    begins = [numbers(unit)[0] for unit in whole.units]
    assert all(before == sum(begin < number for begin in begins) for number, before in whole.problems)
    assert all(len(numbers(unit)) <= batch_size for unit in whole.units)
    if len(source.content) <= jsonl.UNIT_BYTES:
        assert [len(numbers(unit)) for unit in whole.units[:-1]] == [batch_size] * (len(whole.units) - 1)


@given(source=sources(), batch_size=st.integers(1, 5), limit=st.integers(1, 6))
def test_planning_from_where_a_unit_begins_gives_it_and_all_that_follow(
    tmp_path_factory: pytest.TempPathFactory, source: Source, batch_size: int, limit: int
) -> None:
    path = source.write(tmp_path_factory)
    whole = read(path, "", batch_size, 1000)
    for index, unit in enumerate(whole.units):
        rest = read(path, unit.start, batch_size, limit)
        assert rest.units == whole.units[index:]
        assert rest.problems == [(n, before - index) for n, before in whole.problems if before > index]


@given(
    source=sources(),
    turns=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(0, 6)), max_size=8),
)
def test_a_batch_size_changed_at_any_unit_loses_no_line_and_repeats_none(
    tmp_path_factory: pytest.TempPathFactory, source: Source, turns: list[tuple[int, int, int]]
) -> None:
    path = source.write(tmp_path_factory)
    kept, cursor = Read(), ""
    for batch_size, limit, keep in turns:
        planning = plan(path, cursor, limit, FakeSettings(batch_size=batch_size))
        kept.add(planning, keep)
        cursor = planning.units[keep].start if keep < len(planning.units) else planning.cursor
    rest = read(path, cursor, 2, 3)
    assert kept.lines() + rest.lines() == source.good
    assert [number for number, _ in kept.problems + rest.problems] == source.junk


def written(folder: Path, content: bytes) -> Path:
    path = folder / "in.jsonl"
    path.write_bytes(content)
    return path


def test_a_unit_of_several_lines_is_named_by_its_first_and_shows_where_it_lies(tmp_path: Path) -> None:
    path = written(tmp_path, b'junk\n{"prompt":"a","id":"first"}\n\nmore junk\n{"prompt":"b"}\n{"prompt":"c"}\n')
    planning = plan(path, "", 10, FakeSettings(batch_size=2))
    assert [(unit.name, unit.where, unit.start) for unit in planning.units] == [
        ("first", "in.jsonl lines 2–5", "5:1"),
        ("6", "in.jsonl line 6", "59:5"),
    ]
    assert [(problem.where, problem.units_before) for problem in planning.problems] == [
        ("in.jsonl line 1", 0),
        ("in.jsonl line 4", 1),
    ]


def test_a_unit_never_spans_more_of_a_source_than_a_message_can_hold(tmp_path: Path) -> None:
    line = b'{"prompt":"' + b"a" * 300_000 + b'"}\n'
    whole = read(written(tmp_path, line * 20), "", 1000, 500)
    assert [len(json.loads(unit.payload)) for unit in whole.units] == [3, 3, 3, 3, 3, 3, 2]


def test_a_unit_ends_after_a_thousand_lines_set_aside(tmp_path: Path) -> None:
    content = b'{"prompt":"a"}\n' + b"-\n" * 2500 + b'{"prompt":"b"}\n'
    planning = plan(written(tmp_path, content), "", 500, FakeSettings(batch_size=5))
    assert [unit.where for unit in planning.units] == ["in.jsonl line 1"]
    assert len(planning.problems) == jsonl.UNIT_PROBLEMS
    whole = read(tmp_path / "in.jsonl", "", 5, 500)
    assert [unit.where for unit in whole.units] == ["in.jsonl line 1", "in.jsonl line 2502"]
    assert len(whole.problems) == 2500


def test_the_share_rises_to_one(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"prompt":"a"}\n' * 10)
    cursor, shares = "", [0.0]
    while shares[-1] < 1.0:
        planning = plan(path, cursor, 3, FakeSettings())
        assert planning.share is not None
        cursor = planning.cursor
        shares.append(planning.share)
    assert shares == pytest.approx([0.0, 0.3, 0.6, 0.9, 1.0])
    assert all(a < b for a, b in pairwise(shares))


def test_the_share_of_an_empty_source_is_one(tmp_path: Path) -> None:
    assert plan(written(tmp_path, b""), "", 10, FakeSettings()).share == 1.0
