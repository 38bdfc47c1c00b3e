"""What happens to every unit costs the same however many units its job has."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ipc.work import PlannedUnit
from supervisor.jobs import changes
from supervisor.jobs.job import Facts, Measured, Spec
from supervisor.jobs.reading import results
from supervisor.jobs.saving import save
from supervisor.jobs.schema import migrate

SPEC = Spec(1, "box-1", "fake", ("/in",), "/out", ("/out",), "", {}, 0.0)


def store_of(units: int) -> sqlite3.Connection:
    """A job of so many units, two of them in the air."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, Path("memory"))
    plan = tuple(PlannedUnit(f"unit {n}", f"line {n}", None) for n in range(units))
    for change in (
        changes.JobAdded(SPEC, Facts()),
        changes.UnitsPlanned(1, 0, 0, plan),
        changes.FlightComposed(1, 1, (5, 6), again=False),
    ):
        save(connection, change)
    return connection


def steps(connection: sqlite3.Connection, change: changes.Change) -> int:
    """Of SQLite's machine, in hundreds."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 100)
    save(connection, change)
    connection.set_progress_handler(None, 0)
    return count


@pytest.mark.parametrize(
    "change",
    [
        changes.UnitDone(1, 5, '"yes"', Measured(1, 0.1), None),
        changes.UnitBlamed(1, 5, 1, alone=True),
        changes.UnitSetAside(1, 5, "failed"),
        changes.UnitsSpent(1, {5: 1.0, 6: 2.0}),
        changes.FlightOver(1, flown=True),
        changes.FactsChanged(1, Facts(done=1)),
    ],
    ids=lambda change: type(change).__name__,
)
def test_a_change_of_one_unit_looks_at_no_others(change: changes.Change) -> None:
    assert steps(store_of(5000), change) <= steps(store_of(50), change) + 1 <= 10


def test_the_end_of_a_flight_that_flew_is_an_attempt_of_its_units_alone() -> None:
    connection = store_of(10)
    save(connection, changes.FlightOver(1, flown=True))
    rows = connection.execute("SELECT idx FROM units WHERE attempts = 1").fetchall()
    assert rows == [(5,), (6,)]
    assert connection.execute("SELECT count(*) FROM flights").fetchone() == (0,)
    assert results(connection, Path(), 1, None, -1, 10) == ((), True)
