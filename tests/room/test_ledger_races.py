"""What comes at once, in a bad order, or while something else is under way: the ledger stays true."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from subprocess import DEVNULL, Popen

import pytest
from ledger_kit import GIB, Box, card, engine, open_box
from room_kit import wait_for

ROOMY = "[memory]\nhigh = 0.97\ncritical = 0.99\nreturn_limit = 2\n"


def in_force(box: Box, name: str, knob: str) -> object:
    return next(one["value"] for one in box.room.json("knobs", name) if one["name"] == knob)


def claimed(box: Box, name: str) -> int:
    return sum(one["claimed_bytes"] for one in box.book(0)["shares"] if one["engine"] == name)


def test_a_restart_judges_by_the_card_without_the_process_that_left() -> None:
    config = engine("writer", 6, layers=12, gpu_layers=-2) + ROOMY
    with open_box(config, card(0)) as box:
        box.room.run("start", "writer")
        for _ in range(3):
            wait_for(lambda: box.held("writer") == {0: 6 * GIB}, "it holds its model")
            box.room.run("restart", "writer")
            assert box.room.engine("writer")["chosen"] == "12 of 12 layers"


def test_a_reload_before_the_bytes_were_back_is_not_taken_for_a_leak() -> None:
    config = engine("leaky", 3, leak_bytes=GIB, unload_depth="model", seconds_per_unit=0.2) + ROOMY
    with open_box(config, card(0)) as box:
        box.room.run("start", "leaky")
        wait_for(lambda: box.held("leaky") == {0: 3 * GIB}, "it holds its model")
        box.room.run("unload", "leaky")
        box.await_job(box.submit("leaky", 30), "done")
        assert not box.told("engine-died")
        assert not any("killed" in said for said in box.told("memory-kept"))


def test_a_job_for_any_engine_goes_to_the_one_that_finds_room() -> None:
    full = card(0, process=[{"pid": 51515, "name": "python3", "memory": "6 GiB"}])
    with open_box(engine("big", 20) + engine("small", 4) + ROOMY, full) as box:
        source = box.room.work / "any.jsonl"
        source.write_text('{"prompt": "1"}\n')
        job = box.room.submit("fake", str(source), "-o", f"{source}.out")
        box.await_job(job, "held")
        box.show(card(0))
        box.await_job(job, "done")


def test_a_change_during_a_drain_is_judged_like_any_other() -> None:
    config = engine("writer", 2, unit_bytes=GIB, seconds_per_unit=5) + engine("other", 2, pinned=True) + ROOMY
    with open_box(config, card(0)) as box:
        room = box.room
        room.run("start", "writer", "other")
        job = box.submit("writer", 2)
        wait_for(lambda: room.engine("writer")["units"], "it flies")
        with Popen(room.command("set", "writer", "parallel=2"), env=room.environment(), stdout=DEVNULL) as first:
            room.await_engine("writer", "draining")
            assert "GPU 0" in room.run("set", "writer", "parallel=6", code=1).stderr
            assert first.wait(30) == 0
        box.await_job(job, "done")
        assert not box.told("stepped-down")
        assert room.engine("writer")["parallel"] == 2


def test_changes_at_once_are_made_one_after_the_other() -> None:
    with open_box(engine("writer", 1, unit_bytes=GIB // 2) + ROOMY, card(0)) as box:
        box.room.run("start", "writer")
        with ThreadPoolExecutor(2) as pool:
            wishes = ("parallel=4", f"unit_bytes={GIB}")
            done = [pool.submit(box.room.run, "set", "writer", wish) for wish in wishes]
            assert [one.result().returncode for one in done] == [0, 0]
        assert claimed(box, "writer") == (1 + 4) * GIB


def test_a_client_that_goes_away_takes_nothing_back() -> None:
    with open_box(engine("writer", 1, unit_bytes=GIB, seconds_per_unit=8) + ROOMY, card(0)) as box:
        room = box.room
        room.run("start", "writer")
        box.submit("writer", 1)
        wait_for(lambda: room.engine("writer")["units"], "it flies")
        with Popen(room.command("set", "writer", "parallel=5"), env=room.environment(), stdout=DEVNULL) as client:
            room.await_engine("writer", "draining")
            client.kill()
        wait_for(lambda: room.engine("writer")["parallel"] == 5, "it is in force all the same")
        assert claimed(box, "writer") == 6 * GIB
        kept = room.state / "set.json"
        stored = wait_for(lambda: kept.exists() and json.loads(kept.read_text())["engines"], "it is kept")
        assert stored["writer"] == {"parallel": 5}


def test_what_the_operator_sets_is_not_masked_by_what_was_chosen() -> None:
    with open_box(engine("writer", 1), card(0)) as box:
        box.room.run("start", "writer")
        assert box.room.engine("writer")["unload_after_seconds"] == 600.0
        box.room.run("set", "writer", "unload_after=77")
        assert box.room.engine("writer")["unload_after_seconds"] == 77.0


def test_a_reset_of_the_ladder_that_fails_can_be_asked_again() -> None:
    config = engine("writer", 1, parallel=8, unit_bytes=int(1.2 * GIB), appraised_bytes=GIB)
    with open_box(config + engine("other", 3, pinned=True) + ROOMY, card(0, 12)) as box:
        room = box.room
        room.run("start", "other")
        box.await_job(box.submit("writer", 12), "done")
        assert room.engine("writer")["parallel"] == 4
        assert "expected `int` <= 64" in room.run("set", "writer", "ladder=reset", "parallel=999", code=1).stderr
        room.run("stop", "other")
        room.run("set", "writer", "ladder=reset")
        assert in_force(box, "writer", "parallel") == 8
        assert not (room.state / "set.json").exists() or "parallel" not in (room.state / "set.json").read_text()


@pytest.mark.parametrize("path", ["~nobody-of-that-name/model", "/tmp/\\u0000model"])
def test_a_setting_that_is_no_path_stops_nothing(path: str) -> None:
    with open_box(engine("writer", 1, fail_apply=path), card(0)) as box:
        pid = box.room.supervisor_pid()
        box.room.run("start", "writer")
        assert box.room.supervisor_pid() == pid


def test_engines_that_come_at_once_are_served_in_their_order() -> None:
    names = [f"e{number}" for number in range(6)]
    config = "".join(engine(name, 6, preload=True, pinned=name == "e0") for name in names)
    with open_box(config, card(0)) as box:
        box.room.await_engine("e0", "ready")
        others: Callable[[], bool] = lambda: all(box.room.engine(name)["hold"] for name in names[1:])  # noqa: E731
        wait_for(others, "the others are held")


def test_going_down_gives_nothing_out_any_more() -> None:
    config = engine("first", 6, preload=True) + engine("second", 6, preload=True)
    with open_box(config, card(0)) as box:
        box.room.await_engine("first", "ready")
        wait_for(lambda: box.room.engine("second")["hold"], "the second waits")
        box.room.run("down")
        log = (box.room.state / "supervisor.log").read_text()
        assert "second engine-placed" not in log
