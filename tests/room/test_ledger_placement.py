"""Where engines go on a box: through the real supervisor, with real child processes that hold what they take."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from ledger_kit import GIB, card, engine, open_box
from room_kit import wait_for

STAYS = 3600.0


def test_eight_mixed_gpus_each_engine_where_it_fits() -> None:
    """0 cool and big, 1 smaller, 2 full, 3 with a display, 4 too old, 5 hot, 6 nearly full with a stranger, 7 lost."""
    cards = (
        card(0, 24),
        card(1, 16),
        card(2, 24, memory_other=int(23.5 * GIB)),
        card(3, 32, display_active=1),
        card(4, 48, capability="3.5"),
        card(5, 20, temperature=92),
        card(6, 24, process=[{"pid": 51515, "name": "python3 train.py", "memory": "22 GiB"}]),
        card(7, 48, fault=[{"error": "gpu_is_lost", "call": "nvmlDevice*"}]),
    )
    config = (
        engine("first", 12)
        + engine("second", 10)
        + engine("third", 14)
        + engine("fourth", 9, gpu="card 16g")
        + engine("elder", 4, gpu="4")
        + engine("giant", 200)
    )
    with open_box(config, *cards) as box:
        room = box.room
        wait_for(lambda: box.book(5)["hold"], "the hot one is known to be hot")
        for name in ("first", "second", "third"):
            room.run("start", name)
        assert [room.engine(name)["gpus"] for name in ("first", "second", "third")] == [[0], [1], [3]]
        assert "GPU 0, the most free memory" in box.told("engine-placed", "first")[0]
        said = room.run("start", "fourth", code=1).stderr
        assert re.search(r"GPU 1 has 5\.\d GiB free, fourth needs ~9\.0", said)
        said = room.run("start", "elder", code=1).stderr
        assert "too old (compute capability 3.5, this build needs 5.0)" in said
        said = room.run("start", "giant", code=1).stderr
        assert "200.0 GiB" in said
        wait_for(lambda: box.held("first") == {0: 12 * GIB}, "the first holds what it takes, where it was placed")
        book = box.book(6)
        assert [(one["name"], one["pid"], one["used_bytes"]) for one in book["strangers"]] == [
            ("python3", 51515, 22 * GIB)
        ]


def test_an_engine_over_two_gpus_takes_what_neither_has_alone() -> None:
    config = engine("wide", 12, layers=12, spread=2) + engine("narrow", 12, layers=12)
    with open_box(config, card(0, 8), card(1, 8)) as box:
        room = box.room
        assert "12.0 GiB" in room.run("start", "narrow", code=1).stderr
        room.run("start", "wide")
        assert room.engine("wide")["gpus"] == [0, 1]
        held = wait_for(lambda: box.held("wide"), "it holds memory on both")
        assert sum(held.values()) == 12 * GIB
        assert set(held) == {0, 1}
        claimed = [one["claimed_bytes"] for index in (0, 1) for one in box.book(index)["shares"]]
        assert sum(claimed) == 12 * GIB
        room.run("stop", "wide")
        wait_for(lambda: not box.book(0)["shares"] and not box.book(1)["shares"], "both are given up together")


def test_fifty_at_once_on_a_box_that_fits_six() -> None:
    config = "".join(engine(f"e{number}", 2.4, min_residency=STAYS) for number in range(50))
    with open_box(config, card(0, 8), card(1, 8)) as box:
        room = box.room

        def start(number: int) -> tuple[int, str]:
            done = room.run("start", f"e{number}", code=None, seconds=240)
            return done.returncode, done.stderr

        with ThreadPoolExecutor(8) as pool:
            ended = list(pool.map(start, range(50)))
        loaded = [number for number, (code, _) in enumerate(ended) if code == 0]
        refused = [said for code, said in ended if code != 0]
        assert len(loaded) == 6
        assert len(refused) == 44
        for said in refused:
            assert re.search(r"GPU \d (already has 3 of 3 engines|has [\d.]+ \w+ free)", said), said
        rows = room.json("ps")
        assert sum(row["state"] == "ready" for row in rows) == 6
        assert not box.told("stepped-down")
        assert not box.told("engine-died")
        assert not box.told("engine-evicted")


def test_a_level_that_does_not_fit_gives_way_to_one_that_does_and_says_so() -> None:
    levels = f"q4={int(3.9 * GIB)} q8={int(7.2 * GIB)}"
    with open_box(engine("writer", levels=levels), card(0, 6)) as box:
        box.room.run("start", "writer")
        row = box.room.engine("writer")
        assert row["quantization"] == "q4"
        assert row["chosen"] == "q4"
        assert "as q4" in box.told("engine-placed", "writer")[0]
        wait_for(lambda: box.held("writer") == {0: int(3.9 * GIB)}, "it holds the smaller one")


def test_the_tier_of_a_gpu_is_a_ceiling_where_the_settings_leave_it_open() -> None:
    levels = f"q4={GIB} q8={2 * GIB} q16={3 * GIB}"
    config = engine("open", levels=levels) + engine("told", levels=levels, quantization="q16")
    with open_box(config, card(0, 8)) as box:
        box.room.run("start", "open", "told")
        assert box.room.engine("open")["quantization"] == "q8"
        assert box.room.engine("told")["quantization"] == "q16"
        assert box.room.engine("open")["unload_after_seconds"] == 600.0


def test_as_many_layers_as_fit() -> None:
    with open_box(engine("dynamic", 10, layers=10, gpu_layers=-2), card(0, 8)) as box:
        box.room.run("start", "dynamic")
        assert box.room.engine("dynamic")["chosen"] == "7 of 10 layers"


def test_no_kernel_image_is_recognised_and_another_gpu_is_taken() -> None:
    config = engine("young", 2, no_kernel_on="GPU-0")
    with open_box(config, card(0, 16), card(1, 8)) as box:
        box.room.run("start", "young")
        wait_for(lambda: box.room.engine("young")["gpus"] == [1], "it goes to the other GPU")
        assert "no kernel image" in box.told("engine-died", "young")[0]


def test_the_host_alone_where_there_is_no_driver() -> None:
    faults = [{"call": "nvmlInit*", "error": "driver_not_loaded"}]
    with open_box(engine("writer", 0.05) + engine("pinned", gpu="0"), fault=faults) as box:
        box.room.run("start", "writer")
        assert box.room.engine("writer")["gpus"] == []
        assert "CPU" in box.told("engine-placed", "writer")[0]
        ledger = box.room.json("ledger")
        assert ledger["gpus"] == []
        assert ledger["host"]["total_bytes"] > 0
