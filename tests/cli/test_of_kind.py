"""The engine that a verb is for, by its own name or by that of a pool."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from scripted_supervisor import ENGINE

from cli.of_kind import of_kind
from ipc.errors import RequestFailed
from ipc.states import Stopped

COLD = replace(ENGINE, name="small", state=Stopped("idle"), pools=("pens",))
READY = replace(ENGINE, name="large", pools=("pens",))
EAR = replace(ENGINE, name="ear", kind="stt", pools=("ears",))
ROWS = (COLD, READY, EAR)


def found(name: str) -> str:
    return of_kind(ROWS, name, "llm", cannot="Does not chat", with_="Chat with").name


def test_a_name_is_that_engine_and_a_pools_name_one_of_it_that_is_ready() -> None:
    assert (found("small"), found("large"), found("pens")) == ("small", "large", "large")
    none_ready = (COLD, replace(READY, state=Stopped("idle")))
    assert of_kind(none_ready, "pens", "llm", cannot="", with_="").name == "small"
    held = (COLD, replace(READY, hold="heat: hot"))
    assert of_kind(held, "pens", "llm", cannot="", with_="").name == "small"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("pen", "No engine is named 'pen'. Did you mean 'pens'?"),
        ("ears", "ears is of kind stt, not llm. Chat with one of these: small, pens, large."),
        ("ear", "ear is of kind stt, not llm. Chat with one of these: small, pens, large."),
    ],
)
def test_what_it_cannot_be_is_said_with_those_that_can(name: str, says: str) -> None:
    with pytest.raises(RequestFailed) as caught:
        found(name)
    assert f"{caught.value.problem.detail} {caught.value.problem.hint}" == says
