"""The engine on a simulated box: what it holds there is what was estimated, and comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from llm_spawned import GREEDY, Child, flight, spawned

from engines.gpu_memory import PLACEMENT
from engines.llm.buffers import buffers_of
from engines.llm.estimate import gpu_bytes, need
from engines.llm.files import chosen
from engines.llm.settings import LlmSettings
from ipc.snapshot import Scalar
from ipc.work import Applied, Apply, ApplyFailed, Landed, Load, Loaded, LoadFailed, UnitDone, Unload, Unloaded
from simulator.run import environment
from simulator.scenario import publish

pytestmark = pytest.mark.anyio

GIB = 2**30


class Box:
    """Simulated GPUs for children."""

    def __init__(self, folder: Path) -> None:
        self._lines, self._accounts = folder / "scenario", folder / "accounts"
        self._accounts.mkdir()
        self.has(GIB)
        self._environ = environment(self._lines, self._accounts)

    def has(self, *sizes: int) -> None:
        """From now on."""
        cards = [
            {"name": "Simulated", "capability": "8.0", "uuid": f"GPU-{index}", "memory_total": size}
            for index, size in enumerate(sizes)
        ]
        publish({"gpu": cards}, self._lines, accounts=self._accounts)

    def placed(self, *shares: float) -> dict[str, str]:
        """The environment of a child that was placed so."""
        placement = [(f"GPU-{index}", share) for index, share in enumerate(shares)]
        return {**self._environ, PLACEMENT: json.dumps(placement)}

    def held(self, child: Child) -> dict[str, int]:
        """By GPU, as the child says it."""
        account = self._accounts / str(child.process.pid)
        lines = account.read_text().splitlines() if account.exists() else []
        return {uuid: int(size) for uuid, size in (line.split(" ") for line in lines)}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Box:
    return Box(tmp_path_factory.mktemp("box"))


def estimate(gpus: int = 1, **more: Any) -> int:
    settings = LlmSettings(**more)
    file = chosen(settings)
    with buffers_of(file.path, file.header) as buffers:
        return gpu_bytes(need(file.header, settings, buffers(settings)), gpus)


async def test_what_was_estimated_is_held_until_the_unload(box: Box) -> None:
    box.has(GIB)
    async with spawned(more=box.placed(1.0)) as child:
        child.send(Load(GREEDY))
        loaded = await child.until(Loaded)
        assert (loaded.layers, loaded.layers_on_gpu) == (5, 5)
        assert box.held(child) == {"GPU-0": estimate()}
        child.send(Apply({"parallel": 4}))
        await child.until(Applied)
        assert box.held(child) == {"GPU-0": estimate(parallel=4)}
        assert estimate(parallel=4) > estimate()
        child.send(Apply({"profile": "balanced"}))
        await child.until(Applied)
        assert box.held(child) == {"GPU-0": estimate(parallel=4, profile="balanced")}
        child.send(Unload())
        await child.until(Unloaded)
        assert box.held(child) == {"GPU-0": 0}


async def test_several_gpus_hold_their_shares(box: Box) -> None:
    box.has(GIB, GIB)
    async with spawned(more=box.placed(0.75, 0.25)) as child:
        child.send(Load(GREEDY))
        await child.until(Loaded)
        whole = estimate(gpus=2)
        assert box.held(child) == {"GPU-0": round(0.75 * whole), "GPU-1": round(0.25 * whole)}


async def test_a_load_that_does_not_fit_holds_nothing(box: Box) -> None:
    box.has(GIB // 4)
    async with spawned(more=box.placed(1.0)) as child:
        child.send(Load(GREEDY))
        failed = await child.until(LoadFailed)
        assert failed.out_of_memory
        assert not failed.permanent
        assert sum(box.held(child).values()) == 0
        child.send(Load({**GREEDY, "n_gpu_layers": 0}))
        assert (await child.until(Loaded)).layers_on_gpu == 0
        assert sum(box.held(child).values()) == 0


async def test_a_change_that_does_not_fit_leaves_what_was_held(box: Box) -> None:
    box.has(estimate() + 20 * 2**20)
    async with spawned(more=box.placed(1.0)) as child:
        child.send(Load(GREEDY))
        await child.until(Loaded)
        too_much: list[dict[str, Scalar]] = [{"parallel": 64}, {"parallel": 64, "mmap": False}]
        for changes in too_much:
            child.send(Apply(changes))
            assert "out of memory" in (await child.until(ApplyFailed)).problem.detail.lower()
            assert box.held(child) == {"GPU-0": estimate()}
        child.send(flight(1, 2))
        await child.until(Landed)
        assert sum(isinstance(said, UnitDone) for said in child.heard) == 2


async def test_a_broken_model_gives_back_what_was_held_for_it(box: Box, tmp_path: Path) -> None:
    box.has(GIB)
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(chosen(LlmSettings()).path.read_bytes().replace(b"llama", b"odder"))
    async with spawned(more=box.placed(1.0)) as child:
        child.send(Load({**GREEDY, "model": str(odd)}))
        await child.until(LoadFailed)
        assert sum(box.held(child).values()) == 0


async def test_on_the_cpu_nothing_is_held(box: Box) -> None:
    async with spawned(more=box.placed()) as child:
        child.send(Load(GREEDY))
        assert (await child.until(Loaded)).layers_on_gpu == 0
        assert box.held(child) == {}
