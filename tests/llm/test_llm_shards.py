"""A model in several files: loaded live by the real engine, cancelled in the midst, refused by name where one lacks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from flying_kit import Heard, Sky
from llm_files import F16, Build, hollow
from llm_recorders import Orders, questions
from llm_shards import shards_of
from llm_spawned import GREEDY, flight, spawned

from engines.llm import header
from engines.llm.engine import create
from engines.llm.files import chosen
from engines.llm.settings import LlmSettings
from ipc.work import Load, Loaded, LoadFailed, LoadProgress, UnitDone, Unload, Unloaded

pytestmark = pytest.mark.anyio
GREAT = Build(blocks=4, embedding=1024, feed_forward=8192, heads=16, cache_heads=(16,), vocabulary=4096)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return shards_of(tmp_path_factory.mktemp("shards"), 14)


def test_the_shards_together_are_the_model(shards: list[Path]) -> None:
    assert [path.name for path in shards] == [f"big-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    whole, split = chosen(LlmSettings()), chosen(LlmSettings(model=str(shards[0])))
    assert split.header == whole.header
    assert split.file_bytes() == sum(path.stat().st_size for path in shards)
    assert chosen(LlmSettings(model=str(shards[0].parent))).path == shards[0]


async def test_a_split_model_loads_with_live_progress_and_answers(shards: list[Path]) -> None:
    whole = Orders(questions(1))
    engine = create(Heard())
    engine.load(LlmSettings(temperature=0.0, max_tokens=48))
    engine.fly(Sky(whole))
    engine.close()
    async with spawned() as child:
        child.send(Load({**GREEDY, "model": str(shards[0])}))
        assert (await child.until(Loaded)).quantization == "F16"
        fractions = [said.fraction for said in child.heard if isinstance(said, LoadProgress)]
        assert len(fractions) > 5
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
        child.send(flight(1, 1))
        assert whole.answers()[0] in (await child.until(UnitDone)).result


async def test_a_load_of_shards_is_cancelled_in_the_midst(tmp_path: Path) -> None:
    great = split_hollow(tmp_path)
    async with spawned() as child:
        child.send(Load({**GREEDY, "model": str(great[0]), "mmap": False}))
        while (await child.until(LoadProgress)).fraction < 0.05:
            pass
        child.send(Unload())
        await child.until(Unloaded)
        assert not any(isinstance(said, Loaded | LoadFailed) for said in child.heard)
        assert max(said.fraction for said in child.heard if isinstance(said, LoadProgress)) < 0.9
        child.send(Load(GREEDY))
        await child.until(Loaded)


async def test_a_missing_or_truncated_shard_is_refused_by_name(shards: list[Path], tmp_path: Path) -> None:
    for path in shards:
        shutil.copy(path, tmp_path)
    first, second, third = (tmp_path / path.name for path in shards)
    os.truncate(third, third.stat().st_size - 1000)
    async with spawned() as child:
        child.send(Load({**GREEDY, "model": str(first)}))
        failed = await child.until(LoadFailed)
        assert (failed.problem.title, failed.permanent) == ("Model truncated", True)
        assert "big-00003-of-00003.gguf" in failed.problem.detail
        second.unlink()
        child.send(Load({**GREEDY, "model": str(tmp_path)}))
        failed = await child.until(LoadFailed)
        assert failed.problem.title == "Model missing"
        assert "big-00002-of-00003.gguf does not exist" in failed.problem.detail


def split_hollow(folder: Path) -> list[Path]:
    """A large model of zeros in two files, which takes a while to read."""
    whole = hollow(folder / "whole.gguf", GREAT, F16)
    paths = shards_of(folder, 20, source=whole)
    whole.unlink()
    assert header.read(paths[0]).weight_bytes > 200_000_000
    return paths
