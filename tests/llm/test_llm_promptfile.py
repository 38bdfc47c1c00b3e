"""A prompt's state in a file: whole, or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engines.llm.promptfile import PromptFile, prune

STATE = bytearray(range(256)) * 40
TOKENS = [*range(300, 350)]


def one(folder: Path, of: str = "a model", tokens: list[int] | None = None) -> PromptFile:
    return PromptFile(folder, of, TOKENS if tokens is None else tokens)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = one(tmp_path / "new" / "folder")
    assert file.read() is None
    file.write(STATE)
    assert file.read() == STATE
    assert (file.path.stat().st_mode & 0o777, file.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert list(file.folder.iterdir()) == [file.path]


def test_another_model_or_prompt_is_another_file(tmp_path: Path) -> None:
    one(tmp_path).write(STATE)
    assert one(tmp_path, "another model").read() is None
    assert one(tmp_path, tokens=TOKENS[:-1]).read() is None


def test_a_file_under_another_s_name_is_not_taken(tmp_path: Path) -> None:
    one(tmp_path, "another model").write(STATE)
    os.replace(one(tmp_path, "another model").path, one(tmp_path).path)
    assert one(tmp_path).read() is None


@pytest.mark.parametrize("at", [0, 25, 40, 50, 60, 200, 5000, -1])
def test_one_wrong_byte_anywhere_makes_it_none(tmp_path: Path, at: int) -> None:
    file = one(tmp_path)
    file.write(STATE)
    content = bytearray(file.path.read_bytes())
    content[at] ^= 1
    file.path.write_bytes(content)
    assert file.read() is None
    file.write(STATE)
    assert file.read() == STATE


@pytest.mark.parametrize("size", [0, 10, 30, 60, 300, 9000])
def test_a_file_that_ends_early_is_none(tmp_path: Path, size: int) -> None:
    file = one(tmp_path)
    file.write(STATE)
    os.truncate(file.path, size)
    assert file.read() is None


def test_a_file_that_goes_on_too_long_is_none(tmp_path: Path) -> None:
    file = one(tmp_path)
    file.write(STATE)
    with file.path.open("ab") as opened:
        opened.write(b"more")
    assert file.read() is None


def test_what_cannot_be_written_says_so_and_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="taken"):
        one(tmp_path / "taken").write(STATE)


def test_the_longest_unused_go_when_there_are_too_many(tmp_path: Path) -> None:
    files = [one(tmp_path, str(number)) for number in range(6)]
    for age, file in enumerate(files):
        file.write(STATE)
        os.utime(file.path, (1000 + age, 1000 + age))
    assert files[0].read() == STATE  # and so it was used last
    prune(tmp_path, files=3)
    assert [file.path.exists() for file in files] == [True, False, False, False, True, True]
    prune(tmp_path, size=len(STATE) + 1000)
    assert [file.path.exists() for file in files] == [True, False, False, False, False, False]


def test_what_nobody_finished_goes_after_an_hour(tmp_path: Path) -> None:
    old, new = tmp_path / "a.part", tmp_path / "b.part"
    old.touch()
    new.touch()
    os.utime(old, (1000, 1000))
    prune(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


def test_one_that_is_too_large_takes_no_other_along(tmp_path: Path) -> None:
    large, small = one(tmp_path, "large"), one(tmp_path, "small")
    small.write(STATE)
    os.utime(small.path, (1000, 1000))
    large.write(bytearray(len(STATE) + 100_000))
    prune(tmp_path, size=len(STATE) + 1000)
    assert (large.path.exists(), small.path.exists()) == (False, True)
