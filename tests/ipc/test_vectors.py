"""The client's way to vectors: requests of a good size, the numbers in an answer, and which engine is asked."""

from __future__ import annotations

import base64
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipc.snapshot import EngineRow
from ipc.states import EngineState, Failed, Ready, Stopped
from ipc.vectors import CHARACTERS, TEXTS, chosen, pieces_of, vectors_of


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


def row(name: str, state: EngineState, kind: str = "embed") -> EngineRow:
    return EngineRow(name, kind, state, None, None, (), 1, None, None, None, None, 0, "")


READY = Ready(1, 0, 0)


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        ([row("writer", READY, "llm")], None),
        ([row("writer", READY, "llm"), row("a", Stopped("idle"))], "a"),
        ([row("a", Stopped("idle")), row("b", READY)], "b"),
        ([row("a", Ready(1, 0, 3)), row("b", Ready(1, 0, 1))], "b"),
        ([row("a", Failed("cause", ())), row("b", Stopped("operator")), row("c", Stopped("idle"))], "c"),
        ([row("a", Failed("cause", ()))], "a"),
    ],
)
def test_an_engine_that_is_ready_is_asked_first_and_one_that_cannot_be_had_last(
    rows: list[EngineRow], asked: str | None
) -> None:
    assert chosen(rows) == asked
