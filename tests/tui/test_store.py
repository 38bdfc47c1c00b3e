"""The store: every update folded, nothing invented."""

from __future__ import annotations

import msgspec
import scenery
import worked
from hypothesis import given
from hypothesis import strategies as st

from ipc import states
from ipc.errors import Problem
from ipc.snapshot import (
    FINISHED,
    EngineChanged,
    Happened,
    Happening,
    JobChanged,
    JobGone,
    JobRow,
    JobState,
)
from tui import rows
from tui.alerts import alerts
from tui.gpus import HISTORY
from tui.joborder import JobOrder, place
from tui.store import Store


def test_a_snapshot_is_the_whole_truth() -> None:
    store = Store(scenery.snapshot())
    assert list(store.engines) == [row.name for row in scenery.ENGINES]
    assert set(store.jobs) == {row.id for row in scenery.JOBS}
    assert list(store.happenings) == list(scenery.HAPPENINGS)
    assert store.lost is None


def test_rows_are_replaced_added_and_taken_away() -> None:
    store = Store(scenery.snapshot())
    store.fold(EngineChanged(scenery.engine("writer", states.Starting(7))))
    store.fold(EngineChanged(scenery.engine("newcomer", states.Starting(8))))
    store.fold(JobChanged(scenery.job(99, "queued", 0, None)))
    store.fold(JobGone("gpubox-3-41"))
    assert store.engines["writer"].state == states.Starting(7)
    assert list(store.engines)[-1] == "newcomer"
    assert "gpubox-3-99" in store.jobs
    assert "gpubox-3-41" not in store.jobs


def test_rates_have_a_gap_where_nothing_was_measured() -> None:
    store = Store(scenery.snapshot())
    store.fold(scenery.tick(1))
    store.fold(EngineChanged(scenery.engine("writer", states.Starting(7), rate=99.0)))
    store.fold(scenery.tick(2))
    assert list(store.rates["writer"]) == [212.4, None]
    assert list(store.cpu) == [60.0, 80.0]
    for second in range(3, HISTORY + 10):
        store.fold(scenery.tick(second))
    assert len(store.rates["writer"]) == HISTORY


def test_since_is_what_was_seen_or_told_and_otherwise_unknown() -> None:
    store = Store(scenery.snapshot())
    assert store.since("scribe") == scenery.NOW - 9
    assert store.since("vectors") is None
    store.fold(scenery.tick(5))
    store.fold(EngineChanged(scenery.engine("vectors", states.Failed("no such file", ()))))
    store.fold(scenery.tick(6))
    store.fold(EngineChanged(scenery.engine("vectors", states.Failed("no such file", ()), restarts=1)))
    assert store.since("vectors") == scenery.NOW + 5


def test_a_lost_connection_keeps_what_was_seen_and_a_snapshot_ends_it() -> None:
    store = Store(scenery.snapshot())
    store.fold(scenery.tick(1))
    store.fold(Happened(Happening(9, scenery.NOW, "info", "writer", "x", "gone with the old supervisor")))
    store.lose(Problem("Connection ended", "It is gone.", ""))
    assert store.lost
    assert store.engines
    again = msgspec.structs.replace(scenery.snapshot(), engines=scenery.ENGINES[:1])
    store.fold(again)
    assert store.lost is None
    assert list(store.engines) == ["writer"]
    assert list(store.rates["writer"]) == [212.4]
    assert list(store.happenings) == list(scenery.HAPPENINGS)


def test_alerts_say_what_since_when_why_and_what_helps_the_graver_first() -> None:
    raised = alerts(Store(scenery.snapshot()))
    assert [alert.about for alert in raised] == ["scribe", "flaky", "gpubox-3-39", "gpubox-3-38"]
    first = raised[0]
    assert (first.grave, first.what, first.since) == ("bad", "scribe failed", scenery.NOW - 9)
    assert "truncated" in first.why
    assert first.help.startswith("s ")


