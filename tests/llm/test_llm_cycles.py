"""A hundred loads and unloads of one real process: what it holds afterwards is what it held before."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from llm_spawned import GREEDY, flight, spawned

from engines.llm.settings import LlmSettings
from ipc.places import DATA
from ipc.work import Landed, Load, Loaded, Unload, Unloaded

CYCLES = 100
SYSTEM = "You are a patient teacher. You answer in plain and short words, and you never guess. " * 4


@pytest.mark.anyio
async def test_memory_after_a_hundred_loads_is_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA, str(tmp_path))
    held: list[int] = []
    async with spawned(more=LlmSettings().process_environment()) as child:
        process = psutil.Process(child.process.pid)
        for cycle in range(CYCLES):
            child.send(Load({**GREEDY, "n_ctx": 512, "parallel": 2, "system_prompt": SYSTEM}))
            await child.until(Loaded)
            child.send(flight(cycle, 1, stream=bool(cycle % 2), max_tokens=2))
            await child.until(Landed)
            child.send(Unload())
            await child.until(Unloaded)
            held.append(process.memory_info().rss)
    assert max(held[-5:]) < 1.05 * min(held[:5]), held
