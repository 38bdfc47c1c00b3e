"""The client's way to vectors: requests of a good size, and the numbers in an answer."""

from __future__ import annotations

import base64
import json
import struct

from hypothesis import given
from hypothesis import strategies as st

from ipc.vectors import CHARACTERS, TEXTS, pieces_of, vectors_of


@given(st.lists(st.sampled_from(["", "short", "x" * 400_000, "y" * (CHARACTERS + 1)]), max_size=600))
def test_pieces_are_of_a_good_size_and_leave_nothing_out(texts: list[str]) -> None:
    pieces = list(pieces_of(texts))
    assert [text for piece in pieces for text in piece] == texts
    for piece in pieces:
        assert 1 <= len(piece) <= TEXTS
        assert len(piece) == 1 or sum(map(len, piece)) <= CHARACTERS


def test_few_texts_are_one_request() -> None:
    assert list(pieces_of(["a"] * 256)) == [["a"] * 256]
    assert [len(piece) for piece in pieces_of(["a"] * 600)] == [256, 256, 88]


def test_numbers_are_little_endian_floats_in_rows() -> None:
    data = base64.b64encode(struct.pack("<6f", 1, 2, 3, 4, 5, 6)).decode()
    result = json.dumps({"dimensions": 3, "tokens": 9, "truncated": 0, "vectors": data})
    assert vectors_of(result) == [[1, 2, 3], [4, 5, 6]]
