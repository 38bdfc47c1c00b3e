"""The shipped model, the examples it answers, its recipe, and odd models written with the same exporter."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from flying_kit import Heard, Sky
from llm_recorders import MINIATURE, Orders

from engines.contract import CannotLoad
from engines.llm.engine import LlmEngine, create
from engines.llm.miniature.corpus import read_subjects, texts
from engines.llm.miniature.export import SPECIAL, Header, Vocabulary, write_gguf
from engines.llm.plan import plan
from engines.llm.settings import LlmSettings

PROMPTS = Path(__file__).parents[2] / "examples" / "prompts.jsonl"
Array = numpy.ndarray[Any, Any]


@pytest.fixture
def engine() -> Iterator[LlmEngine]:
    engine = create(Heard())
    yield engine
    engine.close()


# ── what is shipped ───────────────────────────────────────────────────────────────────────────────────────


def test_it_is_small_enough_to_ship() -> None:
    assert MINIATURE.stat().st_size < 8_000_000


def test_examples_are_whole() -> None:
    planning = plan(PROMPTS, "", 1000, LlmSettings())
    assert planning.problems == ()
    assert [unit.name for unit in planning.units] == [f"p{n:03}" for n in range(1, 201)]


def test_it_answers_the_examples(engine: LlmEngine) -> None:
    planning = plan(PROMPTS, "", 1000, LlmSettings())
    requests = [json.loads(unit.payload) for unit in planning.units]
    engine.load(LlmSettings(temperature=0.0, parallel=8))
    flight = Orders(requests)
    engine.fly(Sky(flight))
    assert flight.problems == {}
    whole = [answer for subject in read_subjects().subjects for answer in subject.answers]
    known = [answer for answer in flight.answers() if any(text.startswith(answer) for text in whole)]
    assert len(known) > 180
    assert all(result.tokens >= 3 for result in flight.results.values())


# ── the recipe ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_seed_reads_the_same_texts() -> None:
    first = texts(0)
    assert texts(0) == first
    assert texts(1) != first
    assert sum(text.count("<|assistant|>") > 0 for text in first) > len(first) / 2


def test_subjects_are_whole_sentences() -> None:
    for subject in read_subjects().subjects:
        assert len(subject.questions) >= 3
        assert len(subject.answers) >= 2
        assert all(text[0].isupper() and text[-1] in ".?" for text in (*subject.questions, *subject.answers))


# ── odd models ────────────────────────────────────────────────────────────────────────────────────────────


def byte_level_tokens() -> list[str]:
    """The 256 bytes as GPT-2 spells them: printable ones as they are, the others from U+0100 on."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = itertools.count(256)
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def write_model(path: Path, seed: int, *, template: str | None = None, scale: float = 1.0) -> Path:
    """A network of noise over single bytes."""
    dice = numpy.random.default_rng(seed)
    tokens = [*SPECIAL, *byte_level_tokens()]

    def noise(rows: int, columns: int) -> Array:
        return numpy.asarray(dice.standard_normal((rows, columns)) * scale / columns**0.5)

    weights: dict[str, Array] = {"token_embd.weight": noise(len(tokens), 64), "output_norm.weight": numpy.ones(64)}
    sizes = {"attn_q": (64, 64), "attn_k": (32, 64), "attn_v": (32, 64), "attn_output": (64, 64)}
    sizes |= {"ffn_gate": (128, 64), "ffn_up": (128, 64), "ffn_down": (64, 128)}
    for name, (rows, columns) in sizes.items():
        weights[f"blk.0.{name}.weight"] = noise(rows, columns)
    weights |= {f"blk.0.{name}.weight": numpy.ones(64) for name in ("attn_norm", "ffn_norm")}
    merges = [f"{tokens[-1]} {tokens[-1]}"]
    write_gguf(path, Header(path.stem, 4, 2, chat_template=template), Vocabulary(tokens, merges), weights)
    return path


def test_bytes_that_are_no_text_still_make_an_answer(engine: LlmEngine, tmp_path: Path) -> None:
    engine.load(LlmSettings(model=str(write_model(tmp_path / "noise.gguf", 1)), temperature=2.0, top_k=0, parallel=4))
    flight = Orders([{"prompt": "Hällo €", "max_tokens": 100, "seed": seed} for seed in range(8)], stream=True)
    engine.fly(Sky(flight))
    assert sorted(flight.results) == list(range(8))
    assert any("�" in answer for answer in flight.answers())
    for index, result in flight.results.items():
        assert "".join(flight.pieces[index]) == result.answer


def test_without_a_template_the_prompt_is_continued(engine: LlmEngine, tmp_path: Path) -> None:
    engine.load(LlmSettings(model=str(write_model(tmp_path / "plain.gguf", 2)), temperature=0.0))
    flight = Orders([{"prompt": "abc", "max_tokens": 4}])
    engine.fly(Sky(flight))
    assert flight.results[0].prompt_tokens == 1 + 3


def test_a_refusing_template_fails_the_unit(engine: LlmEngine, tmp_path: Path) -> None:
    path = write_model(tmp_path / "strict.gguf", 3, template="{{ raise_exception('users only') }}")
    engine.load(LlmSettings(model=str(path)))
    flight = Orders([{"prompt": "abc"}])
    engine.fly(Sky(flight))
    assert "users only" in flight.problems[0].detail


def test_a_model_without_words_is_refused(engine: LlmEngine, tmp_path: Path) -> None:
    path = write_model(tmp_path / "wordless.gguf", 5)
    path.write_bytes(path.read_bytes().replace(b"gpt2", b"none", 1))
    with pytest.raises(CannotLoad, match="writes no text"):
        engine.load(LlmSettings(model=str(path)))


def test_a_model_that_computes_no_numbers_is_refused(engine: LlmEngine, tmp_path: Path) -> None:
    path = write_model(tmp_path / "broken.gguf", 4, scale=float("nan"))
    with pytest.raises(CannotLoad, match="computes no numbers"):
        engine.load(LlmSettings(model=str(path)))
