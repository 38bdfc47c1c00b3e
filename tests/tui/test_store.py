"""The store: every update folded, nothing invented."""

from __future__ import annotations

import msgspec
import scenery

from ipc import states
from ipc.errors import Problem
from ipc.snapshot import EngineChanged, Happened, Happening, JobChanged, JobGone
from tui import rows
from tui.alerts import alerts
from tui.gpus import HISTORY
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
    assert [alert.about for alert in raised] == ["scribe", "flaky", "gpubox-3-39"]
    first = raised[0]
    assert (first.grave, first.what, first.since) == ("bad", "scribe failed", scenery.NOW - 9)
    assert "truncated" in first.why
    assert first.help.startswith("s ")


def test_open_jobs_come_in_order_of_submission_and_finished_ones_last() -> None:
    store = Store(scenery.snapshot())
    store.fold(JobChanged(scenery.job(37, "done", 5, 5, finished_unix=scenery.NOW - 10)))
    numbers = [row.id.rpartition("-")[2] for row in rows.jobs(store, "")]
    assert numbers == ["39", "41", "42", "43", "37", "38"]
    assert [row.id for row in rows.jobs(store, "night")] == ["gpubox-3-42"]
    assert [row.name for row in rows.engines(store, "mistral")] == ["writer"]
    assert [row.name for row in rows.engines(store, "backoff")] == ["flaky"]
