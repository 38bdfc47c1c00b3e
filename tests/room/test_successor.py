"""A change that needs another process loads it beside the one at work, where both fit; else after it, as ever."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import groupby

import anyio
import psutil
import pytest
from ledger_kit import GIB, Box, card, engine, open_box
from room_kit import gone, kill, wait_for

from engineroom import connect
from ipc import control
from ipc.control import UpdateItem, Watch
from ipc.errors import ConnectionFailed, EngineDied, RequestFailed
from ipc.snapshot import EngineChanged, JobChanged, Scalar, Update
from ipc.states import Ready, Stopping

ROOMY = "[memory]\nhigh = 0.97\ncritical = 0.99\nreturn_limit = 2\n"


USUAL = {"joining": True, "parallel": 2, "load_seconds": 0.6}
"""It takes a moment to load, and its units join."""


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    """One room for all: each test leaves the engine at work, with whatever settings."""
    others = engine("writer", 4, min_residency=0) + engine("voice", 0.05, gpu="cpu")
    with open_box(engine("ears", 2, **USUAL) + others + ROOMY, card(0)) as box:
        yield box


@pytest.fixture
def first(box: Box) -> int:
    """The process that is at work as the test begins."""
    ask(box, control.Start("ears"))
    assert shares(box) == ["ears"]
    return int(box.room.engine("ears")["pid"])


@pytest.fixture
def told(box: Box) -> Callable[[str], list[str]]:
    """The sentences about the engine with a word, of this test."""
    before = box.room.happenings()[-1]["sequence"]

    def since(word: str) -> list[str]:
        return [
            one["text"]
            for one in box.room.happenings()
            if one["word"] == word and one["about"] == "ears" and one["sequence"] > before
        ]

    return since


@contextmanager
def flying(box: Box, units: int) -> Iterator[str]:
    """A job that is under way, and hurries up afterwards; then it is done, with each unit once and in order."""
    put(box, seconds_per_unit=0.05)
    job = box.submit("ears", units)
    wait_for(lambda: box.room.job(job)["units_done"], "it flies")
    yield job
    put(box, seconds_per_unit=0)
    row = box.await_job(job, "done")
    assert (row["units_done"], row["units_failed"]) == (units, 0)
    with open(row["output"]) as output:
        assert [json.loads(line)["id"] for line in output] == [str(n + 1) for n in range(units)]


def ask(box: Box, command: control.OneAnswer) -> control.Answer:
    """The answer to one command. Raises RequestFailed."""

    async def wish() -> control.Answer:
        async with connect(str(box.room.state)) as client:
            return await client.ask(command)

    return anyio.run(wish)


def answer(box: Box, payload: dict[str, str]) -> None:
    """Ask the engine, as a person does. Raises EngineDied."""

    async def wish() -> None:
        async with (
            connect(str(box.room.state)) as client,
            client.stream(control.Ask("ears", json.dumps(payload))) as it,
        ):
            async for _ in it:
                pass

    anyio.run(wish)


def put(box: Box, engine: str = "ears", /, **changes: Scalar) -> str:
    """Change settings; the price that was paid. Raises RequestFailed."""
    price = ask(box, control.SetKnobs(engine, changes, False))
    assert isinstance(price, control.Price)
    return price.text


@contextmanager
def setting(box: Box, **changes: Scalar) -> Iterator[Future[str]]:
    """An operator who has asked for changes and waits for the outcome."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(partial(put, box, **changes))


@contextmanager
def watching(box: Box) -> Iterator[list[Update]]:
    """Everything that the supervisor tells meanwhile."""
    told: list[Update] = []
    over = threading.Event()

    async def watch() -> None:
        async with connect(str(box.room.state)) as client, client.stream(Watch()) as items:
            async for item in items:
                assert isinstance(item, UpdateItem)
                told.append(item.update)
                if over.is_set():
                    return

    thread = threading.Thread(target=anyio.run, args=(watch,))
    thread.start()
    wait_for(lambda: told, "the watch begins")
    try:
        yield told
    finally:
        over.set()
        thread.join()


