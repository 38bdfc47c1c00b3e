"""Changes as SQL. Nothing here commits."""

from __future__ import annotations

import sqlite3
from typing import assert_never

import msgspec

from supervisor.jobs import changes
from supervisor.jobs.changes import Change
from supervisor.jobs.unit_files import sync_folder_of

_TABLES = ("problems", "outputs", "flights", "units", "runs")


def save(connection: sqlite3.Connection, change: Change) -> None:
    """Carry out one change inside the transaction under way. Raises sqlite3.Error, OSError."""
    match change:
        case changes.JobAdded(spec, facts):
            connection.execute("INSERT INTO jobs VALUES (?, ?, ?)", (spec.number, _json(spec), _json(facts)))
        case changes.FactsChanged(job, facts):
            connection.execute("UPDATE jobs SET facts = ? WHERE number = ?", (_json(facts), job))
        case changes.JobCleared(job):
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table} WHERE job = ?", (job,))
            connection.execute("DELETE FROM jobs WHERE number = ?", (job,))
        case changes.RunBegan(number, job, engine, settings, unix):
            connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", (number, job, engine, _json(settings), unix))
        case changes.OutputNoted(job, number, output):
            connection.execute(
                "INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?)",
                (job, number, _json(output.identities), output.current),
            )
        case changes.ProblemFound():
            found: tuple[int | None, int | None, str | None] = (None, None, None)
            if change.found is not None:
                found = (change.found.before, change.found.source, change.found.stopped)
            connection.execute(
                "INSERT INTO problems (job, idx, before, source, stopped, place, unit, problem, log_tail)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    change.job,
                    change.index,
                    *found,
                    change.where,
                    change.unit,
                    _json(change.problem),
                    _json(change.log_tail),
                ),
            )
        case changes.FlightComposed(flight, job, indices, again):
            connection.execute("INSERT INTO flights VALUES (?, ?, ?, ?)", (flight, job, _json(indices), again))
        case changes.FlightOver(flight, flown):
            _end_flight(connection, flight, flown=flown)
        case _:
            _save_units(connection, change)


def _save_units(connection: sqlite3.Connection, change: changes.OfUnits) -> None:
    match change:
        case changes.UnitsPlanned(job, first, source, units):
            connection.executemany(
                "INSERT INTO units (job, idx, payload, place, name, source, start, extent)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (job, first + n, unit.payload, unit.where, unit.name, source, unit.start, unit.extent)
                    for n, unit in enumerate(units)
                ],
            )
        case changes.UnitsUnplanned(job, first, source):
            connection.execute("DELETE FROM units WHERE job = ? AND idx >= ?", (job, first))
            connection.execute(
                "DELETE FROM problems WHERE job = ?1 AND (before > ?2 OR (before = ?2"
                " AND (source > ?3 OR (source = ?3 AND stopped IS NOT NULL))))",
                (job, first, source),
            )
        case changes.UnitDone():
            _finish(connection, change)
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
                " WHERE job = ? AND idx = ? AND state IN ('failed', 'quarantined')",
                (job, index),
            )
            connection.execute("DELETE FROM problems WHERE job = ? AND idx = ?", (job, index))
        case changes.UnitRecalled(job, index, take):
            connection.execute(
                "UPDATE units SET state = 'planned', deaths = 0, alone = 0, take = ?"
                " WHERE job = ? AND idx = ? AND state = 'done'",
                (take, job, index),
            )
            connection.execute("DELETE FROM problems WHERE job = ? AND idx = ?", (job, index))
        case changes.UnitKept(job, index):
            connection.execute(
                "UPDATE units SET state = 'done' WHERE job = ? AND idx = ? AND state = 'planned'", (job, index)
            )
        case changes.UnitsSpent(job, joules):
            connection.executemany(
                "UPDATE units SET joules = coalesce(joules, 0) + ? WHERE job = ? AND idx = ?",
                [(spent, job, index) for index, spent in joules.items()],
            )
        case _:
            assert_never(change)


def _finish(connection: sqlite3.Connection, done: changes.UnitDone) -> None:
    measured = done.measured
    if done.file is not None:
        sync_folder_of(done.file)  # else a power failure could take the file's name, and keep what we say of it
    connection.execute(
        "UPDATE units SET state = 'done', result = ?, file = ?, digest = ?, tokens = ?, seconds = ?, ttft = ?,"
        " audio = ?, bytes = ?, confidence = ?, run = ? WHERE job = ? AND idx = ? AND state = 'planned'",
        (
            done.result,
            done.file.name if done.file is not None else None,
            done.digest or None,
            measured.tokens,
            measured.seconds,
            measured.ttft_seconds,
            measured.audio_seconds,
            measured.result_bytes,
            measured.confidence,
            done.run,
            done.job,
            done.index,
        ),
    )


def _end_flight(connection: sqlite3.Connection, flight: int, *, flown: bool) -> None:
    if flown:
        connection.execute(
            "UPDATE units SET attempts = attempts + 1 WHERE job = (SELECT job FROM flights WHERE id = ?1)"
            " AND idx IN (SELECT value FROM json_each((SELECT units FROM flights WHERE id = ?1)))",
            (flight,),
        )
    connection.execute("DELETE FROM flights WHERE id = ?", (flight,))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
