"""One outcome that somebody waits for."""

from __future__ import annotations

import anyio
import pytest

from ipc.errors import Problem, RequestFailed
from supervisor.awaited import Awaited

pytestmark = pytest.mark.anyio


async def test_whoever_waits_gets_the_value_also_when_it_is_none() -> None:
    awaited = Awaited[None]()
    async with anyio.create_task_group() as group:
        group.start_soon(awaited.get)
        await anyio.wait_all_tasks_blocked()
        awaited.give(None)


async def test_a_refusal_is_raised_with_its_problem() -> None:
    awaited = Awaited[int]()
    awaited.refuse(Problem("No", "It cannot be.", "Try another."))
    with pytest.raises(RequestFailed, match="It cannot be"):
        await awaited.get()


async def test_only_the_first_outcome_counts() -> None:
    awaited = Awaited[int]()
    awaited.give(1)
    awaited.refuse(Problem("No", "", ""))
    assert await awaited.get() == 1