def await_beside(box: Box) -> None:
    """Wait until a successor loads."""
    wait_for(lambda: " beside " in box.room.engine("ears")["beside"], "it loads beside")


def successor(box: Box) -> psutil.Process:
    """The process that loads beside the engine's own."""
    own = box.room.engine("ears")["pid"]
    return wait_for(
        lambda: next((one for name, one in box.room.processes().items() if "ears" in name and one.pid != own), None),
        "a second process",
    )


def in_force(box: Box, knob: str) -> object:
    return next(one["value"] for one in box.room.json("knobs", "ears") if one["name"] == knob)


def kept(box: Box, knob: str) -> object:
    """What the next supervisor would know of; None for what the configuration says."""
    path = box.room.state / "set.json"
    return json.loads(path.read_text())["engines"].get("ears", {}).get(knob) if path.exists() else None


def shares(box: Box) -> list[str]:
    return [f"{one['engine']} {one['role']}".strip() for one in box.book(0)["shares"]]


def test_work_never_pauses_while_a_process_is_changed(box: Box, first: int, told: Callable[[str], list[str]]) -> None:
    room = box.room
    price = room.run("set", "ears", "stderr_bytes=1", "--dry-run").stdout
    assert "stderr_bytes 0 → 1: loads beside the old one, ~" in price
    assert "2.0 GiB for that time (GPU 0" in price
    with watching(box) as news, flying(box, 600) as job, setting(box, stderr_bytes=1) as client:
        begun = len(news)
        client.result(30)
        assert room.job(job)["state"] == "running", "the change was made before the end of the work"
        assert (room.engine("ears")["pid"], in_force(box, "stderr_bytes")) != (first, 0)
        wait_for(lambda: gone(first), "the former process leaves")
        meanwhile = news[begun:]
    rows = [one.row for one in meanwhile if isinstance(one, EngineChanged) and one.row.name == "ears"]
    assert {type(row.state) for row in rows} == {Ready}
    notes = [row.beside for row in rows if row.beside]
    assert any(note.startswith("stderr_bytes 1 loads beside 0, ") and note.endswith(" %") for note in notes)
    assert any("its former process" in note for note in notes)
    (placed,) = told("engine-placed")
    assert placed.startswith("ears' successor goes to GPU 0, the only one")
    flying_units = [one.row.units_flying for one in meanwhile if isinstance(one, JobChanged) and one.row.units_done]
    assert len(flying_units) > 10
    idle = [len(list(run)) for nothing, run in groupby(flying_units, lambda units: not units) if nothing]
    assert max(idle, default=0) < len(flying_units) / 4, "more than a moment with nothing to do"
    runs = room.json("job", "show", job)["runs"]
    assert {run["settings"]["stderr_bytes"] for run in runs if run["units"]} == {0, 1}
    assert kept(box, "stderr_bytes") == 1
    assert wait_for(lambda: told("memory-freed"), "its bytes are back")[0].startswith(
        "ears' former process freed 2.0 GiB"
    )
    assert shares(box) == ["ears"]
    assert room.engine("ears")["restarts"] == 0
    assert len(told("successor-loading")) == len(told("handed-over")) == 1


def test_settings_that_do_not_work_leave_everything_as_it_was(
    box: Box, first: int, told: Callable[[str], list[str]]
) -> None:
    room, before = box.room, in_force(box, "stderr_bytes")
    for changes, said in (
        ({"stderr_bytes": 2, "fail_load": "no such file"}, "no such file"),
        ({"crash_at_start": True}, "exited with code 1 while it took its new settings"),
    ):
        with pytest.raises(RequestFailed, match=said):
            put(box, **changes)
        assert said in told("successor-given-up")[-1]
    row = room.engine("ears")
    assert (row["pid"], row["state"], row["restarts"]) == (first, "ready", 0)
    assert (in_force(box, "stderr_bytes"), kept(box, "fail_load")) == (before, None)
    assert (told("handed-over"), told("stepped-down")) == ([], [])


