"""What is unloaded and when, whether its bytes come back, who starts again: real children on a simulated box."""

from __future__ import annotations

import pytest
from ledger_kit import GIB, MIB, card, engine, open_box
from room_kit import wait_for

ROOMY = "[memory]\nhigh = 0.97\ncritical = 0.99\n"
"""So that pressure does not unload what a test wants to stay."""


@pytest.mark.parametrize("depth", ["exit", "model"])
def test_an_idle_engine_gives_its_memory_back_and_starts_again_when_wanted(depth: str) -> None:
    config = engine("writer", 3, unload_after=3, unload_depth=depth)  # seconds enough to be seen holding it
    with open_box(config, card(0)) as box:
        box.await_job(box.submit("writer"), "done")
        pid = box.room.engine("writer")["pid"]
        box.room.await_engine("writer", "stopped" if depth == "exit" else "cold")
        assert box.await_told("memory-freed", "writer").startswith("writer freed 3.0 GiB on GPU 0 in ")
        wait_for(lambda: box.book(0)["free_bytes"] == 8 * GIB - 256 * MIB, "all of it can be claimed again")
        box.await_job(box.submit("writer"), "done")
        assert (box.room.engine("writer")["pid"] == pid) == (depth == "model")


def test_how_far_and_when_it_unloads_is_changed_while_it_runs() -> None:
    with open_box(engine("writer", 3, unload_after=0), card(0)) as box:
        box.room.run("start", "writer")
        box.room.run("set", "writer", "unload_after=1s", "unload_depth=model")
        box.room.await_engine("writer", "cold")


def test_an_engine_that_the_operator_stopped_is_not_started_by_work() -> None:
    with open_box(engine("writer", 3), card(0)) as box:
        box.room.run("start", "writer")
        box.room.run("stop", "writer")
        id_ = box.submit("writer")
        row = wait_for(lambda: (r := box.room.job(id_))["state"] == "held" and r, "the job is held")
        assert "stopped by the operator" in row["reason"]
        box.room.run("start", "writer")
        box.await_job(id_, "done")


def test_the_one_that_idles_longest_makes_room_and_a_pinned_one_does_not() -> None:
    config = (
        engine("pinned", 2, pinned=True)
        + engine("older", 2, min_residency=0, load_seconds=1)  # so that a busy box does not decide whose load is dearer
        + engine("newer", 2, min_residency=0, load_seconds=1)
        + engine("wants", 3)
        + ROOMY
    )
    with open_box(config, card(0)) as box:
        room = box.room
        for name in ("pinned", "older", "newer"):
            room.run("start", name)
        wait_for(lambda: all(box.held(name) for name in ("pinned", "older", "newer")), "all three hold memory")
        price = room.json("load", "wants", "--dry-run")
        assert price["unloads"] == ["older"], price
        assert "unloads older (frees 2.0 GiB)" in price["text"]
        assert room.engine("older")["state"] == "ready", "a price is only told"
        room.run("start", "wants")
        assert {name: room.engine(name)["state"] for name in ("pinned", "older", "newer", "wants")} == {
            "pinned": "ready",
            "older": "stopped",
            "newer": "ready",
            "wants": "ready",
        }
        (evicted,) = box.told("engine-evicted")
        assert evicted.startswith("older is unloaded: idle ")
        assert "wants needs ~3.0 GiB" in evicted
        words = [one["word"] for one in room.happenings() if one["about"] in ("older", "wants")]
        assert words.index("engine-evicted") < words.index("engine-stopped"), "named before it goes"


def test_what_is_cheap_to_load_again_leaves_before_what_is_dear() -> None:
    config = (
        engine("dear", 3, min_residency=0, load_seconds=2)
        + engine("cheap", 3, min_residency=0)
        + engine("wants", 3, min_residency=0)
        + ROOMY
    )
    with open_box(config, card(0)) as box:
        box.room.run("start", "dear")
        box.room.run("start", "cheap")
        box.room.run("start", "wants")
        assert box.room.engine("cheap")["state"] == "stopped"
        assert box.room.engine("dear")["state"] == "ready"


def test_a_busy_engine_is_not_touched_and_the_other_waits_until_it_is_done() -> None:
    config = engine("busy", 5, min_residency=0, seconds_per_unit=0.4) + engine("wants", 5, min_residency=0)
    with open_box(config, card(0)) as box:
        first = box.submit("busy", 8)
        box.room.await_engine("busy", "ready")
        second = box.submit("wants")
        row = wait_for(lambda: (r := box.room.job(second))["state"] == "held" and r, "the second job is held")
        assert row["reason"].startswith("wants: GPU 0 ")
        assert "busy" in row["reason"]
        assert box.room.engine("wants")["hold"].startswith("memory: ")
        assert "busy" in box.room.run("start", "wants", code=1).stderr
        box.await_job(first, "done")
        box.await_job(second, "done")
        assert box.room.engine("busy")["restarts"] == 0
        assert not box.told("engine-died")


