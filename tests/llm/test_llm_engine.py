"""The engine against its contract: the real library and the miniature model, in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flying_kit import Heard, Sky
from llm_recorders import MINIATURE, Orders, questions

from engines.contract import CannotLoad, LoadCancelled, OutOfMemory
from engines.llm.engine import LlmEngine, create
from engines.llm.settings import LlmSettings

GREEDY = LlmSettings(temperature=0.0, max_tokens=48)
WILD = LlmSettings(temperature=5.0, top_k=0, top_p=1.0, min_p=0.0, max_tokens=20)


@pytest.fixture
def recorder() -> Heard:
    return Heard()


@pytest.fixture
def engine(recorder: Heard) -> Iterator[LlmEngine]:
    engine = create(recorder)
    yield engine
    engine.close()


def fly(engine: LlmEngine, flight: Orders) -> Orders:
    engine.fly(Sky(flight))
    return flight


def change(settings: LlmSettings, **more: object) -> LlmSettings:
    return LlmSettings(**{name: getattr(settings, name) for name in settings.__struct_fields__} | more)


# ── load ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_load_tells_what_it_loaded_and_tests_it(engine: LlmEngine, recorder: Heard) -> None:
    model = engine.load(GREEDY)
    assert model.name
    assert model.quantization == "F16"
    assert 1_000_000 < model.footprint_bytes < 500_000_000
    assert recorder.fractions == sorted(recorder.fractions)
    assert recorder.fractions[-1] == 1.0
    assert recorder.produced == 1


@pytest.mark.parametrize("mmap", [True, False])
def test_load_again_after_close(engine: LlmEngine, mmap: bool) -> None:
    for _ in range(3):
        engine.load(change(GREEDY, mmap=mmap))
        assert fly(engine, Orders(questions(1))).results[0].tokens > 3
        engine.close()
        engine.close()


def test_load_of_a_truncated_file(engine: LlmEngine, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(MINIATURE.read_bytes()[:5_000_000])
    with pytest.raises(CannotLoad, match=r"5\.0 of 7\.\d MB"):
        engine.load(LlmSettings(model=str(cut)))


def test_load_of_an_unknown_architecture_gives_the_library_s_reason(
    engine: LlmEngine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(
        MINIATURE.read_bytes().replace(b"\x05\x00\x00\x00\x00\x00\x00\x00llama", b"\x05" + bytes(7) + b"odder", 1)
    )
    with pytest.raises(CannotLoad, match="odder"):
        engine.load(LlmSettings(model=str(odd)))
    assert "odder" in capfd.readouterr().err


def test_cancelled_load_leaves_nothing(engine: LlmEngine, recorder: Heard) -> None:
    recorder.cancel_at = 0.3
    with pytest.raises(LoadCancelled):
        engine.load(GREEDY)
    assert max(recorder.fractions) < 0.9
    recorder.cancel_at = None
    assert engine.load(GREEDY).quantization == "F16"


def test_context_longer_than_the_model_knows_is_cut(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, n_ctx=1_000_000))
    flight = fly(engine, Orders([{"prompt": "word " * 5000}]))
    assert "the context 2048" in flight.problems[0].detail


# ── fly ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_answer_makes_sense(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    done = fly(engine, Orders([{"prompt": "What is a token?"}])).results[0]
    assert done.answer.startswith("A token is")
    assert done.finish == "stop"
    assert done.prompt_tokens > 3
    assert done.ttft_seconds is not None
    assert 0 < done.ttft_seconds < done.seconds


def test_pieces_are_the_answer(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    flight = fly(engine, Orders(questions(1), stream=True))
    assert "".join(flight.pieces[0]) == flight.results[0].answer
    assert len(flight.pieces[0]) > 5


def test_token_count_reaches_the_report(engine: LlmEngine, recorder: Heard) -> None:
    engine.load(GREEDY)
    before = recorder.produced
    flight = fly(engine, Orders([{"prompt": "Tell me a story.", "max_tokens": 7}]))
    assert flight.results[0].tokens == 7
    assert flight.results[0].finish == "length"
    assert recorder.produced - before == 7


def test_the_token_that_ends_an_answer_is_not_counted(engine: LlmEngine, recorder: Heard) -> None:
    engine.load(change(GREEDY, parallel=3))
    before = recorder.produced
    flight = fly(engine, Orders(questions(5)))
    assert recorder.produced - before == sum(result.tokens for result in flight.results.values())


def test_stop_text_ends_the_answer(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    plain = fly(engine, Orders([{"prompt": "What is a token?"}])).results[0]
    assert "word" in plain.answer
    flight = fly(engine, Orders([{"prompt": "What is a token?", "stop": ["word"]}], stream=True))
    assert flight.results[0].answer == plain.answer.split("word")[0]
    assert flight.results[0].finish == "stop"
    assert "".join(flight.pieces[0]) == flight.results[0].answer


def test_messages_are_a_conversation(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    messages = [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hello. How can I help you today?"},
        {"role": "user", "content": "What is quantization?"},
    ]
    done = fly(engine, Orders([{"messages": messages}])).results[0]
    assert done.prompt_tokens > 20
    assert done.answer


def test_bad_units_fail_and_the_rest_goes_on(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, n_ctx=128, parallel=2))
    flight = fly(engine, Orders([{"nonsense": 1}, {"prompt": "word " * 400}, *questions(3), {"prompt": 5}]))
    assert sorted(flight.problems) == [0, 1, 5]
    assert sorted(flight.results) == [2, 3, 4]
    assert flight.problems[1].title == "Prompt too long"


def test_answer_ends_where_the_context_does(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, n_ctx=64, max_tokens=1000))
    done = fly(engine, Orders([{"prompt": "Tell me a short story. " * 7}])).results[0]
    assert done.finish == "length"
    assert done.prompt_tokens + done.tokens <= 64


def test_prompt_longer_than_a_batch_is_read_in_several(engine: LlmEngine) -> None:
    question = [{"prompt": "The cache keeps the keys and values of earlier tokens. " * 20 + "What is a token?"}]
    engine.load(GREEDY)
    whole = fly(engine, Orders(question)).results[0]
    engine.apply(change(GREEDY, n_batch=16))
    assert whole.prompt_tokens > 100
    assert fly(engine, Orders(question)).results[0].answer == whole.answer


@pytest.mark.parametrize("parallel", [2, 4, 16])
def test_units_side_by_side_answer_as_alone(engine: LlmEngine, parallel: int) -> None:
    engine.load(GREEDY)
    alone = fly(engine, Orders(questions(9))).answers()
    engine.apply(change(GREEDY, parallel=parallel))
    assert fly(engine, Orders(questions(9))).answers() == alone


def test_more_units_than_places_in_one_batch(engine: LlmEngine) -> None:
    engine.load(change(GREEDY, parallel=8, n_batch=1))
    assert len(fly(engine, Orders(questions(8))).answers()) == 8


def test_deterministic_flight_repeats_to_the_byte(engine: LlmEngine) -> None:
    settings = change(WILD, parallel=4)
    engine.load(settings)
    first = fly(engine, Orders(questions(8))).answers()
    engine.fly(Sky(Orders(questions(3))))
    assert fly(engine, Orders(questions(8))).answers() == first
    engine.close()
    engine.load(settings)
    assert fly(engine, Orders(questions(8))).answers() == first


def test_each_unit_draws_from_its_own_seed(engine: LlmEngine) -> None:
    engine.load(change(WILD, parallel=6))
    same = [{"prompt": "Tell me a short story."}] * 6
    assert len(set(fly(engine, Orders(same)).answers())) > 1
    seeded = [{"prompt": "Tell me a short story.", "seed": 5}] * 6
    assert len(set(fly(engine, Orders(seeded)).answers())) == 1


def test_without_a_seed_answers_are_fresh(engine: LlmEngine) -> None:
    engine.load(WILD)
    ask = [{"prompt": "Tell me a short story."}]
    assert len({fly(engine, Orders(ask, deterministic=False)).answers()[0] for _ in range(4)}) > 1
    engine.apply(change(WILD, seed=9))
    assert len({fly(engine, Orders(ask, deterministic=False)).answers()[0] for _ in range(4)}) == 1


def test_answer_that_would_be_too_large_is_cut(engine: LlmEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.llm.lane.ANSWER_BYTES", 40)
    engine.load(GREEDY)
    done = fly(engine, Orders(questions(1))).results[0]
    assert done.finish == "length"
    assert 40 < len(json.dumps(done.answer)) < 70


# ── cancel ────────────────────────────────────────────────────────────────────────────────────────────────


def test_cancel_between_tokens(engine: LlmEngine, recorder: Heard) -> None:
    engine.load(GREEDY)
    start = recorder.produced
    flight = fly(engine, Orders([{"prompt": "Tell me a story."}], cancelled=lambda: recorder.produced >= start + 5))
    assert flight.ended == []
    assert recorder.produced == start + 5
    assert fly(engine, Orders(questions(1))).results[0].finish == "stop"


def test_cancel_within_a_batch_of_the_prompt(engine: LlmEngine, recorder: Heard) -> None:
    engine.load(change(GREEDY, n_batch=2048))
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 10

    start = recorder.produced
    flight = fly(engine, Orders([{"prompt": "word " * 1500}], cancelled=cancelled))
    assert flight.ended == []
    assert recorder.produced == start
    assert asked < 20
    assert fly(engine, Orders(questions(1))).results[0].finish == "stop"


def test_cancelled_before_it_began(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    assert fly(engine, Orders(questions(3), cancelled=lambda: True)).ended == []


def test_progress_is_reported_while_a_long_prompt_is_read(engine: LlmEngine, recorder: Heard) -> None:
    engine.load(change(GREEDY, n_batch=2048))
    before = recorder.steps
    engine.fly(Sky(Orders([{"prompt": "word " * 1500, "max_tokens": 1}])))
    assert recorder.steps - before > 10


# ── apply ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_sampling_and_threads_apply_without_a_new_context(engine: LlmEngine, recorder: Heard) -> None:
    engine.load(WILD)
    loads = len(recorder.fractions)
    engine.apply(change(GREEDY, max_tokens=6, threads=2))
    assert fly(engine, Orders(questions(1))).results[0].tokens == 6
    assert len(recorder.fractions) == loads


def test_context_changes_keep_the_weights(engine: LlmEngine, recorder: Heard) -> None:
    engine.load(change(GREEDY, n_ctx=64))
    loads = len(recorder.fractions)
    long = [{"prompt": "word " * 100}]
    assert 0 in fly(engine, Orders(long)).problems
    engine.apply(change(GREEDY, n_ctx=1024))
    assert 0 in fly(engine, Orders(long)).results
    assert len(recorder.fractions) == loads


def test_model_changes_reload(engine: LlmEngine, recorder: Heard, tmp_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(MINIATURE.read_bytes())
    engine.load(GREEDY)
    loads = len(recorder.fractions)
    engine.apply(change(GREEDY, model=str(copy)))
    assert len(recorder.fractions) > loads
    assert fly(engine, Orders(questions(1))).results[0].finish == "stop"


def test_a_model_that_is_not_there_costs_nothing(engine: LlmEngine, recorder: Heard, tmp_path: Path) -> None:
    engine.load(GREEDY)
    loads = len(recorder.fractions)
    with pytest.raises(CannotLoad):
        engine.apply(change(GREEDY, model=str(tmp_path / "none.gguf"), max_tokens=3))
    assert len(recorder.fractions) == loads
    assert fly(engine, Orders(questions(1))).results[0].tokens > 3


def test_a_refused_model_brings_the_old_one_back(engine: LlmEngine, tmp_path: Path) -> None:
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(MINIATURE.read_bytes().replace(b"llama", b"odder", 1))
    engine.load(GREEDY)
    answer = fly(engine, Orders(questions(1))).answers()
    with pytest.raises(CannotLoad):
        engine.apply(change(GREEDY, model=str(odd)))
    assert fly(engine, Orders(questions(1))).answers() == answer


def test_a_context_that_does_not_fit_brings_the_old_one_back(
    engine: LlmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.load(GREEDY)
    answer = fly(engine, Orders(questions(1))).answers()
    with monkeypatch.context() as patch:
        patch.setattr("engines.llm.context.free_bytes", lambda: 50_000_000)
        with pytest.raises(OutOfMemory, match="0.0 GiB are free"):
            engine.apply(change(GREEDY, parallel=64))
    assert fly(engine, Orders(questions(1))).answers() == answer


def test_memory_comes_back_after_many_reloads(engine: LlmEngine) -> None:
    sizes = [engine.load(change(GREEDY, mmap=False)).footprint_bytes for _ in range(12)]
    assert max(sizes[4:]) < max(sizes[:4]) + 20_000_000


def test_when_what_worked_does_not_come_back_only_a_new_process_helps(
    engine: LlmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.load(change(GREEDY, parallel=2))
    monkeypatch.setattr("engines.llm.context.free_bytes", lambda: 1)
    with pytest.raises(RuntimeError, match="did not come back"):
        engine.apply(change(GREEDY, parallel=3))
    monkeypatch.undo()
    assert engine.load(GREEDY).quantization == "F16"


def test_flying_without_a_model_is_a_mistake_of_the_caller(engine: LlmEngine) -> None:
    with pytest.raises(RuntimeError, match="no model"):
        engine.fly(Sky(Orders(questions(1))))
