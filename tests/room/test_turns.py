"""Engines that do not fit together take turns: few swaps, and nobody waits for ever. Real children, simulated boxes."""

from __future__ import annotations

from ledger_kit import Box, card, engine, open_box
from room_kit import wait_for

ROOMY = "[memory]\nhigh = 0.97\ncritical = 0.99\n"


def two_that_do_not_fit(patience: str) -> str:
    settings = {"min_residency": 0, "seconds_per_unit": 0.06, "drain_limit": 5}
    return engine("a", 5, **settings) + engine("b", 5, **settings) + ROOMY + f'[jobs]\npatience = "{patience}"\n'


def loaded(box: Box) -> list[str]:
    """Which of them was given room, in order."""
    return [one["about"] for one in box.room.happenings() if one["word"] == "engine-placed"]


def test_jobs_for_two_engines_in_turns_become_one_swap() -> None:
    with open_box(two_that_do_not_fit("1h"), card(0)) as box:
        box.room.run("start", "a")
        jobs = [box.submit(name, 20) for name in ("a", "b", "a", "b")]
        for job in jobs:
            box.await_job(job, "done")
        assert loaded(box) == ["a", "b"], "A B A B became A A B B"


def test_whoever_waits_longer_than_the_patience_gets_its_turn() -> None:
    with open_box(two_that_do_not_fit("2s"), card(0)) as box:
        box.room.run("start", "a")
        long, short = box.submit("a", 100), box.submit("b", 2)
        wait_for(lambda: "memory" in box.room.engine("b")["hold"], "b finds no room")
        box.await_job(short, "done")
        assert box.room.job(long)["state"] != "done", "the short one did not wait for the long one's end"
        assert box.told("engine-yields", "a") == ["a begins no further flight: b waits for its memory."]
        box.await_job(long, "done")
        assert loaded(box) == ["a", "b", "a"]


def test_an_urgent_job_does_not_wait_for_the_patience() -> None:
    with open_box(two_that_do_not_fit("1h"), card(0)) as box:
        box.room.run("start", "a")
        long, urgent = box.submit("a", 100), box.submit("b", 2)
        box.room.run("job", "priority", urgent, "9")
        box.await_job(urgent, "done")
        assert box.room.job(long)["state"] != "done"
