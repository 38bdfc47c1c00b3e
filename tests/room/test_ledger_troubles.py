"""Pressure, memory that runs out, heat, GPUs that are lost, slow or not used: with real children on a simulated box."""

from __future__ import annotations

import time
from subprocess import DEVNULL, Popen
from typing import Any

import psutil
import pytest
from ledger_kit import GIB, card, engine, open_box
from room_kit import wait_for


def test_pressure_unloads_the_idle_names_them_first_and_ends_with_relief() -> None:
    config = (
        engine("busy", 2, seconds_per_unit=0.5, min_residency=0)
        + engine("idle", 1, min_residency=0)
        + engine("pinned", 1, pinned=True, min_residency=0)
        + engine("late", 1)
    )
    others = 0.0

    def now(gib: float) -> dict[str, Any]:
        return card(0, 8, memory_other=int(gib * GIB))

    with open_box(config, now(others)) as box:
        room = box.room
        room.run("start", "busy", "idle", "pinned")
        job = box.submit("busy", 60)
        wait_for(lambda: box.book(0)["pressure"] == "medium", "4 of 8 GiB are medium pressure")
        box.show(now(2.5))
        room.await_engine("idle", "stopped")
        words = [one["word"] for one in room.happenings() if one["about"] in ("idle", "gpu 0")]
        assert words.index("pressure") < words.index("engine-evicted") < words.index("engine-stopped")
        assert "idle is unloaded: idle " in box.told("engine-evicted")[0]
        assert "GPU 0 is under high pressure" in box.told("engine-evicted")[0]
        box.show(now(4.6))
        wait_for(lambda: box.book(0)["pressure"] == "critical", "7.6 of 8 GiB are critical")
        assert "critical memory pressure" in room.run("start", "late", code=1).stderr
        assert room.engine("busy")["state"] == "ready"
        assert room.engine("pinned")["state"] == "ready"
        assert room.job(job)["state"] == "running"
        box.show(now(0))
        wait_for(lambda: box.book(0)["pressure"] == "low", "relief")
        room.run("start", "late")
        assert len(box.told("engine-evicted")) == 1


def test_one_engine_alone_at_ninety_percent_of_its_card_finishes_its_job_and_stays() -> None:
    config = engine("giant", 7.3, min_residency=0)
    with open_box(config, card(0)) as box:
        box.await_job(box.submit("giant", 20), "done")
        wait_for(lambda: box.book(0)["pressure"] == "critical", "90 % is critical")
        # Two more looks of the housekeeping: it would have unloaded it by now.
        ticks = box.room.json("gpus")[0]["unix"]
        wait_for(lambda: box.room.json("gpus")[0]["unix"] > ticks + 2, "two more readings")
        assert box.room.engine("giant")["state"] == "ready"
        assert not box.alarms("pressure")
        assert not box.told("engine-evicted")


def test_pressure_on_the_hosts_memory_unloads_the_idle_on_the_cpu() -> None:
    config = engine("idle", 0.3, gpu="cpu", min_residency=0)
    more_than_it_takes = 0.4 * GIB / psutil.virtual_memory().total
    with open_box(config + f"[memory]\nmedium = 0.0\nhigh = {more_than_it_takes}\n", card(0)) as box:
        box.room.run("start", "idle")
        box.room.await_engine("idle", "stopped")
        assert "the host's memory is under high pressure" in box.told("engine-evicted")[0]


def test_out_of_memory_in_a_job_steps_down_twice_and_the_job_is_completed() -> None:
    config = engine("writer", 2, parallel=8, unit_bytes=int(1.2 * GIB), appraised_bytes=GIB, restarts=1)
    strange = [{"pid": 51515, "name": "python3", "memory": "2 GiB"}]
    with open_box(config, card(0, process=strange)) as box:
        room = box.room
        job = box.submit("writer", 40)
        row = box.await_job(job, "done")
        assert row["units_done"] == 40
        steps = box.told("stepped-down")
        assert [step.split("with ")[1] for step in steps] == ["parallel = 4", "parallel = 2"]
        assert "python3(51515) 2.0 GiB on GPU 0" in box.told("memory-strangers")[0]
        assert room.engine("writer")["parallel"] == 2
        assert room.engine("writer")["state"] == "ready"

        room.run("down")
        room.run("up")
        wait_for(lambda: len(room.json("gpus")) == 1, "the GPU is seen again")
        box.await_job(box.submit("writer", 8), "done")
        assert not box.told("stepped-down"), "what ran out of memory is remembered"
        assert room.engine("writer")["parallel"] == 2
        assert "parallel 2" in room.engine("writer")["chosen"]

        box.show(card(0, 24))
        wait_for(lambda: box.book(0)["total_bytes"] == 24 * GIB, "a bigger card of the same name")
        room.run("set", "writer", "ladder=reset")
        assert "forgets 2 settings" in box.told("ladder-reset")[0]
        room.run("restart", "writer")
        assert room.engine("writer")["parallel"] == 8
        box.await_job(box.submit("writer", 16), "done")
        assert not box.told("stepped-down")


