"""Text in columns: wide characters, characters without width, and words longer than a row."""

from __future__ import annotations

import pytest

from cli.wrapping import rows, width


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("你好", 4), ("e\u0301", 1), ("", 0), ("한국", 4)])
def test_how_wide_a_text_is(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "columns", "found"),
    [
        ("", 10, [""]),
        ("one two three", 20, ["one two three"]),
        ("one two three", 9, ["one two", "three"]),
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 3, ["one", "two", "thr", "ee"]),
        ("你好世界", 5, ["你好", "世界"]),
        ("你", 1, ["你"]),
        ("a ", 1, ["a", ""]),
    ],
)
def test_rows_break_at_spaces_or_where_they_must(text: str, columns: int, found: list[str]) -> None:
    assert [text[row.begin : row.end] for row in rows(text, columns)] == found


def test_no_row_is_too_wide_and_nothing_but_spaces_is_lost() -> None:
    text = "the 引擎 listens to e\u0301verything 你好世界 that somebody says"
    for columns in range(2, 40):
        found = rows(text, columns)
        assert all(width(text[row.begin : row.end]) <= columns for row in found)
        assert "".join(text[row.begin : row.end] for row in found).replace(" ", "") == text.replace(" ", "")
