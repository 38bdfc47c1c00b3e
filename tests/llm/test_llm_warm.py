"""The system prompt after a load: computed by the first process, restored by the next, and never taken on trust."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from flying_kit import Heard, Sky
from llm_recorders import MINIATURE, Orders, questions
from llm_spawned import flight, spawned

from engines.contract import LoadCancelled
from engines.llm.engine import LlmEngine, create
from engines.llm.settings import LlmSettings
from engines.settings import as_dict
from ipc.places import DATA
from ipc.work import Landed, Leave, Load, Loaded, UnitDone

SYSTEM = "You are a patient teacher. You answer in plain and short words, and you never guess. " * 6
GREEDY = LlmSettings(temperature=0.0, max_tokens=24, n_ctx=1024, system_prompt=SYSTEM)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where states of prompts are kept."""
    monkeypatch.setenv(DATA, str(tmp_path / "data"))
    return tmp_path / "data" / "prompts"


@pytest.fixture
def engine() -> Iterator[LlmEngine]:
    engine = create(Heard())
    yield engine
    engine.close()


def change(settings: LlmSettings, **more: Any) -> LlmSettings:
    return msgspec.structs.replace(settings, **more)


def first_answer(engine: LlmEngine) -> tuple[str, int]:
    """And how many tokens of its prompt were not computed."""
    flight = Orders(questions(1), deterministic=False)
    engine.fly(Sky(flight))
    return flight.results[0].answer, flight.results[0].cached_tokens


async def first_of_a_process() -> UnitDone:
    """The answer to the first question, from load to leave."""
    async with spawned() as child:
        child.send(Load(as_dict(GREEDY)))
        await child.until(Loaded)
        child.send(flight(1, 1, stream=True))
        done = await child.until(UnitDone)
        await child.until(Landed)
        child.send(Leave())
        with anyio.fail_after(20):
            assert await anyio.to_thread.run_sync(child.process.wait) == 0
        return done


@pytest.mark.anyio
async def test_the_next_process_finds_what_the_first_computed(capfd: pytest.CaptureFixture[str]) -> None:
    first = json.loads((await first_of_a_process()).result)
    assert re.search(r"system prompt: 1\d\d tokens computed in \d+ ms, kept for the next start", capfd.readouterr().err)
    second = json.loads((await first_of_a_process()).result)
    assert re.search(r"system prompt: 1\d\d tokens restored in \d+ ms", capfd.readouterr().err)
    assert second == first
    assert second["cached_tokens"] > 100


def test_what_is_damaged_is_computed_and_written_anew(
    engine: LlmEngine, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine.load(GREEDY)
    expected = first_answer(engine)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    capfd.readouterr()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    engine.load(GREEDY)
    assert "computed" in capfd.readouterr().err
    assert first_answer(engine) == expected
    engine.load(GREEDY)
    assert "restored" in capfd.readouterr().err
    assert first_answer(engine) == expected


def test_a_state_that_the_library_does_not_take_is_computed_anew(
    engine: LlmEngine, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engines.llm.loaded.dependence", lambda file, identity, settings: "all the same")
    engine.load(change(GREEDY, parallel=2))
    first_answer(engine)
    capfd.readouterr()
    engine.load(change(GREEDY, parallel=3))
    assert "computed" in capfd.readouterr().err
    assert first_answer(engine)[1] > 100


@pytest.mark.parametrize("more", [{"parallel": 3}, {"system_prompt": SYSTEM + "Be brief."}, {"model": "copy"}])
def test_what_a_state_depends_on_makes_another_file(
    engine: LlmEngine, folder: Path, tmp_path: Path, more: dict[str, Any]
) -> None:
    engine.load(GREEDY)
    if "model" in more:
        more = {"model": str(tmp_path / "copy.gguf")}
        (tmp_path / "copy.gguf").write_bytes(MINIATURE.read_bytes())
    engine.load(change(GREEDY, **more))
    assert len([*folder.iterdir()]) == 2


@pytest.mark.parametrize("more", [{"n_ctx": 512}, {"temperature": 1.0}, {"n_batch": 64}])
def test_what_it_does_not_depend_on_finds_the_same_file(
    engine: LlmEngine, folder: Path, more: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    engine.load(GREEDY)
    capfd.readouterr()
    engine.load(change(GREEDY, **more))
    assert "restored" in capfd.readouterr().err
    assert len([*folder.iterdir()]) == 1


def test_a_change_of_the_system_prompt_is_computed_at_once(
    engine: LlmEngine, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine.load(change(GREEDY, system_prompt=""))
    assert not folder.exists()
    engine.apply(GREEDY)
    assert "computed" in capfd.readouterr().err
    assert first_answer(engine)[1] > 100
    engine.apply(change(GREEDY, n_ctx=900))
    assert "restored" in capfd.readouterr().err
    assert first_answer(engine)[1] > 100


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"system_prompt": "Be brief."}, "under 32 tokens"),
        ({"n_ctx": 128}, "do not fit into the context of 128"),
        ({"prompt_cache": 0}, ""),
    ],
)
def test_what_is_not_computed_ahead(
    engine: LlmEngine, folder: Path, more: dict[str, Any], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    engine.load(change(GREEDY, **more))
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("system prompt")]
    assert [said in line for line in told] == [True] * bool(said)
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_costs_only_the_next_start(
    engine: LlmEngine, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder.parent.mkdir()
    folder.write_text("a file where the folder should be")
    engine.load(GREEDY)
    assert "not kept for the next start: " in capfd.readouterr().err
    assert first_answer(engine)[1] > 100


def test_a_load_is_cancelled_while_the_system_prompt_is_read(folder: Path) -> None:
    class Impatient(Heard):
        def cancelled(self) -> bool:
            return self.produced > 0  # the self-test is over

    engine = create(Impatient())
    with pytest.raises(LoadCancelled):
        engine.load(GREEDY)
    assert not folder.exists()
    engine.close()


def test_a_model_that_was_replaced_after_its_load_leaves_no_state_under_the_new_ones_name(
    tmp_path: Path, folder: Path
) -> None:
    model = tmp_path / "model.gguf"
    shutil.copyfile(MINIATURE, model)
    cold = change(GREEDY, model=str(model), system_prompt="")
    engine = create(Heard())
    engine.load(cold)
    os.utime(model, (1, 1))  # what a download of the same size looks like
    engine.apply(change(cold, system_prompt=SYSTEM))
    assert len(list(folder.glob("*.state"))) == 1
    engine.close()
    engine.load(change(cold, system_prompt=SYSTEM))
    assert len(list(folder.glob("*.state"))) == 2, "the new one's own"
    engine.close()


def test_without_the_model_s_file_a_loaded_engine_takes_another_system_prompt(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    shutil.copyfile(MINIATURE, model)
    engine = create(Heard())
    engine.load(change(GREEDY, model=str(model)))
    model.unlink()
    engine.apply(change(GREEDY, model=str(model), system_prompt=SYSTEM * 2))
    assert first_answer(engine)[1] > 100
    engine.close()


def test_another_template_makes_another_state(engine: LlmEngine) -> None:
    engine.load(GREEDY)
    before = first_answer(engine)
    template = "{% for one in messages %}{{ one.role }}: {{ one.content }}\n{% endfor %}assistant:"
    engine.apply(change(GREEDY, chat_template=template))
    assert first_answer(engine)[1] > 100
    engine.apply(GREEDY)
    assert first_answer(engine) == before
