"""Each setting changed in a real child with a flight at work: every unit once, whatever it costs or is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from llm_adapters import adapter
from llm_spawned import GREEDY, Child, flight, spawned

from ipc.work import Applied, Apply, ApplyFailed, Landed, Load, Loaded, UnitDone

pytestmark = pytest.mark.anyio

UNITS = 6


def changes(folder: Path) -> list[dict[str, Any]]:
    """Each on top of the one before."""
    template = folder / "own.jinja"
    template.write_text("{{ messages[0].content }}")
    return [
        {"n_ubatch": 64},
        {"type_k": "q8_0", "type_v": "q8_0"},
        {"flash_attn": "on"},
        {"lora": str(adapter(folder / "own.gguf"))},
        {"lora": ""},
        {"type_k": "f16", "type_v": "f16", "flash_attn": "off"},
        {"threads": 1, "threads_batch": 2},
        {"chat_template": str(template)},
        {"chat_template": ""},
        {"temperature": 0.5, "typical_p": 0.9, "presence_penalty": 0.5, "frequency_penalty": 0.5},
        {"repeat_last_n": 8, "repeat_penalty": 1.1},
        {"main_gpu": 0},
        {"mlock": True},
    ]


async def fly_and_change(child: Child, number: int, wanted: dict[str, Any]) -> Applied | ApplyFailed:
    """One flight, the change as soon as its first unit is done, and its end; in whichever order they come."""
    child.send(flight(number, UNITS))
    await child.until(UnitDone)
    child.send(Apply(wanted))
    heard = len(child.heard)
    while True:
        ended = child.heard[heard:]
        told = next((said for said in ended if isinstance(said, Applied | ApplyFailed)), None)
        if told is not None and any(isinstance(said, Landed) for said in ended):
            return told
        await child.until(Applied | ApplyFailed | Landed)  # type: ignore[arg-type]


async def test_each_setting_is_changed_live(tmp_path: Path) -> None:
    async with spawned() as child:
        settings = {**GREEDY, "parallel": 2, "threads": 1, "n_ctx": 512}
        child.send(Load(settings))
        await child.until(Loaded)
        for number, wanted in enumerate(changes(tmp_path)):
            told = await fly_and_change(child, number, wanted)
            assert isinstance(told, Applied), (wanted, told)
            settings |= wanted
            assert told.settings == settings
        child.send(flight(99, UNITS))
        await child.until(Landed)
    done = Counter((said.flight, said.index) for said in child.heard if isinstance(said, UnitDone))
    flights = [*range(len(changes(tmp_path))), 99]
    assert done == Counter({(number, index): 1 for number in flights for index in range(UNITS)})


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        ({"type_v": "q4_0", "flash_attn": "off"}, "Flash attention needed"),
        ({"lora": "/nowhere.gguf"}, "Bad adapter"),
        ({"chat_template": "{% for %}"}, "Bad chat template"),
        ({"main_gpu": 0, "tensor_split": "1,1"}, "Bad main_gpu"),
    ],
)
async def test_a_change_that_is_refused_leaves_the_flight_and_the_settings(wanted: dict[str, Any], title: str) -> None:
    async with spawned() as child:
        child.send(Load({**GREEDY, "threads": 1, "n_ctx": 512}))
        await child.until(Loaded)
        told = await fly_and_change(child, 1, wanted)
        assert isinstance(told, ApplyFailed)
        assert told.problem.title == title
        child.send(flight(2, 1))
        await child.until(Landed)
    done = Counter(said.flight for said in child.heard if isinstance(said, UnitDone))
    assert done == {1: UNITS, 2: 1}
