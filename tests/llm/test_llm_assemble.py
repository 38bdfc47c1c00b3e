"""Assembly: one line per row in order, the same bytes each time, and honest about a file that cannot be written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines.contract import CannotAssemble
from engines.llm.assemble import assemble
from engines.llm.settings import LlmSettings
from ipc.work import ResultRow

SETTINGS = LlmSettings()


def step() -> None:
    """Nobody watches here."""


def row(index: int, identity: str | int = "p1", answer: str = "It is so.") -> ResultRow:
    return ResultRow(
        index,
        json.dumps({"id": identity, "prompt": "x"}),
        json.dumps({"answer": answer, "tokens": 3, "prompt_tokens": 2, "finish": "stop"}),
    )


def test_lines_in_order_with_ids_as_they_were(tmp_path: Path) -> None:
    part = tmp_path / ".out.part"
    assemble(part, iter([row(0, "a"), row(3, 7), row(4, "a", "Zeile\n€ \u2028")]), SETTINGS, step)
    lines = part.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    assert [json.loads(line)["id"] for line in lines] == ["a", 7, "a"]
    assert json.loads(lines[2])["answer"] == "Zeile\n€ \u2028"
    assert list(json.loads(lines[0])) == ["id", "answer", "tokens", "prompt_tokens", "finish"]


def test_again_after_a_crash_starts_over(tmp_path: Path) -> None:
    part = tmp_path / ".out.part"
    assemble(part, iter([row(i) for i in range(50)]), SETTINGS, step)
    once = part.read_bytes()
    part.write_bytes(once + b"left behind")
    assemble(part, iter([row(i) for i in range(50)]), SETTINGS, step)
    assert part.read_bytes() == once


def test_no_rows_give_an_empty_file(tmp_path: Path) -> None:
    assemble(tmp_path / "part", iter(()), SETTINGS, step)
    assert (tmp_path / "part").read_bytes() == b""


def test_missing_folder_can_be_tried_again(tmp_path: Path) -> None:
    with pytest.raises(CannotAssemble) as raised:
        assemble(tmp_path / "gone" / "part", iter([row(0)]), SETTINGS, step)
    assert raised.value.retry
    assert str(tmp_path / "gone") in raised.value.problem.detail


def test_full_disk_can_be_tried_again() -> None:
    with pytest.raises(CannotAssemble) as raised:
        assemble(Path("/dev/full"), iter([row(0)]), SETTINGS, step)
    assert raised.value.retry


def test_a_folder_in_the_way_cannot(tmp_path: Path) -> None:
    with pytest.raises(CannotAssemble) as raised:
        assemble(tmp_path, iter([row(0)]), SETTINGS, step)
    assert not raised.value.retry
