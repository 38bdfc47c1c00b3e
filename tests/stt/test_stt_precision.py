"""What a model computes in, where the machine cannot do all of it."""

from __future__ import annotations

import pytest

from engines.contract import CannotLoad
from engines.stt.precision import chosen, nearest

CPU = {"float32", "int8", "int8_float32"}
AMPERE = {"float32", "float16", "bfloat16", "int8", "int8_float32", "int8_float16", "int8_bfloat16"}
PASCAL = {"float32", "int8", "int8_float32"}


@pytest.mark.parametrize(
    ("wanted", "supported", "on_gpu", "means"),
    [
        ("auto", CPU, False, "int8"),
        ("auto", AMPERE, True, "float16"),
        ("auto", PASCAL, True, "int8_float32"),
        ("auto", {"float32"}, False, "float32"),
        ("int8_float16", AMPERE, True, "int8_float16"),
    ],
)
def test_what_is_meant(wanted: str, supported: set[str], on_gpu: bool, means: str) -> None:
    assert chosen(wanted, supported, on_gpu=on_gpu) == means


@pytest.mark.parametrize(
    ("wanted", "supported", "near"),
    [
        ("float16", CPU, "float32"),
        ("bfloat16", CPU, "float32"),
        ("float16", {"bfloat16", "float32"}, "bfloat16"),
        ("int8_float16", CPU, "int8_float32"),
        ("int8_bfloat16", {"float32"}, "float32"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_nearest_that_works(
    wanted: str, supported: set[str], near: str
) -> None:
    assert nearest(wanted, supported) == near
    with pytest.raises(CannotLoad) as told:
        chosen(wanted, supported, on_gpu=False)
    assert f"cannot compute in {wanted}" in told.value.problem.detail
    assert near in told.value.problem.hint
