"""The bridge over a real socket: it attaches, says when it is cut off, and attaches again."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec
import pytest
import scenery
from scripted import Box, connecting, serving

from ipc import control, states
from ipc.errors import ConnectionFailed
from ipc.snapshot import EngineChanged
from tui.bridge import PUBLISH_SECONDS, Bridge

pytestmark = pytest.mark.anyio


class Publications:
    """Counts publications, and lets a test wait for the next."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self._next = anyio.Event()

    def __call__(self) -> None:
        self.moments.append(anyio.current_time())
        self._next.set()
        self._next = anyio.Event()

    async def next(self) -> None:
        with anyio.fail_after(10):
            await self._next.wait()


async def test_it_starts_with_a_snapshot_and_folds_what_comes(tmp_path: Path) -> None:
    box, published = Box(), Publications()
    async with serving(box, tmp_path / "socket"):
        bridge = Bridge(connecting(tmp_path / "socket"))
        async with bridge.running() as store:
            bridge.publish_to(published)
            assert set(store.engines) == {row.name for row in scenery.ENGINES}
            box.publish(EngineChanged(scenery.engine("writer", states.Cold(1, 0))))
            while store.engines["writer"].state != states.Cold(1, 0):
                await published.next()
            assert await bridge.ask(control.Start("writer")) == control.Done("It is so.")


async def test_without_a_supervisor_it_does_not_start(tmp_path: Path) -> None:
    bridge = Bridge(connecting(tmp_path / "socket"))
    with pytest.raises(ConnectionFailed, match="Nothing listens"):
        async with bridge.running():
            pytest.fail("there is nothing to attach to")


async def test_it_attaches_again_and_shows_the_new_truth(tmp_path: Path) -> None:
    box, published, path = Box(), Publications(), tmp_path / "socket"
    async with anyio.create_task_group() as group:
        first = await group.start(_serve, box, path)
        bridge = Bridge(connecting(path))
        async with bridge.running() as store:
            bridge.publish_to(published)
            first.cancel()
            while store.lost is None:
                await published.next()
            assert store.engines
            with pytest.raises(ConnectionFailed, match="cannot be reached"):
                await bridge.ask(control.Start("writer"))
            with pytest.raises(ConnectionFailed, match="cannot be reached"):
                async with bridge.stream(control.Logs("writer", 1, False)):
                    pytest.fail("there is no connection")
            other = Box()
            other.snapshot = msgspec.structs.replace(box.snapshot, engines=scenery.ENGINES[:2])
            second = await group.start(_serve, other, path)
            while store.lost is not None:
                await published.next()
            assert set(store.engines) == {"writer", "scratch"}
            assert await bridge.ask(control.Start("writer")) == control.Done("It is so.")
        second.cancel()


async def test_a_flood_is_published_at_most_ten_times_a_second(tmp_path: Path) -> None:
    box, published = Box(), Publications()
    async with serving(box, tmp_path / "socket"):
        bridge = Bridge(connecting(tmp_path / "socket"))
        async with bridge.running() as store:
            bridge.publish_to(published)
            for number in range(3000):
                box.publish(EngineChanged(scenery.engine("writer", states.Cold(number, 0))))
            while store.engines["writer"].state != states.Cold(2999, 0):
                await published.next()
    pauses = [after - before for before, after in zip(published.moments, published.moments[1:], strict=False)]
    assert len(published.moments) < 60
    assert all(pause >= PUBLISH_SECONDS * 0.9 for pause in pauses)


async def _serve(box: Box, path: Path, *, task_status: anyio.abc.TaskStatus[anyio.CancelScope]) -> None:
    with anyio.CancelScope() as scope:
        async with serving(box, path):
            task_status.started(scope)
            await anyio.sleep_forever()
