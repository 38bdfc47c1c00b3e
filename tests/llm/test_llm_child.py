"""The engine and the desk as the supervisor meets them: processes of their own behind a socket."""

from __future__ import annotations

import json
import time
from pathlib import Path

import anyio
import pytest
from llm_recorders import MINIATURE
from llm_spawned import GREEDY, ROOT, flight, spawned

from ipc.work import (
    Applied,
    Apply,
    ApplyFailed,
    Assemble,
    Assembled,
    Beat,
    CancelFlight,
    Fly,
    Landed,
    Leave,
    Load,
    Loaded,
    LoadFailed,
    LoadProgress,
    Piece,
    Plan,
    Planned,
    Pull,
    ResultRow,
    Results,
    UnitDone,
    UnitOrder,
    Unload,
    Unloaded,
)

pytestmark = pytest.mark.anyio


async def test_a_whole_life() -> None:
    async with spawned() as child:
        child.send(Load(GREEDY))
        loaded = await child.until(Loaded)
        assert loaded.quantization == "F16"
        assert loaded.settings == GREEDY
        assert any(isinstance(said, LoadProgress) for said in child.heard)

        child.send(flight(1, 1, stream=True))
        await child.until(Landed)
        done = next(said for said in child.heard if isinstance(said, UnitDone))
        pieces = [said.text for said in child.heard if isinstance(said, Piece)]
        assert "".join(pieces) == json.loads(done.result)["answer"]
        assert done.ttft_seconds is not None

        child.send(Apply({"parallel": 4}))
        assert (await child.until(Applied)).settings == {**GREEDY, "parallel": 4}
        child.send(flight(2, 7))
        await child.until(Landed)
        assert sum(isinstance(said, UnitDone) and said.flight == 2 for said in child.heard) == 7

        child.send(Unload())
        await child.until(Unloaded)
        child.send(Load(GREEDY))
        await child.until(Loaded)
        child.send(Leave())
        with anyio.fail_after(10):
            assert await anyio.to_thread.run_sync(child.process.wait) == 0


async def test_files_that_cannot_be_loaded_are_said_and_survived(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(MINIATURE.read_bytes()[:4_000_000])
    async with spawned() as child:
        child.send(Load({**GREEDY, "model": str(cut)}))
        failed = await child.until(LoadFailed)
        assert failed.permanent
        assert "4.0 of 7." in failed.problem.detail
        child.send(Load(GREEDY))
        await child.until(Loaded)
        child.send(Apply({"model": str(cut)}))
        assert (await child.until(ApplyFailed)).problem.title == "Model truncated"
        child.send(flight(1, 1))
        assert (await child.until(UnitDone)).tokens > 3


async def test_cancel_ends_a_long_flight_at_once() -> None:
    async with spawned() as child:
        child.send(Load({**GREEDY, "parallel": 4}))
        await child.until(Loaded)
        orders = tuple(UnitOrder("job", i, json.dumps({"prompt": "word " * 1500})) for i in range(64))
        child.send(Fly(1, orders, True, True))
        await child.until(Beat)
        asked = time.monotonic()
        child.send(CancelFlight(1))
        await child.until(Landed)
        assert time.monotonic() - asked < 1
        assert sum(isinstance(said, UnitDone) for said in child.heard) < 64
        child.send(flight(2, 1))
        assert (await child.until(UnitDone)).tokens > 3


async def test_the_desk_plans_the_examples_and_writes_their_answers(tmp_path: Path) -> None:
    source, part = ROOT / "examples" / "prompts.jsonl", tmp_path / "answers.jsonl"
    async with spawned("engines.desk") as desk:
        desk.send(Plan(1, str(source), "", 500, GREEDY))
        planned = await desk.until(Planned)
        assert (len(planned.units), planned.problems, planned.end) == (200, (), True)

        desk.send(Assemble(2, "job", str(part), GREEDY))
        await desk.until(Pull)
        result = json.dumps({"answer": "So.", "tokens": 2, "prompt_tokens": 3, "finish": "stop"})
        rows = (ResultRow(i, unit.payload, result) for i, unit in enumerate(planned.units))
        desk.send(Results(2, tuple(rows), last=True))
        assert (await desk.until(Assembled)).size_bytes == part.stat().st_size
    lines = [json.loads(line) for line in part.read_text().splitlines()]
    assert [line["id"] for line in lines] == [unit.name for unit in planned.units]
