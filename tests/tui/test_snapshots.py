"""How it looks, compared cell by cell with what a person has seen and found good (`pytest --snapshot-update`)."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import anyio
import booked
import msgspec
import pytest
import scenery
from scripted import Box, text_of, worked_box
from textual.pilot import Pilot

from ipc import control
from ipc.errors import EngineDied, EngineRoomError, Problem
from ipc.feeding import Fed
from ipc.snapshot import NO_FLEET, EngineChanged, GpuReading, Tick
from tui.app import Dashboard
from tui.context import Context
from tui.store import Store
from tui.widgets.message_field import MessageField

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

    def __init__(self, price: control.Price | None = None, box: Box | None = None) -> None:
        self._box = box or Box()
        self._box.price = price

    async def ask(self, command: control.OneAnswer) -> control.Answer:
        return await self._box.answer(command)

    @asynccontextmanager
    async def stream(self, command: control.Streaming) -> AsyncGenerator[AsyncIterator[control.Item]]:
        yield self._box.items(command, Fed())


def dashboard(
    theme: str = "night",
    *,
    readonly: bool = False,
    lost: bool = False,
    gpus: tuple[GpuReading, ...] = (),
    box: Box | None = None,
) -> Dashboard:
    """Half a minute into a scripted day."""
    fleet = scenery.FLEET if gpus else NO_FLEET
    store = Store(scenery.snapshot(gpus, fleet))
    _half_a_minute(store, lambda second: scenery.tick(second, gpus, fleet))
    if lost:
        store.lose(Problem("Connection ended", "The supervisor ended the connection.", "It is tried again."))
    app = Dashboard(Context(store, Direct(box=box), readonly))
    app.theme = theme
    return app


def pooled_dashboard() -> Dashboard:
    """The same half minute with two pools."""
    quiet = msgspec.structs.replace(scenery.POOL, name="pens", route="writer scratch", languages={}, hits=0, misses=0)
    pools = (scenery.POOL, quiet)
    store = Store(msgspec.structs.replace(scenery.snapshot(), pools=pools))
    _half_a_minute(store, lambda second: scenery.tick(second, pools=pools))
    return Dashboard(Context(store, Direct(), False))


def booked_dashboard(*, price: control.Price | None = None) -> Dashboard:
    """The same half minute with a ledger."""
    store = Store(booked.booked())
    _half_a_minute(store, booked.booked_tick)
    return Dashboard(Context(store, Direct(price), False))


def worked_dashboard() -> Dashboard:
    """The same half minute with jobs of every kind."""
    box = worked_box()
    store = Store(box.snapshot)
    _half_a_minute(store, lambda second: scenery.tick(second, scenery.GPUS, scenery.FLEET))
    return Dashboard(Context(store, Direct(box=box), False))


def _half_a_minute(store: Store, tick: Callable[[int], Tick]) -> None:
    writer = store.engines["writer"]
    for second in range(1, 31):
        rate = 212.4 - 9.0 * (second * 7 % 11)
        store.fold(EngineChanged(msgspec.structs.replace(writer, tokens_per_second=rate)))
        store.fold(tick(second))


async def until(pilot: Pilot[None], part: str, text: str) -> None:
    """Until what was asked for is on screen."""
    with anyio.fail_after(20):
        while text not in text_of(pilot.app.screen, part):
            await pilot.pause(0.01)
    await pilot.pause()


WIDE, NARROW, TINY = (120, 34), (80, 24), (40, 10)
HIGH, HUGE = (120, 56), (200, 50)


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
@pytest.mark.parametrize("gpus", [scenery.GPUS, scenery.EIGHT], ids=["two", "eight"])
def test_gpus(snap_compare: Compare, gpus: tuple[GpuReading, ...], size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(gpus=gpus), terminal_size=size)


def test_gpus_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(gpus=scenery.GPUS), terminal_size=WIDE)


def test_all_that_is_known_of_gpus(snap_compare: Compare) -> None:
    async def go(pilot: Pilot[None]) -> None:
        await pilot.press("d")
        await until(pilot, "text", "none of ours")

    assert snap_compare(dashboard(gpus=scenery.EIGHT), run_before=go, terminal_size=NARROW)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_pools(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(pooled_dashboard(), terminal_size=size)


SPEECHES: list[Sequence[str | anyio.Event | EngineRoomError]] = [
    ["A token is a small piece of text, often a word or a part of a word. ", "The model reads and writes tokens."],
    ["Two things:\n\n  1. it is counted, and what is counted can be paid for;\n  2. ", "漢字 take several.\n"],
    [
        "Once upon ",
        EngineDied(Problem("Engine died", "writer: killed by signal 9.", "Ask again."), "Once upon a time "),
    ],
]


@pytest.mark.parametrize("size", [WIDE, NARROW, TINY], ids=["wide", "narrow", "tiny"])
def test_chat(snap_compare: Compare, size: tuple[int, int]) -> None:
    box = Box()
    box.speeches = [*SPEECHES]

    async def talk(pilot: Pilot[None]) -> None:
        await pilot.press("c")
        field = pilot.app.screen.query_one(MessageField)
        field.cursor_blink = False
        for text, end in (("What is a token?", "7 tokens"), ("Why?", "several"), ("Tell\na story", "died · ~2")):
            field.text = text
            await pilot.press("enter")
            await until(pilot, "text", end)
        field.text = "typed, and not sent"

    app = dashboard(box=box)
    assert snap_compare(app, run_before=talk, terminal_size=size)


@pytest.mark.parametrize("size", [WIDE, NARROW, TINY], ids=["wide", "narrow", "tiny"])
def test_knobs(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def change(pilot: Pilot[None]) -> None:
        await pilot.press("e")
        await until(pilot, "knobs", "deterministic")
        await pilot.press("j", "right", "right")
        await until(pilot, "feet", "parallel → 6")

    assert snap_compare(dashboard(), run_before=change, terminal_size=size)


@pytest.mark.parametrize("size", [WIDE, NARROW, TINY, HUGE], ids=["wide", "narrow", "tiny", "huge"])
def test_ledger(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(booked_dashboard(), terminal_size=size)


def test_ledger_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(booked_dashboard(), terminal_size=WIDE)


@pytest.mark.parametrize("size", [HIGH, NARROW], ids=["wide", "narrow"])
def test_the_books_in_full(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def go(pilot: Pilot[None]) -> None:
        await pilot.press("d")
        await until(pilot, "text", "free for new claims")

    assert snap_compare(booked_dashboard(), run_before=go, terminal_size=size)


@pytest.mark.parametrize("size", [WIDE, NARROW, TINY], ids=["wide", "narrow", "tiny"])
def test_a_price_that_others_pay(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def change(pilot: Pilot[None]) -> None:
        await pilot.press("e")
        await until(pilot, "knobs", "deterministic")
        await pilot.press("j", "right", "right")
        await until(pilot, "feet", "unloads")

    assert snap_compare(booked_dashboard(price=booked.DEAR), run_before=change, terminal_size=size)


def test_an_engine_with_an_alarm(snap_compare: Compare) -> None:
    async def go(pilot: Pilot[None]) -> None:
        await pilot.press("j", "l")
        await until(pilot, "text", "long long")

    assert snap_compare(booked_dashboard(), run_before=go, terminal_size=NARROW)


PLACES = {
    "question": (["tab", "j", "x"], "question", "will not be done"),
    "help": (["question_mark"], "help", "restart"),
    "log": (["l"], "text", "long long"),
    "new_job": (["n"], "inputs", "/data/prompts.jsonl"),
}


@pytest.mark.parametrize(("keys", "part", "text"), PLACES.values(), ids=PLACES)
def test_place(snap_compare: Compare, keys: list[str], part: str, text: str) -> None:
    async def go(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await until(pilot, part, text)

    assert snap_compare(dashboard(), run_before=go, terminal_size=NARROW)


@pytest.mark.parametrize("size", [WIDE, NARROW, TINY, HUGE], ids=["wide", "narrow", "tiny", "huge"])
def test_jobs(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(worked_dashboard(), press=["tab", "j"], terminal_size=size)


def test_jobs_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(worked_dashboard(), press=["tab", "j"], terminal_size=WIDE)


def opened(*keys: str, part: str = "body", text: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """On the screen of the book, after these keys, when `part` shows `text`."""

    async def go(pilot: Pilot[None]) -> None:
        await pilot.press("tab", "j", "j", "j", "enter")
        await until(pilot, "keys", "esc back")
        await until(pilot, "body", "units")
        await pilot.press(*keys)
        await until(pilot, part, text)

    return go


@pytest.mark.parametrize("size", [WIDE, NARROW, HUGE], ids=["wide", "narrow", "huge"])
def test_a_job(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(worked_dashboard(), run_before=opened(text="02:14:33"), terminal_size=size)


@pytest.mark.parametrize("size", [WIDE, NARROW, TINY], ids=["wide", "narrow", "tiny"])
def test_a_problem_of_a_job(snap_compare: Compare, size: tuple[int, int]) -> None:
    go = opened("tab", "j", text="#731")
    assert snap_compare(worked_dashboard(), run_before=go, terminal_size=size)


def test_a_unit_of_a_job(snap_compare: Compare) -> None:
    go = opened("number_sign", *"730", "enter", part="pane", text="#730")
    assert snap_compare(worked_dashboard(), run_before=go, terminal_size=NARROW)


QUESTIONS = {
    "redo": (["tab", "j", "j", "j", "enter", "tab", "tab", "j", "o"], "again?"),
    "clear": (["tab", *"jjjjjjj", "space", "space", "space", "X"], "exist nowhere else"),
    "move": (["tab", "j", "j", "j", "m"], "voice-small"),
}


@pytest.mark.parametrize(("keys", "text"), QUESTIONS.values(), ids=QUESTIONS)
def test_what_is_asked_about_jobs(snap_compare: Compare, keys: list[str], text: str) -> None:
    async def go(pilot: Pilot[None]) -> None:
        for key in keys:
            await pilot.press(key)
            if key == "enter":
                await until(pilot, "body", "units")
        await until(pilot, "question", text)

    assert snap_compare(worked_dashboard(), run_before=go, terminal_size=NARROW)
