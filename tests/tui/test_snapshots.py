"""How it looks, compared cell by cell with what a person has seen and found good (`pytest --snapshot-update`)."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import scenery
from scripted import Box
from textual.pilot import Pilot

from ipc import control
from ipc.errors import Problem
from ipc.snapshot import EngineChanged
from tui.app import Dashboard
from tui.context import Context
from tui.store import Store

Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def _in_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Direct:
    """The scripted box without a socket: snapshots are not about the wire."""

    def __init__(self) -> None:
        self._box = Box()

    async def ask(self, command: control.OneAnswer) -> control.Answer:
        return await self._box.answer(command)

    @asynccontextmanager
    async def stream(self, command: control.Streaming) -> AsyncGenerator[AsyncIterator[control.Item]]:
        yield self._box.items(command)


def dashboard(theme: str = "night", *, readonly: bool = False, lost: bool = False) -> Dashboard:
    """Half a minute into a scripted day."""
    store = Store(scenery.snapshot())
    for second in range(1, 31):
        rate = 212.4 - 9.0 * (second * 7 % 11)
        store.fold(EngineChanged(msgspec.structs.replace(scenery.ENGINES[0], tokens_per_second=rate)))
        store.fold(scenery.tick(second))
    if lost:
        store.lose(Problem("Connection ended", "The supervisor ended the connection.", "It is tried again."))
    app = Dashboard(Context(store, Direct(), readonly))
    app.theme = theme
    return app


async def settle(pilot: Pilot[None]) -> None:
    """Until what was asked is on screen."""
    for _ in range(3):
        await pilot.pause(0.05)


WIDE, NARROW, TINY = (120, 34), (80, 24), (40, 10)


@pytest.mark.parametrize("size", [WIDE, NARROW, TINY], ids=["wide", "narrow", "tiny"])
def test_overview(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(), terminal_size=size)


def test_overview_by_day_with_marks(snap_compare: Compare) -> None:
    assert snap_compare(dashboard("day"), press=["j", "space", "space"], terminal_size=WIDE)


def test_overview_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(), terminal_size=WIDE)


def test_cut_off_and_read_only(snap_compare: Compare) -> None:
    assert snap_compare(dashboard(readonly=True, lost=True), terminal_size=WIDE)


@pytest.mark.parametrize("size", [WIDE, NARROW, TINY], ids=["wide", "narrow", "tiny"])
def test_knobs(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def change(pilot: Pilot[None]) -> None:
        await pilot.press("e")
        await settle(pilot)
        await pilot.press("j", "right", "right")
        await pilot.pause(0.3)

    assert snap_compare(dashboard(), run_before=change, terminal_size=size)


PLACES = {
    "question": ["tab", "j", "x"],
    "help": ["question_mark"],
    "log": ["l"],
    "job": ["tab", "enter"],
    "new_job": ["n"],
}


@pytest.mark.parametrize("keys", PLACES.values(), ids=PLACES)
def test_place(snap_compare: Compare, keys: list[str]) -> None:
    async def go(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await settle(pilot)

    assert snap_compare(dashboard(), run_before=go, terminal_size=NARROW)