@pytest.mark.parametrize("death", ["a stranger's", "memory"])
def test_a_successor_that_dies_of_something_else_leaves_the_change_to_the_usual_way(
    box: Box, first: int, told: Callable[[str], list[str]], death: str
) -> None:
    if death == "memory":  # as the guess of a model that never loaded may be wrong
        put(box, stderr_bytes=15, load_bytes=7 * GIB, appraised_bytes=GIB)
        assert in_force(box, "load_bytes") == 7 * GIB
    else:
        with setting(box, stderr_bytes=14, load_seconds=2) as client:
            await_beside(box)
            kill(successor(box).pid)
            client.result(30)
        assert in_force(box, "stderr_bytes") == 14
    assert ("out of memory" if death == "memory" else "SIGKILL") in told("successor-given-up")[0]
    assert not told("handed-over")
    assert not told("stepped-down")
    assert box.room.engine("ears")["pid"] != first
    put(box, load_seconds=0.6, load_bytes=None, appraised_bytes=None)


def test_a_second_change_waits_for_the_first(box: Box, first: int, told: Callable[[str], list[str]]) -> None:
    with setting(box, stderr_bytes=3) as one, setting(box, stderr_bytes=4) as other:
        one.result(30), other.result(30)
    assert len(told("handed-over")) == 2
    assert not told("successor-given-up")
    assert kept(box, "stderr_bytes") == in_force(box, "stderr_bytes")
    wait_for(lambda: gone(first) and shares(box) == ["ears"], "one process stays")


@pytest.mark.parametrize(("knob", "value"), [("restarts_within", 50), ("seconds_per_unit", 0.04)])
def test_what_needs_no_other_process_waits_for_none_and_holds_in_the_next_one_too(
    box: Box, first: int, told: Callable[[str], list[str]], knob: str, value: float
) -> None:
    wanted = 0 if in_force(box, "stderr_bytes") else 1
    with setting(box, stderr_bytes=wanted, load_seconds=5) as client:
        await_beside(box)
        put(box, **{knob: value})
        assert in_force(box, knob) == kept(box, knob) == value
        assert in_force(box, "stderr_bytes") != wanted, "the other change is still on its way"
        client.result(30)
    assert len(told("handed-over")) == 1
    assert (in_force(box, "stderr_bytes"), in_force(box, knob)) == (wanted, value)
    put(box, load_seconds=0.6, **{knob: None})


def test_the_process_at_work_may_die_meanwhile(box: Box, first: int, told: Callable[[str], list[str]]) -> None:
    with flying(box, 200), setting(box, stderr_bytes=5) as client:
        await_beside(box)
        kill(first)
        client.result(30)
    assert len(told("handed-over")) == 1
    wait_for(lambda: shares(box) == ["ears"], "whatever was started meanwhile is gone")


def test_an_engine_that_ran_out_of_memory_does_not_wait_for_its_successor(
    box: Box, first: int, told: Callable[[str], list[str]]
) -> None:
    with setting(box, stderr_bytes=20, load_seconds=3) as client:
        await_beside(box)
        with pytest.raises(EngineDied):
            answer(box, {"prompt": "?", "habit": "oom"})
        client.result(30)
    assert told("successor-given-up") == ["ears gives its successor up: it has to find room anew"]
    assert not told("handed-over")
    assert (in_force(box, "parallel"), in_force(box, "stderr_bytes")) == (1, 20)
    put(box, ladder="reset", load_seconds=0.6)
    assert in_force(box, "parallel") == 2


