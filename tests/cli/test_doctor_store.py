"""`doctor` about the job store, as it lies there: none, well, in use, locked, damaged, out of reach."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli import store_findings
from cli.store_findings import finding


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store in the journal mode of a real one, with enough in it to be damaged."""
    path = tmp_path / "jobs.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE units (result TEXT);")
        connection.executemany("INSERT INTO units VALUES (?)", [("r" * 3000,)] * 50)
    return path


def test_none_is_there_yet(tmp_path: Path) -> None:
    found = finding(tmp_path / "jobs.sqlite")
    assert (found.verdict, found.text) == ("ok", f"{tmp_path}/jobs.sqlite will be made with the first job.")
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_well_is_measured_and_left_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    found = finding(path)
    assert found.verdict == "ok"
    assert f"{path}, {len(before) / 1024:.1f} KiB, " in found.text
    assert found.text.endswith("free on its disk; it holds together")
    assert path.read_bytes() == before


def test_what_a_killed_supervisor_left_in_the_journal_stays_there(path: Path, tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO units VALUES ('last')")
        for file in path.parent.glob("jobs.sqlite*"):
            shutil.copy(file, left)
    assert finding(left / path.name).verdict == "ok"
    with closing(sqlite3.connect(left / path.name)) as connection:
        assert connection.execute("SELECT count(*) FROM units").fetchone() == (51,)


def test_one_that_is_being_written_is_looked_through(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert finding(path).verdict == "ok"


def test_one_that_is_locked_is_said_to_be_unseen(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_findings, "LOCK_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.executescript("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO units VALUES ('x');")
        found = finding(path)
    assert found.verdict == "warn"
    assert "another program has locked it, so it was not looked through" in found.text
    assert f"fuser -v {path}" in found.hint


@pytest.mark.parametrize("begin", [0, 8192])
def test_one_that_is_damaged(path: Path, begin: int) -> None:
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\xa5" * 8192)
    found = finding(path)
    assert found.verdict == "bad"
    assert f"{path} is damaged: " in found.text
    assert "Put a backup in its place" in found.hint


def test_one_that_is_too_large_is_not_looked_through(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_findings, "CHECKED_BYTES", 1000)
    found = finding(path)
    assert (found.verdict, found.hint) == ("ok", f"sqlite3 {path} 'PRAGMA quick_check'")
    assert "too large to look through here" in found.text


def test_one_that_is_out_of_reach(path: Path) -> None:
    found = finding(path / "jobs.sqlite")
    assert (found.verdict, found.hint) == ("bad", "Mend its permissions.")
    assert os.strerror(20) in found.text
