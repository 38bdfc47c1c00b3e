"""How many layers go where, what memory depends on, and how the ladder goes down."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engines.contract import CannotLoad
from engines.gpu_memory import PLACEMENT
from engines.llm.settings import LlmSettings
from engines.llm.split import shares
from engines.settings import knobs_of


def settings(**more: Any) -> LlmSettings:
    return LlmSettings(**more)


@pytest.mark.parametrize(
    ("taken", "layers"),
    [
        (settings(), 43),
        (settings(profile="balanced"), 35),
        (settings(profile="cpu_fallback"), 0),
        (settings(profile="dynamic"), None),
        (settings(n_gpu_layers=20), 20),
        (settings(n_gpu_layers=99), 43),
        (settings(profile="cpu_fallback", n_gpu_layers=5), 5),
        (settings(profile="dynamic", n_gpu_layers=0), 0),
        (settings(gpu="cpu"), 0),
        (settings(gpu="cpu", n_gpu_layers=20), 0),
    ],
)
def test_layers_of_43(taken: LlmSettings, layers: int | None) -> None:
    assert taken.layers_on_gpu(43) == layers


def test_memory_depends_on_the_layers_in_force_and_not_on_how_they_are_read() -> None:
    shape = {"n_ctx": 4096, "parallel": 1, "n_batch": 512}
    assert settings().shape() == {**shape, "profile": "performance"}
    assert settings(profile="balanced", n_gpu_layers=7).shape() == {**shape, "n_gpu_layers": 7}
    assert settings(mmap=False, temperature=0.1, threads=2).shape() == settings().shape()


def ladder(taken: LlmSettings) -> list[tuple[int, int, int, int]]:
    steps = []
    while changes := taken.step_down():
        taken = msgspec.structs.replace(taken, **changes)
        steps.append((taken.parallel, taken.n_batch, taken.n_ctx, taken.n_gpu_layers))
    return steps


def test_the_ladder_ends_on_the_cpu() -> None:
    assert ladder(settings(parallel=3, n_batch=100, n_ctx=1500)) == [
        (1, 100, 1500, -1),
        (1, 64, 1500, -1),
        (1, 64, 750, -1),
        (1, 64, 512, -1),
        (1, 64, 512, 0),
    ]


@pytest.mark.parametrize("more", [{"gpu": "cpu"}, {"profile": "cpu_fallback"}, {"n_gpu_layers": 0}])
def test_there_is_no_step_to_where_it_is(more: dict[str, Any]) -> None:
    assert ladder(settings(n_batch=64, n_ctx=512, **more)) == []


def test_the_new_knobs_reload_the_model() -> None:
    applies = {knob.name: knob.applies for knob in knobs_of(settings())}
    assert {applies[name] for name in ("quantization", "profile", "n_gpu_layers", "tensor_split")} == {"model"}


# ── several GPUs ──────────────────────────────────────────────────────────────────────────────────────────


def test_shares_are_those_asked_for_else_those_of_the_placement(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shares(settings()) == ()
    assert shares(settings(tensor_split=" 0.6, 0.4 ")) == (0.6, 0.4)
    monkeypatch.setenv(PLACEMENT, '[["GPU-a",0.75],["GPU-b",0.25]]')
    assert shares(settings()) == (0.75, 0.25)
    assert shares(settings(tensor_split="1,1")) == (1, 1)
    monkeypatch.setenv(PLACEMENT, '[["GPU-a",1.0]]')
    assert shares(settings()) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("half", "no list of numbers"),
        ("0.5,", "no list of numbers"),
        ("-1,2", "from 0 on"),
        ("0,0", "not all 0"),
        ("nan,1", "from 0 on"),
        (",".join("1" * 9), "more than 8"),
    ],
)
def test_what_is_no_list_of_shares(text: str, why: str) -> None:
    with pytest.raises(CannotLoad, match=why) as raised:
        shares(settings(tensor_split=text))
    assert raised.value.problem.hint
