"""A real engine process that is spoken to while it works: people, changes and cancels in the midst of a long job."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llm_spawned import GREEDY, flight, spawned

from ipc.work import Applied, Apply, CancelFlight, Fly, Landed, Load, Loaded, Piece, UnitDone, UnitOrder

pytestmark = pytest.mark.anyio


def long(number: int, units: int = 40) -> Fly:
    """A job that goes on until it is cancelled."""
    return flight(number, units, max_tokens=400, temperature=3.0, top_k=0, top_p=1.0, min_p=0.0)


def asked(number: int, **more: Any) -> Fly:
    request = json.dumps({"prompt": "What is a token?", **more})
    return Fly(number, (UnitOrder("ask", 0, request),), stream=True, deterministic=False)


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize("deterministic", [True, False])
async def test_a_person_is_answered_while_a_job_goes_on(parallel: int, deterministic: bool) -> None:
    async with spawned() as child:
        child.send(Load({**GREEDY, "parallel": parallel}))
        await child.until(Loaded)
        child.send(asked(1))
        expected = await child.until(UnitDone)
        job = long(2)
        child.send(Fly(2, job.units, False, deterministic))
        child.send(asked(3))
        while (done := await child.until(UnitDone)).flight != 3:
            pass
        assert json.loads(done.result)["answer"] == json.loads(expected.result)["answer"]
        pieces = [said.text for said in child.heard if isinstance(said, Piece) and said.flight == 3]
        assert "".join(pieces) == json.loads(done.result)["answer"]
        child.send(CancelFlight(2))
        while (await child.until(Landed)).flight != 2:
            pass
        assert sum(isinstance(said, UnitDone) and said.flight == 2 for said in child.heard) < len(job.units)


async def test_a_change_at_once_does_not_wait_for_the_answers() -> None:
    async with spawned() as child:
        child.send(Load({**GREEDY, "parallel": 2}))
        await child.until(Loaded)
        child.send(asked(1, max_tokens=1500, temperature=5, top_k=0, top_p=1, min_p=0, seed=2))  # a long one
        child.send(long(2))
        await child.until(Piece)
        child.send(Apply({"threads": 2, "max_tokens": 5}))
        await child.until(Applied)
        assert not any(isinstance(said, Landed) for said in child.heard)
        child.send(CancelFlight(2))
        child.send(CancelFlight(1))
        child.send(flight(3, 1))
        while (done := await child.until(UnitDone)).flight != 3:
            pass
        assert done.tokens == 5
