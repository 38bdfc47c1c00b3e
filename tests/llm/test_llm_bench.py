"""The peers of `bench.llm` are fair: they answer as we do, and one that fails is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bench.llm.contest import Run, take_turns
from bench.llm.models import model_file, write_prompts
from bench.llm.server import Sizes, batched_bench
from bench.peer import PeerFailed, peer

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def test_the_loop_and_the_stock_class_write_the_same_answers(tmp_path: Path) -> None:
    model, source = str(model_file(tmp_path, "miniature")), str(write_prompts(tmp_path / "prompts", 5, 4, 8))
    answers = []
    for module, arguments in (("loop", ["128", "2", "1"]), ("loop", ["128", "1", "1"]), ("stock", ["128", "1"])):
        output = tmp_path / "answers"
        with peer(f"bench.llm.{module}", [model, *arguments], ENVIRONMENT) as there:
            told = there.ask(do="batch", source=source, output=str(output))
        found = {
            line["id"]: (line["answer"], line["tokens"]) for line in map(json.loads, output.read_text().splitlines())
        }
        assert told["tokens"] == sum(tokens for _, tokens in found.values())
        answers.append(found)
    assert len(answers[0]) == 5
    assert answers[0] == answers[1] == answers[2]


def test_one_answer_by_the_bare_loop_and_as_a_stream_of_the_stock_class_has_the_same_tokens(tmp_path: Path) -> None:
    model = str(model_file(tmp_path, "miniature"))
    with peer("bench.llm.loop", [model, "128", "1", "1"], ENVIRONMENT) as loop:
        bare = loop.ask(do="write", prompt="What is a batch?", max_tokens=12)
    with peer("bench.llm.stock", [model, "128", "1"], ENVIRONMENT) as stock:
        said = [{"role": "user", "content": "What is a batch?"}]
        streamed = stock.ask(do="write", messages=said, max_tokens=12)
    assert bare["tokens"] == streamed["tokens"] == 12
    assert 0 < streamed["first"] < streamed["seconds"]


def test_a_child_that_ends_says_why(tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing.gguf")
    with (
        pytest.raises(PeerFailed, match=f"ended with 1: llama.cpp cannot load {nothing}"),
        peer("bench.llm.loop", [nothing, "128", "1", "1"], ENVIRONMENT),
    ):
        pass


def test_a_program_that_was_not_built_says_how_to(tmp_path: Path) -> None:
    sizes = Sizes(tmp_path / "model", 128, 1, 1, False, ENVIRONMENT)
    with pytest.raises(PeerFailed, match="python -m bench.llm.build_peer makes it"):
        batched_bench(tmp_path, sizes, 8, 8)


def test_who_fails_in_a_round_has_no_figure_and_a_reason(tmp_path: Path) -> None:
    turns: list[str] = []

    def well(source: Path) -> Run:
        turns.append(source.name)
        return Run(10, 0.5)

    def ill(source: Path) -> Run:
        if source.name == "all":
            raise PeerFailed("out of breath")
        return Run(10, 0.1)

    results = take_turns({"well": well, "ill": ill}, tmp_path / "few", tmp_path / "all", 2, {"absent": "not built"})
    assert turns == ["few", "all", "all"]
    assert (results.rate("well"), results.rate("ill"), results.ratio("well", "ill")) == (20.0, None, None)
    assert results.failed == {"absent": "not built", "ill": "out of breath"}
    assert results.tokens() == "10 each"


def test_a_ratio_is_the_median_of_the_rounds_ratios(tmp_path: Path) -> None:
    ours, theirs = iter([1.0, 1.0, 4.0, 1.0]), iter([1.0, 2.0, 2.0, 3.0])
    contestants = {"ours": lambda _: Run(12, next(ours)), "theirs": lambda _: Run(12, next(theirs))}
    results = take_turns(contestants, tmp_path, tmp_path, 3, {})
    assert results.ratio("ours", "theirs") == 2.0
