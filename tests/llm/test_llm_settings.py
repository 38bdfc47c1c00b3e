"""How many layers go where, what memory depends on, and how the ladder goes down."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engines.contract import CannotLoad
from engines.gpu_memory import PLACEMENT
from engines.llm.checks import check
from engines.llm.settings import LlmSettings
from engines.llm.split import shares
from engines.settings import EngineSettings, knobs_of


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
    unmoved = settings(mmap=False, mlock=True, temperature=0.1, threads=2, threads_batch=3, chat_template="{{ 1 }}")
    assert unmoved.shape() == settings().shape()


@pytest.mark.parametrize(
    "more", [{"n_ubatch": 64}, {"type_k": "q8_0"}, {"type_v": "q4_0"}, {"flash_attn": "off"}, {"lora": "a.gguf"}]
)
def test_memory_depends_on_how_the_cache_is_kept_and_what_lies_over_the_weights(more: dict[str, Any]) -> None:
    assert settings(**more).shape() == {**settings().shape(), **more}


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


def test_a_smaller_batch_is_one_that_frees_memory() -> None:
    assert settings(n_batch=4096, n_ubatch=512).step_down() == {"n_batch": 256}
    assert settings(n_batch=4096, n_ubatch=4096).step_down() == {"n_batch": 2048}
    assert settings(n_batch=4096, n_ubatch=32).step_down() == {"n_batch": 64}


@pytest.mark.parametrize("more", [{"gpu": "cpu"}, {"profile": "cpu_fallback"}, {"n_gpu_layers": 0}])
def test_there_is_no_step_to_where_it_is(more: dict[str, Any]) -> None:
    assert ladder(settings(n_batch=64, n_ctx=512, **more)) == []


OWN = {
    "model": "model quantization profile n_gpu_layers tensor_split main_gpu mmap mlock",
    "context": "n_ctx n_batch n_ubatch type_k type_v flash_attn lora",
    "flight": "system_prompt chat_template",
    "now": "prompt_cache threads threads_batch max_tokens temperature top_k typical_p top_p min_p"
    " repeat_penalty presence_penalty frequency_penalty repeat_last_n seed",
}


def test_only_what_is_read_anew_reloads_and_only_what_is_laid_out_anew_rebuilds() -> None:
    shared = {knob.name for knob in knobs_of(EngineSettings())}
    applies: dict[str, set[str]] = {}
    for knob in knobs_of(settings()):
        if knob.name not in shared:
            applies.setdefault(knob.applies, set()).add(knob.name)
    assert applies == {when: set(names.split()) for when, names in OWN.items()}


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


def test_a_model_kept_whole_has_nothing_to_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLACEMENT, '[["GPU-a",0.75],["GPU-b",0.25]]')
    assert shares(settings(main_gpu=1)) == ()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"main_gpu": 2}, "it has 2 GPUs, counted from 0"),
        ({"main_gpu": 0, "tensor_split": "1,1"}, "tensor_split = '1,1' divides the model"),
    ],
)
def test_a_main_gpu_that_cannot_be(more: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLACEMENT, '[["GPU-a",0.75],["GPU-b",0.25]]')
    with pytest.raises(CannotLoad, match=why) as raised:
        shares(settings(**more))
    assert "`gpu`" in raised.value.problem.hint


# ── what does not go together ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kept_as", ["q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"])
def test_quantized_values_need_flash_attention(kept_as: str) -> None:
    check(settings(type_v=kept_as))
    check(settings(type_v=kept_as, flash_attn="on"))
    check(settings(type_k=kept_as, flash_attn="off"))
    with pytest.raises(CannotLoad, match=f"kept as {kept_as} need flash attention, and it is off") as raised:
        check(settings(type_v=kept_as, flash_attn="off"))
    assert "`flash_attn`" in raised.value.problem.hint