def test_a_successor_gives_way_to_others_and_the_change_is_made_after_it(
    box: Box, first: int, told: Callable[[str], list[str]]
) -> None:
    with flying(box, 200), setting(box, stderr_bytes=6, load_seconds=2) as client:
        wait_for(lambda: "ears successor" in shares(box), "it has its claim")
        ask(box, control.Start("writer"))
        client.result(30)
    assert "writer needs ~4.0 GiB" in told("engine-evicted")[0]
    assert told("successor-given-up") == ["ears gives its successor up: its memory is wanted"]
    assert not told("handed-over")
    assert in_force(box, "stderr_bytes") == 6
    ask(box, control.Stop("writer"))
    put(box, load_seconds=0.6)


@pytest.mark.parametrize("wish", ["stop", "restart"])
def test_the_operator_may_change_their_mind(box: Box, first: int, told: Callable[[str], list[str]], wish: str) -> None:
    wanted = 7 if wish == "stop" else 8
    with setting(box, stderr_bytes=wanted, load_seconds=60 if wish == "stop" else 2) as client:
        await_beside(box)
        heir = successor(box)
        ask(box, control.Stop("ears") if wish == "stop" else control.Restart("ears"))
        client.result(30)
    wait_for(lambda: gone(heir.pid) and gone(first), "both are gone")
    assert len(told("successor-given-up")) == 1
    assert (in_force(box, "stderr_bytes"), kept(box, "stderr_bytes")) == (wanted, wanted)
    assert box.room.engine("ears")["state"] == ("stopped" if wish == "stop" else "ready")
    put(box, load_seconds=0.6)


def test_what_is_deterministic_lands_before_the_handover(
    box: Box, first: int, told: Callable[[str], list[str]]
) -> None:
    put(box, deterministic=True, joining=False, parallel=4)
    with flying(box, 400) as job:
        put(box, stderr_bytes=9)
        assert box.room.job(job)["state"] == "running"
    assert told("handed-over") == ["ears works with stderr_bytes = 9"]


def test_what_does_not_fit_beside_loads_after_it(box: Box, first: int, told: Callable[[str], list[str]]) -> None:
    price = box.room.run("set", "ears", f"load_bytes={7 * GIB}", "stderr_bytes=10", "--dry-run").stdout
    assert "loads after the old one, both do not fit at once: work waits ~" in price
    with watching(box) as news, flying(box, 200):
        put(box, load_bytes=7 * GIB, stderr_bytes=10)
        assert box.room.engine("ears")["pid"] != first
    assert Stopping in {type(one.row.state) for one in news if isinstance(one, EngineChanged)}
    assert not told("successor-loading")


def test_a_process_on_the_cpu_is_changed_beside_it_too(box: Box) -> None:
    ask(box, control.Start("voice"))
    assert "loads beside the old one" in put(box, "voice", stderr_bytes=7)
    assert box.told("handed-over", "voice") == ["voice works with stderr_bytes = 7"]


def test_the_supervisor_may_die_meanwhile_and_what_was_kept_counts(box: Box) -> None:
    room = box.room
    put(box, stderr_bytes=11, load_bytes=GIB)
    ask(box, control.Start("ears"))
    before = kept(box, "stderr_bytes")
    with setting(box, stderr_bytes=12, load_seconds=60) as client:
        await_beside(box)
        successor(box)
        children = [one.pid for one in room.processes().values()]
        kill(room.supervisor_pid())
        assert isinstance(client.exception(30), ConnectionFailed)
    wait_for(lambda: all(gone(pid) for pid in children), "all of them die with it")
    wait_for(lambda: room.run("status", code=None).returncode == 0, "its keeper brings another")
    assert before == 11
    assert in_force(box, "stderr_bytes") == kept(box, "stderr_bytes") == 11


def test_going_down_ends_both(box: Box) -> None:
    ask(box, control.Start("ears"))
    with setting(box, stderr_bytes=13, load_seconds=60) as client:
        await_beside(box)
        children = [one.pid for one in box.room.processes().values()]
        box.room.run("down")
        client.exception(30)
    assert all(gone(pid) for pid in children)