def listed(store: Store, filter: str = "") -> list[str]:  # noqa: A002 (the word on screen)
    return [one.rpartition("-")[2] for one in rows.JobIds().of(store, filter)]


def test_jobs_that_run_or_wait_come_first_by_priority_and_number_and_the_newest_end_next() -> None:
    store = Store(scenery.snapshot())
    store.fold(JobChanged(scenery.job(37, "done", 5, 5, finished_unix=scenery.NOW - 10)))
    assert listed(store) == ["39", "41", "42", "43", "37", "38"]
    store.fold(JobChanged(scenery.job(43, "queued", 0, None, priority=9)))
    store.fold(JobChanged(scenery.job(39, "held", 57, 112, priority=1)))
    assert listed(store) == ["43", "41", "42", "39", "37", "38"]
    store.fold(JobChanged(scenery.job(41, "cancelled", 5, 9900, finished_unix=scenery.NOW + 1)))
    assert listed(store) == ["43", "42", "39", "41", "37", "38"]
    store.fold(JobGone("gpubox-3-37"))
    assert listed(store) == ["43", "42", "39", "41", "38"]


def test_a_filter_follows_what_changes() -> None:
    store, ids = Store(scenery.snapshot()), rows.JobIds()
    assert ids.of(store, "night") == ["gpubox-3-42"]
    assert ids.of(store, "held") == ["gpubox-3-39"]
    store.fold(JobChanged(scenery.job(41, "held", 1, 2)))
    assert ids.of(store, "held") == ["gpubox-3-39", "gpubox-3-41"]
    assert [row.name for row in rows.engines(store, "mistral")] == ["writer"]
    assert [row.name for row in rows.engines(store, "backoff")] == ["flaky"]


def test_numbers_that_change_move_nothing_and_find_nothing_anew() -> None:
    store, ids = Store(msgspec.structs.replace(scenery.snapshot(), jobs=worked.many(5000))), rows.JobIds()
    before, version = ids.of(store, ""), store.order.version
    running = next(row for row in store.jobs.values() if row.state == "running")
    for done in range(50):
        store.fold(JobChanged(msgspec.structs.replace(running, units_done=done)))
    assert store.order.version == version
    assert ids.of(store, "") is before
    store.fold(JobChanged(msgspec.structs.replace(running, priority=8)))
    assert ids.of(store, "")[0] == running.id


JOB_STATES = st.sampled_from(["queued", "running", "held", "done", "failed"])
CHANGES = st.lists(st.tuples(st.integers(1, 12), JOB_STATES, st.integers(1, 9), st.integers(0, 3)), max_size=40)


@given(CHANGES)
def test_the_order_kept_is_the_order_sorted(changes: list[tuple[int, JobState, int, int]]) -> None:
    order, jobs = JobOrder(), dict[str, JobRow]()
    for number, state, priority, second in changes:
        if second == 3:
            order.drop(f"gpubox-3-{number}")
            jobs.pop(f"gpubox-3-{number}", None)
            continue
        ended = scenery.NOW + second if state in FINISHED else None
        row = scenery.job(number, state, 0, 1, priority=priority, finished_unix=ended)
        order.put(row)
        jobs[row.id] = row
    assert order.ids() == [row.id for row in sorted(jobs.values(), key=place)]


def test_a_later_end_of_a_job_was_not_looked_at() -> None:
    store = Store(scenery.snapshot())
    failed = scenery.job(50, "failed", 1, 2, finished_unix=scenery.NOW)
    store.fold(JobChanged(failed))
    store.look_at(failed.id)
    assert store.looked_at(failed)
    again = scenery.job(50, "failed", 1, 2, finished_unix=scenery.NOW + 9)
    store.fold(JobChanged(again))
    assert not store.looked_at(again)
    store.look_at("gpubox-3-41")
    assert not store.looked_at(store.jobs["gpubox-3-41"])
