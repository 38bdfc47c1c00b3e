"""Interactive requests: before any unit, streamed, never asked twice, and refused where nobody can answer."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from job_site import site

from ipc import control, work
from ipc.errors import EngineDied, RequestFailed
from supervisor.jobs.floor import EngineView

pytestmark = pytest.mark.anyio


async def test_an_ask_goes_before_any_unit_and_streams(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        await it.submit(4)
        await it.plan()
        engine, batch = await it.flight()
        items: list[control.Piece | control.Answered] = []

        async def ask() -> None:
            items.extend([item async for item in it.foreman.answering.ask("writer", '{"prompt": "?"}')])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            it.do(engine, batch)
            it.land(engine, batch)
            engine, flight = await it.flight()
            assert (flight.stream, [order.payload for order in flight.units]) == (True, ['{"prompt": "?"}'])
            it.foreman.said(engine, work.Piece(flight.flight, "", 0, "for"))
            it.foreman.said(engine, work.Piece(flight.flight, "", 0, "ty"))
            it.foreman.said(engine, work.UnitDone(flight.flight, "", 0, '"forty"', 2, 0.5, 0.1))
            it.land(engine, flight)
        assert items == [control.Piece("forty"), control.Answered('"forty"', 2, 0.5, 0.1)]
        await it.fly_all(2)


async def test_an_ask_dies_with_its_engine_and_keeps_the_text_so_far(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        stream = it.foreman.answering.ask("writer", "{}")
        async with anyio.create_task_group() as tasks:
            died: list[EngineDied] = []

            async def ask() -> None:
                with pytest.raises(EngineDied) as caught:
                    async for _ in stream:
                        pass
                died.append(caught.value)

            tasks.start_soon(ask)
            engine, flight = await it.flight()
            it.foreman.said(engine, work.Piece(flight.flight, "", 0, "half a sen"))
            it.lose(engine, flight, "own")
        assert died[0].text == "half a sen"
        assert died[0].problem.detail == "writer crashed with SIGSEGV."
        assert len(it.floor.flown) == 1, "it is never silently asked again"


async def test_leaving_an_ask_cancels_its_flight(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        async with anyio.create_task_group() as tasks:

            async def ask() -> None:
                async for _ in it.foreman.answering.ask("writer", "{}"):
                    raise AssertionError("nothing was said")

            tasks.start_soon(ask)
            engine, flight = await it.flight()
            tasks.cancel_scope.cancel()
        assert it.floor.cancelled == [(engine, flight.flight)]


async def test_an_ask_of_an_engine_that_cannot_be_had_is_refused(tmp_path: Path) -> None:
    why = "writer is stopped by the operator: engineroom start writer"
    async with site(tmp_path, EngineView("writer", 2, False, False, False, why)) as it:
        with pytest.raises(RequestFailed, match=why):
            await anext(aiter(it.foreman.answering.ask("writer", "{}")))
        with pytest.raises(RequestFailed, match="Did you mean 'writer'"):
            await anext(aiter(it.foreman.answering.ask("writers", "{}")))