def test_work_that_would_never_find_room_steps_down_before_it_waits() -> None:
    config = engine("writer", 2, parallel=8, unit_bytes=GIB)
    with open_box(config, card(0, process=[{"pid": 51515, "name": "python3", "memory": "2 GiB"}])) as box:
        assert "It would fit with parallel 2" in box.room.run("start", "writer", code=1).stderr
        box.await_job(box.submit("writer", 8), "done")
        assert "as parallel 2" in box.told("engine-placed", "writer")[0]
        assert not box.told("stepped-down")


def test_a_lost_gpu_disturbs_no_other_and_comes_back() -> None:
    """Lost for 20 s; what worked there finds its place again as soon as there is one."""
    config = engine("here", 2, gpu="1") + engine("there", 2, gpu="0", seconds_per_unit=0.2)
    cards = (card(0), card(1))
    with open_box(config, *cards) as box:
        room = box.room
        room.run("start", "here", "there")
        pid = room.engine("there")["pid"]
        job = box.submit("there", 200)
        second = time.time() - box.start_unix
        lost = [{"error": "gpu_is_lost", "call": "nvmlDevice*", "from": second, "until": second + 20}]
        box.show(card(0), card(1, fault=lost))
        wait_for(lambda: "gpu-lost" in [one["word"] for one in room.happenings()], "GPU 1 is lost")
        room.run("stop", "here")
        said = room.run("start", "here", code=1).stderr
        assert "GPU 1 gives no readings" in said
        waiting = box.submit("here", 4)
        row = box.await_job(waiting, "held")
        assert "GPU 1 gives no readings" in row["reason"]
        box.await_job(waiting, "done")
        assert room.engine("here")["gpus"] == [1]
        assert room.engine("there")["pid"] == pid
        assert room.job(job)["state"] in ("running", "done")


def test_a_gpu_whose_calls_take_two_seconds_keeps_nobody_waiting() -> None:
    slow = [{"seconds": 2.0, "call": "nvmlDevice*"}]
    with open_box(engine("writer", 2), card(0, 8), card(1, 24, latency=slow)) as box:
        box.room.run("start", "writer", seconds=40)
        assert box.room.engine("writer")["gpus"] == [0]
        box.await_job(box.submit("writer", 4), "done")
        box.room.run("down", seconds=20)


def test_heat_holds_new_flights_and_they_go_on_ten_degrees_below() -> None:
    config = engine("writer", 2, gpu="0", seconds_per_unit=0.05) + engine("other", 2, gpu="1", seconds_per_unit=0.05)

    def cards(celsius: float) -> tuple[dict[str, Any], dict[str, Any]]:
        return card(0, temperature=celsius), card(1)

    with open_box(config, *cards(60)) as box:
        room = box.room
        room.run("start", "writer", "other")
        box.show(*cards(82))
        box.await_told("gpu-warm", "gpu 0")
        box.show(*cards(91))
        assert "no flight begins there" in box.await_told("gpu-held", "gpu 0")
        wait_for(lambda: box.book(0)["hold"] == "heat: 91 °C, resumes at 80", "the book says so")
        job, elsewhere = box.submit("writer", 4), box.submit("other", 4)
        row = box.await_job(job, "held")
        assert row["reason"] == "writer: GPU 0 is 91 °C, resumes at 80"
        box.await_job(elsewhere, "done")
        (alarm,) = box.alarms("heat")
        assert alarm["about"] == "gpu 0"
        box.show(*cards(85))
        wait_for(lambda: box.room.json("gpus")[0]["temperature_celsius"] == 85, "85 °C are read")
        assert room.job(job)["units_done"] == 0
        box.show(*cards(79))
        box.await_job(job, "done")
        assert "work goes on" in box.told("gpu-resumed", "gpu 0")[0]