def test_minimum_residency_is_respected() -> None:
    with open_box(engine("young", 5, min_residency=3600) + engine("wants", 5), card(0)) as box:
        box.room.run("start", "young")
        assert "stays 3600 s at least" in box.room.run("start", "wants", code=1).stderr
        box.room.run("set", "young", "min_residency=0")
        box.room.run("start", "wants")
        assert box.room.engine("young")["state"] == "stopped"


def test_two_that_chase_each_other_raise_an_alarm() -> None:
    config = engine("writer", 5, min_residency=0) + engine("voice", 5, min_residency=0)
    with open_box(config, card(0)) as box:
        for name in ("writer", "voice") * 4:
            box.room.run("start", name)
        (alarm,) = wait_for(lambda: box.alarms("thrash"), "the alarm")
        assert "voice and writer swapped " in alarm["text"]
        assert "times in 10 min" in alarm["text"]


def test_a_leak_of_ours_is_ended_with_its_process() -> None:
    config = engine("leaky", 4, leak_bytes=2 * GIB, unload_depth="model", unload_after=0)
    with open_box(config + "[memory]\nreturn_limit = 1\n", card(0)) as box:
        box.room.run("start", "leaky")
        wait_for(lambda: box.held("leaky") == {0: 4 * GIB}, "it holds its model")
        box.room.run("unload", "leaky")
        assert "still holds 2.0 GiB on GPU 0 after its unload: its process is ended" in box.await_told("memory-kept")
        box.room.await_engine("leaky", "stopped")
        assert box.await_told("memory-freed", "leaky").startswith("leaky freed 4.0 GiB")
        assert not box.alarms("leak")
        assert box.book(0)["withheld_bytes"] == 0


def test_memory_that_nobody_gives_back_is_named_and_withheld_until_it_comes_back() -> None:
    config = engine("ended", 4, leak_bytes=3 * GIB, leak_stays=True) + engine("next", 6)
    with open_box(config + "[memory]\nreturn_limit = 1\n", card(0)) as box:
        room = box.room
        room.run("start", "ended")
        pid = room.engine("ended")["pid"]
        wait_for(lambda: box.held("ended") == {0: 4 * GIB}, "it holds its model")
        room.run("stop", "ended")
        said = box.await_told("memory-leaked", "ended")
        assert "3.0 GiB on GPU 0 did not come back after ended was unloaded" in said
        assert f"pid {pid} (3.0 GiB)" in said
        (alarm,) = wait_for(lambda: box.alarms("leak"), "the alarm")
        assert alarm["about"] == "ended"
        book = wait_for(lambda: (b := box.book(0))["withheld_bytes"] and b, "it is withheld")
        assert book["withheld_bytes"] == 3 * GIB
        assert book["withheld_why"].startswith("did not come back ")
        assert "GPU 0" in room.run("start", "next", code=1).stderr
        box.hold(pid, "GPU-0", 0)
        assert "came back" in box.await_told("memory-came-back")
        assert not box.alarms("leak")
        room.run("start", "next")


def test_what_a_footprint_was_measured_to_be_is_used_next_time() -> None:
    with open_box(engine("writer", 5, appraised_bytes=GIB), card(0)) as box:
        room = box.room
        room.run("start", "writer")
        assert "~1.0 GiB" in box.told("engine-placed", "writer")[0]
        rows = wait_for(lambda: room.json("footprints"), "it was measured")
        assert (rows[0]["peak_bytes"], rows[0]["gpu"]) == (5 * GIB, "Card 8G")
        room.run("stop", "writer")
        room.run("down")
        room.run("up")
        wait_for(lambda: len(room.json("gpus")) == 1, "the GPU is seen again")
        price = room.json("load", "writer", "--dry-run")
        assert "needs 5.0 GiB" in price["text"]
        assert price["reload_seconds"] == rows[0]["load_seconds"]


def test_a_change_that_does_not_fit_is_refused_with_its_price() -> None:
    config = engine("writer", 3, unit_bytes=GIB) + engine("other", 2, min_residency=3600) + ROOMY
    with open_box(config, card(0)) as box:
        room = box.room
        room.run("start", "writer", "other")
        price = room.json("set", "writer", "parallel=2", "--dry-run")
        assert "needs ~1.0 GiB more" in price["text"]
        assert price["more_bytes"] == GIB
        assert "there is no room" in room.json("set", "writer", "parallel=8", "--dry-run")["text"]
        assert "GPU 0" in room.run("set", "writer", "parallel=8", code=1).stderr
        assert room.engine("writer")["parallel"] == 1
        room.run("set", "writer", "parallel=2")
        assert box.book(0)["shares"][0]["claimed_bytes"] == 5 * GIB
