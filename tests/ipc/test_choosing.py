"""Which engine a program asks that named none."""

from __future__ import annotations

import pytest

from ipc.choosing import chosen
from ipc.snapshot import EngineRow
from ipc.states import EngineState, Failed, Ready, Stopped


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
    assert chosen(rows, "embed") == asked
