"""Changes as SQL. Nothing here commits."""

from __future__ import annotations

import sqlite3
from typing import assert_never

import msgspec

from supervisor.jobs import changes
from supervisor.jobs.changes import Change


def save(connection: sqlite3.Connection, change: Change) -> None:
    """Carry out one change inside the transaction under way. Raises sqlite3.Error."""
    match change:
        case changes.JobAdded(spec, facts):
            connection.execute("INSERT INTO jobs VALUES (?, ?, ?, 0)", (spec.number, _json(spec), _json(facts)))
        case changes.FactsChanged(job, facts):
            connection.execute(
                "UPDATE jobs SET facts = ?, over = ? WHERE number = ?", (_json(facts), facts.ending is not None, job)
            )
        case changes.UnitsPlanned(job, first, units):
            connection.executemany(
                "INSERT INTO units (job, idx, payload, place, name) VALUES (?, ?, ?, ?, ?)",
                [(job, first + n, unit.payload, unit.where, unit.name) for n, unit in enumerate(units)],
            )
        case changes.UnitDone():
            connection.execute(
                "UPDATE units SET state = 'done', result = ?, tokens = ?, seconds = ?, ttft = ?"
                " WHERE job = ? AND idx = ? AND state = 'planned'",
                (change.result, change.tokens, change.seconds, change.ttft_seconds, change.job, change.index),
            )
        case changes.UnitSetAside(job, index, ending):
            connection.execute(
                "UPDATE units SET state = ? WHERE job = ? AND idx = ? AND state = 'planned'", (ending, job, index)
            )
        case changes.UnitBlamed(job, index, deaths, alone):
            connection.execute(
                "UPDATE units SET deaths = ?, alone = ? WHERE job = ? AND idx = ?", (deaths, alone, job, index)
            )
        case changes.UnitForgiven(job, index):
            connection.execute(
                "UPDATE units SET state = 'planned', deaths = 0, alone = 0"
                " WHERE job = ? AND idx = ? AND state = 'quarantined'",
                (job, index),
            )
            connection.execute("DELETE FROM problems WHERE job = ? AND idx = ?", (job, index))
        case changes.ProblemFound():
            connection.execute(
                "INSERT INTO problems (job, idx, place, unit, problem, log_tail) VALUES (?, ?, ?, ?, ?, ?)",
                (change.job, change.index, change.where, change.unit, _json(change.problem), _json(change.log_tail)),
            )
        case changes.FlightComposed(flight, job, indices, again):
            connection.execute("INSERT INTO flights VALUES (?, ?, ?, ?)", (flight, job, _json(indices), again))
        case changes.FlightOver(flight):
            connection.execute("DELETE FROM flights WHERE id = ?", (flight,))
        case _:
            assert_never(change)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