def test_what_strangers_took_holds_the_next_flight_until_it_fits_again() -> None:
    config = engine("writer", 2, parallel=2, unit_bytes=2 * GIB, seconds_per_unit=1.5)
    with open_box(config, card(0)) as box:
        box.room.run("start", "writer")
        box.await_job(box.submit("writer", 6), "done")
        wait_for(lambda: box.room.json("footprints")[0]["peak_bytes"] == 6 * GIB, "what a flight takes is learned")
        wait_for(lambda: box.held("writer") == {0: 2 * GIB}, "it holds its model")
        box.show(card(0, memory_other=3 * GIB))
        wait_for(lambda: box.room.engine("writer")["hold"].startswith("memory: GPU 0: the next flight"), "it is held")
        job = box.submit("writer", 2)
        box.await_job(job, "held")
        box.show(card(0))
        box.await_job(job, "done")
        assert not box.told("stepped-down")


@pytest.mark.parametrize(
    ("settings", "gpu", "word", "said"),
    [
        ({"off_gpu": True}, {}, "not-on-gpu", "holds no memory on the GPU"),
        ({"layers": 10, "layers_really": 4}, {}, "fewer-layers", "has 4 layers on the GPU, and 10 were asked for"),
        ({"seconds_per_unit": 60, "drain_limit": 0}, {"utilisation": 0}, "gpu-idle", "is busy while its GPU idles"),
    ],
)
def test_a_gpu_that_is_not_really_used_raises_an_alarm(
    settings: dict[str, Any], gpu: dict[str, Any], word: str, said: str
) -> None:
    with open_box(engine("writer", 2, **settings) + engine("well", 1), card(0, **gpu)) as box:
        box.room.run("start", "writer", "well")
        if word == "gpu-idle":
            box.submit("writer", 1)
        (alarm,) = wait_for(lambda: box.alarms(word), "the alarm")
        assert alarm["about"] == "writer"
        assert said in alarm["text"]
        assert said in box.told(word, "writer")[0]


def test_ghosts_are_named_and_what_they_hold_is_not_given_out() -> None:
    ghosts = [{"pid": 999_999, "memory": "5 GiB"}]
    with open_box(engine("big", 4) + engine("small", 2), card(0, process=ghosts)) as box:
        assert "GPU 0" in box.room.run("start", "big", code=1).stderr
        box.room.run("start", "small")
        (stranger,) = box.book(0)["strangers"]
        assert (stranger["pid"], stranger["used_bytes"]) == (999_999, 5 * GIB)


def test_where_process_ids_are_hidden_an_engine_is_measured_by_difference() -> None:
    """As in a container: the driver names the host's process ids, and none of ours is among them."""
    hidden = [{"pid": 999_001, "memory": "1 GiB"}]
    config = engine("writer", 3, off_gpu=True, load_seconds=3)
    with open_box(config, card(0, process=hidden)) as box:
        grown = [*hidden, {"pid": 999_002, "memory": "3 GiB"}]
        wait_for(lambda: box.book(0)["others_bytes"] == GIB, "the ghost is read")
        with Popen(box.room.command("start", "writer"), env=box.room.environment(), stderr=DEVNULL) as start:
            box.room.await_engine("writer", "loading")
            box.show(card(0, process=grown))
            assert start.wait(30) == 0
        share = wait_for(lambda: (s := box.book(0)["shares"][0])["by_difference"] and s, "it is told by difference")
        assert share["measured_bytes"] == 3 * GIB
        assert box.book(0)["others_bytes"] == GIB
        assert not box.alarms("not-on-gpu")


def test_a_board_that_tells_no_memory_uses_the_hosts() -> None:
    lacking = card(0, lacks=["nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryInfo_v2"])
    with open_box(engine("writer", 1), lacking) as box:
        box.room.run("start", "writer")
        assert box.room.engine("writer")["gpus"] == [0]
        wait_for(lambda: box.held("writer") == {0: GIB}, "its processes are told all the same")
        book = box.book(0)
        assert book["total_bytes"] == box.room.json("ledger")["host"]["total_bytes"]


def test_a_question_to_an_engine_without_room_is_answered_with_the_reason() -> None:
    with open_box(engine("big", 9), card(0)) as box:
        said = box.room.run("ask", "big", "hello", code=1, seconds=20).stderr
        assert "GPU 0" in said
        assert "9.0 GiB" in said
