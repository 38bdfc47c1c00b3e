"""Files beside an output: replaced by the job that made them, and never by another."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from engines.beside import Marked, Vouched
from engines.contract import CannotAssemble

Beside: TypeAlias = Marked | Vouched


def beside(folder: Path, how: str, job: str = "box-3") -> Beside:
    part, path = folder / f".book.m4b.{job}.part", folder / "book.txt"
    return Marked(part, path, f"NOTE {job}\n") if how == "marked" else Vouched(part, path)


both = pytest.mark.parametrize("how", ["marked", "vouched"])


@both
def test_a_job_replaces_what_it_wrote_itself(tmp_path: Path, how: str) -> None:
    for text in ("one", "two", "three"):
        it = beside(tmp_path, how)
        it.place(["NOTE box-3\n", text])
        assert it.path.read_text() == f"NOTE box-3\n{text}"
    assert not list(tmp_path.glob(".*.part"))


@both
@pytest.mark.parametrize("job", ["box-4", "box-33", "box"])
def test_another_job_is_refused_before_it_has_written_anything(tmp_path: Path, how: str, job: str) -> None:
    it = beside(tmp_path, how)
    it.place(["NOTE box-3\n", "one"])
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(CannotAssemble, match=r"book\.txt was made or changed by somebody else") as caught:
        beside(tmp_path, how, job)
    assert caught.value.retry
    assert sorted(os.listdir(tmp_path)) == before


@both
def test_a_file_that_comes_meanwhile_is_not_replaced(tmp_path: Path, how: str) -> None:
    it = beside(tmp_path, how)
    it.path.write_text("mine")
    with pytest.raises(CannotAssemble):
        it.place(["NOTE box-3\n", "one"])
    assert it.path.read_text() == "mine"


@both
def test_a_file_that_comes_while_ours_is_written_is_not_replaced(tmp_path: Path, how: str) -> None:
    it = beside(tmp_path, how)

    def pieces() -> Iterator[str]:
        yield "NOTE box-3\n"
        it.path.write_text("mine")

    with pytest.raises(CannotAssemble):
        it.place(pieces())
    assert it.path.read_text() == "mine"
    assert not list(tmp_path.glob(".*.part"))


@both
@pytest.mark.parametrize("what", ["folder", "dangling link", "pipe"])
def test_what_is_no_file_is_somebody_else_s(tmp_path: Path, how: str, what: str) -> None:
    path = tmp_path / "book.txt"
    match what:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.symlink_to(tmp_path / "not mounted" / "mine.txt")
    with pytest.raises(CannotAssemble, match="somebody else") as caught:
        beside(tmp_path, how)
    assert caught.value.retry


@both
def test_where_there_are_no_hard_links_it_is_placed_all_the_same(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(part: Path, path: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    it = beside(tmp_path, how)
    it.place(["NOTE box-3\n", "one"])
    assert it.path.read_text() == "NOTE box-3\none"


@both
def test_a_crash_between_two_names_of_one_file_tears_nothing(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = beside(tmp_path, how)

    def crash(path: Path, missing_ok: bool = False) -> None:
        if path.exists():
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", crash)
        with pytest.raises(KeyboardInterrupt):
            it.place(["NOTE box-3\n", "one"])

    def pieces() -> Iterator[str]:
        yield "NOTE box-3\n"
        assert it.path.read_text() == "NOTE box-3\none"
        yield "two"

    beside(tmp_path, how).place(pieces())
    assert it.path.read_text() == "NOTE box-3\ntwo"


def test_what_a_person_changed_is_not_replaced_where_there_is_no_room_for_a_mark(tmp_path: Path) -> None:
    it = beside(tmp_path, "vouched")
    it.place(["one"])
    it.path.write_text("one, corrected")
    with pytest.raises(CannotAssemble):
        beside(tmp_path, "vouched")


@pytest.mark.parametrize("placed", [False, True], ids=["before", "after"])
def test_a_crash_between_voucher_and_file_leaves_one_that_can_be_replaced(
    tmp_path: Path, placed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = beside(tmp_path, "vouched")
    it.place(["one"])
    replace = Path.replace

    def crash(path: Path, target: Path) -> Path:
        if target == it.path:
            if placed:
                replace(path, target)
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            it.place(["two"])
    assert it.path.read_text() == ("two" if placed else "one")
    beside(tmp_path, "vouched").place(["three"])
    assert it.path.read_text() == "three"


@both
def test_what_cannot_be_written_leaves_nothing_torn(tmp_path: Path, how: str) -> None:
    it = beside(tmp_path, how)

    def pieces() -> list[str]:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        it.place(piece for _ in range(1) for piece in ["NOTE box-3\n", *pieces()])
    assert os.listdir(tmp_path) == []
