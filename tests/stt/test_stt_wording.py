"""What is a word while somebody speaks, in scripts with spaces and without."""

from __future__ import annotations

import pytest

from engines.stt.listening.agreement import words_of
from engines.stt.output.spaces import unspaced


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Good day, all", ["Good", "day,", "all"]),
        ("好的。走", ["好", "的。", "走"]),
        ("テスト OK", ["テ", "ス", "ト", "OK"]),
        ("ไปบ้าน", list("ไปบ้าน")),
        ("ကခဂ", ["က", "ခ", "ဂ"]),
        ("កខ", ["ក", "ខ"]),
        ("𠀀𠀁", ["𠀀", "𠀁"]),
        ("안녕 ㅋㅋ", ["안녕", "ㅋㅋ"]),
    ],
)
def test_a_character_is_a_word_where_lines_may_be_cut_at_it(text: str, words: list[str]) -> None:
    """Live and in files alike."""
    assert [word.strip() for word in words_of(text)] == words
    assert all(unspaced(word[0]) == (len(word.strip("。")) == 1) for word in words)
