"""From what a person names to files: folders and patterns, in the order in which people count, each file once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engines.catalog import KINDS
from ipc.errors import RequestFailed
from supervisor.jobs import inputs
from supervisor.jobs.inputs import expand

FAKE = KINDS["fake"]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Ten parts, some files beside them, and a folder within."""
    for n in range(1, 11):
        (tmp_path / f"part {n}.jsonl").write_text("")
    for name in ("notes.txt", ".part 1.jsonl.box-1.part", "[odd].jsonl"):
        (tmp_path / name).write_text("")
    (tmp_path / "more.jsonl").mkdir()
    (tmp_path / "more.jsonl" / "part 0.jsonl").write_text("")
    return tmp_path


def names(house: Path, *named: str, promised: tuple[str, ...] = ()) -> list[str]:
    """What these make, without the folder; each is looked for in it."""
    paths = expand((f"{house}/{name}" for name in named), FAKE, {f"{house}/{name}" for name in promised}).files
    return [path.removeprefix(f"{house}/") for path in paths]


PARTS = [f"part {n}.jsonl" for n in range(1, 11)]


def test_a_folder_stands_for_the_files_in_it_that_the_kind_reads(house: Path) -> None:
    assert names(house, "") == ["[odd].jsonl", *PARTS]
    assert names(house, "more.jsonl") == ["more.jsonl/part 0.jsonl"]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (("part *.jsonl",), PARTS),
        (("part ?.jsonl",), PARTS[:9]),
        (("part [24].jsonl", "part 1*"), [PARTS[1], PARTS[3], PARTS[0], PARTS[9]]),
        (("**/part ?.jsonl",), ["more.jsonl/part 0.jsonl", *PARTS[:9]]),
        (("part 3.jsonl", "part *.jsonl"), [PARTS[2], *PARTS[:2], *PARTS[3:]]),
        (("notes.txt",), ["notes.txt"]),
        (("[odd].jsonl",), ["[odd].jsonl"]),
    ],
)
def test_patterns_and_names(house: Path, named: tuple[str, ...], expected: list[str]) -> None:
    assert names(house, *named) == expected


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("nothing.jsonl", "is no file that can be read"),
        ("nothing*.jsonl", "Nothing matches"),
        ("empty", r"holds no file that fake reads \(\.jsonl\)"),
        ("more*", "Nothing matches"),
    ],
)
def test_what_is_not_there_is_refused(house: Path, named: str, sentence: str) -> None:
    (house / "empty").mkdir()
    with pytest.raises(RequestFailed, match=sentence) as caught:
        names(house, "part 1.jsonl", named)
    assert str(house / named) in str(caught.value)


def test_a_file_that_a_job_will_write_need_not_be_there(house: Path) -> None:
    assert names(house, "later.jsonl", "part 1.jsonl", promised=("later.jsonl",)) == ["later.jsonl", "part 1.jsonl"]
    with pytest.raises(RequestFailed):
        names(house, "later.jsonl", promised=("other.jsonl",))


def test_too_many_files_are_refused(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MOST", 10)
    assert len(names(house, "part *.jsonl")) == 10
    with pytest.raises(RequestFailed, match=re.escape("These are 11 files, over 10.")):
        names(house, "")
