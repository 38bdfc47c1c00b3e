"""Jobs that need the operator: held for more than a minute, ended badly and not looked at, and many as one."""

from __future__ import annotations

import scenery
from msgspec.structs import replace

from ipc.snapshot import JobChanged, JobGone, JobRow
from tui.alert import Alert
from tui.alerts import Standing, alerts
from tui.store import Store


def store_of(*rows: JobRow) -> Store:
    return Store(replace(scenery.snapshot(), engines=(), jobs=rows, happenings=()))


def failed(number: int, **other: object) -> JobRow:
    return scenery.job(
        number, "failed", 1, 2, reason="no such file", **{"finished_unix": scenery.NOW - number, **other}
    )


def of(store: Store) -> list[tuple[str, str]]:
    return [(alert.grave, alert.what) for alert in alerts(store)]


def test_a_hold_is_told_after_a_minute_and_while_it_lasts() -> None:
    store = store_of(scenery.job(1, "running", 1, 2))
    store.fold(scenery.tick(10))
    store.fold(JobChanged(scenery.job(1, "held", 1, 2, reason="the disk is full")))
    store.fold(scenery.tick(69))
    assert of(store) == []
    store.fold(scenery.tick(70))
    assert alerts(store) == (
        Alert("gpubox-3-1", "warn", "gpubox-3-1 held", scenery.NOW + 10, "the disk is full", "enter shows more"),
    )
    store.fold(JobChanged(scenery.job(1, "running", 1, 2)))
    assert of(store) == []


def test_a_hold_that_nobody_saw_begin_is_told_at_once() -> None:
    (alert,) = alerts(store_of(scenery.job(1, "held", 1, 2, reason="x")))
    assert (alert.what, alert.since) == ("gpubox-3-1 held", None)


def test_a_new_job_that_is_held_from_its_start_has_its_minute_too() -> None:
    store = store_of()
    store.fold(JobChanged(scenery.job(1, "held", 0, 2, reason="x")))
    assert of(store) == []
    store.fold(scenery.tick(61))
    assert of(store) == [("warn", "gpubox-3-1 held")]


def test_what_holds_many_is_told_once() -> None:
    store = store_of(*(scenery.job(n, "held", 0, 2, reason="disk full" if n != 3 else "x") for n in range(1, 6)))
    assert of(store) == [("warn", "4 jobs held"), ("warn", "gpubox-3-3 held")]


def test_a_bad_end_is_told_until_it_is_looked_at_or_cleared() -> None:
    ended = scenery.job(2, "done with problems", 8, 9, units_failed=1, finished_unix=scenery.NOW - 5)
    store = store_of(failed(1), ended, scenery.job(3, "done", 2, 2, finished_unix=scenery.NOW))
    assert alerts(store) == (
        Alert(
            *("gpubox-3-1", "bad", "gpubox-3-1 failed", scenery.NOW - 1, "no such file"),
            "enter shows why, t tries again",
        ),
        Alert(
            *("gpubox-3-2", "warn", "gpubox-3-2 ended with problems", scenery.NOW - 5, "1 set aside"),
            "enter shows them",
        ),
    )
    store.look_at("gpubox-3-1")
    assert of(store) == [("warn", "gpubox-3-2 ended with problems")]
    store.fold(JobGone("gpubox-3-2"))
    assert of(store) == []
    store.fold(JobChanged(failed(1, finished_unix=scenery.NOW + 3)))
    assert of(store) == [("bad", "gpubox-3-1 failed")]


def test_many_bad_ends_are_one_alert_that_names_the_newest() -> None:
    (alert,) = alerts(store_of(*map(failed, range(1, 8))))
    assert (alert.grave, alert.what, alert.since) == ("bad", "7 jobs ended badly", scenery.NOW - 1)
    assert alert.why == "gpubox-3-1, gpubox-3-2 and 5 more"


def test_alerts_are_worked_out_once_for_each_state_of_the_store() -> None:
    store, standing = store_of(failed(1)), Standing()
    first = standing.of(store)
    assert standing.of(store) is first
    store.look_at("gpubox-3-1")
    assert standing.of(store) == ()
