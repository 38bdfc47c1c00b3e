"""LoRA adapters over weights that stay: laid over, weighed, taken away, and refused where they do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import pytest
from flying_kit import Heard, Sky
from llm_adapters import RANK, WIDTH, adapter
from llm_recorders import MINIATURE, Orders, questions

from engines.contract import CannotLoad
from engines.llm.appraise import appraise
from engines.llm.engine import LlmEngine, create
from engines.llm.files import ModelFile, path_of
from engines.llm.header import read
from engines.llm.lora import lora_files
from engines.llm.settings import LlmSettings
from engines.llm.warm import dependence


def greedy(lora: str = "", **more: object) -> LlmSettings:
    return LlmSettings(temperature=0.0, max_tokens=24, lora=lora, **more)  # type: ignore[arg-type]


@pytest.fixture
def engine() -> Iterator[LlmEngine]:
    engine = create(Heard())
    engine.load(greedy())
    yield engine
    engine.close()


def answers(engine: LlmEngine) -> list[str]:
    flight = Orders(questions(3))
    engine.fly(Sky(flight))
    return flight.answers()


def test_an_adapter_changes_answers_and_they_return_without_it_over_the_same_weights(
    engine: LlmEngine, tmp_path: Path
) -> None:
    plain, file = answers(engine), adapter(tmp_path / "own.gguf")
    engine.apply(greedy(str(file)))
    changed = answers(engine)
    assert changed != plain
    engine.apply(greedy(f"{file}:0.0"))
    assert answers(engine) == plain, "it counts as strongly as it is told to"
    engine.apply(greedy(f"{file}:0.5,{file}:0.5"))
    assert answers(engine) == changed, "several add up"
    engine.apply(greedy())
    assert answers(engine) == plain
    assert engine.loads == 1


def test_an_adapter_is_there_after_a_load_and_after_a_rebuild(engine: LlmEngine, tmp_path: Path) -> None:
    file = adapter(tmp_path / "own.gguf")
    engine.apply(greedy(str(file)))
    changed = answers(engine)
    engine.apply(greedy(str(file), n_ctx=512))
    assert answers(engine) == changed
    engine.load(greedy(str(file)))
    assert answers(engine) == changed


@pytest.mark.parametrize(
    ("lora", "why"),
    [
        ("/nowhere/own.gguf", "/nowhere/own.gguf does not exist"),
        ("/nowhere/own.gguf:0.5", "/nowhere/own.gguf does not exist"),
        ("/nowhere/with:colon.gguf", "/nowhere/with:colon.gguf does not exist"),
        (str(MINIATURE), "is no LoRA adapter"),
        (f"{MINIATURE},", "is no LoRA adapter"),
        (":0.5", "':0.5' is no path"),
        ("a.gguf:nan", "'a.gguf:nan' is no path"),
    ],
)
def test_what_is_no_adapter_is_refused_before_anything_is_given_up(engine: LlmEngine, lora: str, why: str) -> None:
    plain = answers(engine)
    for attempt in (engine.apply, appraise):
        with pytest.raises(CannotLoad, match=why) as raised:
            attempt(greedy(lora))
        assert raised.value.problem.title == "Bad adapter"
        assert raised.value.problem.hint
    assert answers(engine) == plain
    assert engine.loads == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"width": 128}, "wrong base model"),
        ({"architecture": "qwen2"}, "arch mismatch"),
    ],
)
def test_an_adapter_of_another_model_is_refused_and_the_old_one_stays(
    engine: LlmEngine, tmp_path: Path, more: dict[str, object], why: str
) -> None:
    own = greedy(str(adapter(tmp_path / "own.gguf")))
    engine.apply(own)
    changed = answers(engine)
    with pytest.raises(CannotLoad, match=why):
        engine.apply(greedy(str(adapter(tmp_path / "other.gguf", **more))))  # type: ignore[arg-type]
    assert answers(engine) == changed
    assert engine.loads == 1


def test_a_cut_adapter_is_refused(engine: LlmEngine, tmp_path: Path) -> None:
    file = adapter(tmp_path / "own.gguf")
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(CannotLoad, match="ends after"):
        engine.apply(greedy(str(file)))


def test_an_adapter_counts_in_the_estimate(tmp_path: Path) -> None:
    file = adapter(tmp_path / "own.gguf")
    (known,) = lora_files(greedy(str(file)))
    assert known.bytes == 2 * WIDTH * RANK * 4
    plain, more = (sum(appraise(greedy(lora)).options[0].need.layers) for lora in ("", f"{file}, {file}:2"))
    assert more - plain == pytest.approx(2 * known.bytes, abs=8)


def test_the_state_of_a_prompt_is_of_its_adapters_too(tmp_path: Path) -> None:
    model = ModelFile(path_of(greedy()), read(path_of(greedy())))
    file = adapter(tmp_path / "own.gguf")
    of = [dependence(model, model.identity(), greedy(lora)) for lora in ("", str(file), f"{file}:0.5")]
    of.append(dependence(model, model.identity(), greedy(type_k="q8_0")))
    assert len(set(of)) == 4
    assert dependence(model, model.identity(), greedy(str(file))) == of[1]


def test_adapters_are_given_back(engine: LlmEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = 0
    init, free = llama_cpp.llama_adapter_lora_init, llama_cpp.llama_adapter_lora_free

    def count_init(model: object, path: bytes) -> object:
        nonlocal held
        held += 1
        return init(model, path)

    def count_free(pointer: object) -> None:
        nonlocal held
        held -= 1
        free(pointer)

    monkeypatch.setattr(llama_cpp, "llama_adapter_lora_init", count_init)
    monkeypatch.setattr(llama_cpp, "llama_adapter_lora_free", count_free)
    file = str(adapter(tmp_path / "own.gguf"))
    for lora in (f"{file},{file}", file):
        engine.apply(greedy(lora))
        assert held == len(lora.split(","))
    engine.close()
    assert held == 0
