"""Each setting changed on a loaded engine: what it costs, that it counts, and that a refusal leaves all as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
import msgspec
import pytest
from flying_kit import Heard, Sky
from llm_recorders import Orders, questions

from engines.contract import CannotLoad
from engines.llm.context import Context
from engines.llm.engine import LlmEngine, create
from engines.llm.settings import LlmSettings
from engines.settings import dearest

GREEDY = LlmSettings(temperature=0.0, max_tokens=24, n_ctx=512, threads=1)


@dataclass
class Costs:
    """What an engine did since this was last looked at."""

    engine: LlmEngine
    contexts: int = 0
    loads: int = 0

    def since(self) -> tuple[int, int]:
        """New contexts, and how often weights were read."""
        told = self.contexts, self.engine.loads - self.loads
        self.contexts, self.loads = 0, self.engine.loads
        return told


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Costs]:
    costs = Costs(create(Heard()))
    make = Context.__init__

    def counted(self: Context, *args: Any) -> None:
        costs.contexts += 1
        make(self, *args)

    monkeypatch.setattr(Context, "__init__", counted)
    costs.engine.load(GREEDY)
    assert costs.since() == (1, 1)
    yield costs
    costs.engine.close()


def change(**more: Any) -> LlmSettings:
    return msgspec.structs.replace(GREEDY, **more)


def answers(engine: LlmEngine, **more: Any) -> list[str]:
    flight = Orders(questions(4, **more))
    engine.fly(Sky(flight))
    assert not flight.problems
    return flight.answers()


NOW: list[dict[str, Any]] = [
    {"threads": 2},
    {"threads_batch": 2},
    {"chat_template": "{{ messages[0].content }}"},
    {"max_tokens": 5},
    {"temperature": 1.0, "seed": 5},
    {"top_k": 5},
    {"typical_p": 0.5},
    {"top_p": 0.5},
    {"min_p": 0.5},
    {"repeat_penalty": 1.5},
    {"presence_penalty": 1.0},
    {"frequency_penalty": 1.0},
    {"repeat_last_n": -1},
]
CONTEXT: list[dict[str, Any]] = [
    {"n_ctx": 1024},
    {"n_batch": 64},
    {"n_ubatch": 32},
    {"parallel": 4},
    {"flash_attn": "off"},
    {"flash_attn": "on"},
    {"type_k": "q8_0", "flash_attn": "off"},
    *({"type_k": kind, "type_v": kind} for kind in ("f32", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")),
]
MODEL: list[dict[str, Any]] = [{"mmap": False}, {"mlock": True}, {"main_gpu": 0}, {"profile": "cpu_fallback"}]


@pytest.mark.parametrize("more", NOW, ids=str)
def test_what_applies_now_or_at_the_next_flight_builds_nothing(costs: Costs, more: dict[str, Any]) -> None:
    assert dearest(GREEDY, more) == ("flight" if "chat_template" in more else "now")
    costs.engine.apply(change(**more))
    assert costs.since() == (0, 0)
    assert len(answers(costs.engine)) == 4


@pytest.mark.parametrize("more", CONTEXT, ids=str)
def test_what_needs_another_context_reads_no_weights_again(costs: Costs, more: dict[str, Any]) -> None:
    assert dearest(GREEDY, more) == "context"
    costs.engine.apply(change(**more))
    assert costs.since() == (1, 0)
    assert len(answers(costs.engine)) == 4


@pytest.mark.parametrize("more", MODEL, ids=str)
def test_what_is_read_anew_is_read_once(costs: Costs, more: dict[str, Any]) -> None:
    before = answers(costs.engine)
    assert dearest(GREEDY, more) == "model"
    costs.engine.apply(change(**more))
    assert costs.since() == (1, 1)
    assert answers(costs.engine) == before


def test_a_finer_cache_answers_as_before(costs: Costs) -> None:
    before = answers(costs.engine)
    costs.engine.apply(change(type_k="f32", type_v="f32", n_ubatch=16, n_batch=32))
    assert answers(costs.engine) == before


def test_threads_are_as_told_for_writing_and_for_reading(costs: Costs, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(llama_cpp, "llama_set_n_threads", lambda _, writing, reading: told.append((writing, reading)))
    costs.engine.apply(change(threads=2))
    costs.engine.apply(change(threads=2, threads_batch=3))
    assert told == [(2, 2), (2, 3)]


# ── what sampling knobs do ────────────────────────────────────────────────────────────────────────────────


def test_penalties_change_what_is_written_and_nothing_where_they_look_at_nothing(costs: Costs) -> None:
    unsure: dict[str, Any] = {"max_tokens": 60, "temperature": 1.5, "top_k": 0, "top_p": 1.0, "seed": 3}
    begun = {"prompt": "a", "grammar": "root ::= [a-d]{30}"}
    costs.engine.apply(change(**unsure))
    before = answers(costs.engine, **begun)
    for name, value in {"repeat_penalty": 1.5, "presence_penalty": 2.0, "frequency_penalty": 2.0}.items():
        costs.engine.apply(change(**unsure, **{name: value}))
        held_back = answers(costs.engine, **begun)
        assert held_back != before, name
        costs.engine.apply(change(**unsure, **{name: value}, repeat_last_n=0))
        assert answers(costs.engine, **begun) == before, name
        costs.engine.apply(change(**unsure))
        assert answers(costs.engine, **begun, **{name: value}) == held_back, name


def test_a_narrow_sampler_leaves_the_dice_no_choice(costs: Costs) -> None:
    before = answers(costs.engine)
    wild: dict[str, Any] = {"temperature": 2.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "seed": 3}
    costs.engine.apply(change(**wild))
    loose = answers(costs.engine)
    assert loose != before
    for narrow in ({"top_k": 1}, {"top_p": 0.0}, {"min_p": 1.0}):
        costs.engine.apply(change(**(wild | narrow)))
        assert answers(costs.engine) == before, narrow
    costs.engine.apply(change(**wild, typical_p=0.1))
    assert answers(costs.engine) not in (before, loose)
    assert answers(costs.engine, typical_p=1.0) == loose


# ── a template in place of the model's ────────────────────────────────────────────────────────────────────


def test_a_template_counts_from_the_next_unit_and_the_model_s_own_returns(costs: Costs, tmp_path: Path) -> None:
    plain = answers(costs.engine)
    file = tmp_path / "own.jinja"
    file.write_text("{{ messages[0].content }}")
    costs.engine.apply(change(chat_template=str(file)))
    bare = answers(costs.engine)
    assert bare != plain
    assert bare == answers(costs.engine, raw=True)
    costs.engine.apply(GREEDY)
    assert answers(costs.engine) == plain
    assert answers(costs.engine, raw=True) == bare


@pytest.mark.parametrize("beside", [{}, {"n_ctx": 256}, {"mmap": False}], ids=str)
def test_a_broken_template_is_refused_when_it_is_set(costs: Costs, beside: dict[str, Any]) -> None:
    before = answers(costs.engine)
    costs.since()
    with pytest.raises(CannotLoad, match="no Jinja template"):
        costs.engine.apply(change(chat_template="{% for %}", max_tokens=3, **beside))
    assert costs.since()[1] == 0
    assert answers(costs.engine) == before


def test_a_broken_template_is_refused_at_a_load(costs: Costs) -> None:
    with pytest.raises(CannotLoad, match="no Jinja template"):
        costs.engine.load(change(chat_template="{% for %}"))


# ── a cache that cannot be ────────────────────────────────────────────────────────────────────────────────


def test_quantized_values_without_flash_attention_are_refused_and_nothing_is_given_up(costs: Costs) -> None:
    costs.engine.apply(change(type_k="q8_0", type_v="q8_0"))
    before = answers(costs.engine)
    costs.since()
    with pytest.raises(CannotLoad, match="flash attention") as raised:
        costs.engine.apply(change(type_k="q8_0", type_v="q8_0", flash_attn="off"))
    assert "`flash_attn`" in raised.value.problem.hint
    assert answers(costs.engine) == before
    assert costs.since()[1] == 0
