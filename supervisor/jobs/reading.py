"""What the store knows, read back when a supervisor begins, and for jobs that go on after their end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from ipc.errors import EngineRoomError
from ipc.work import ResultRow
from supervisor.jobs.job import Facts, Formation, Found, Job, Measured, Output, Spec, Unit
from supervisor.jobs.troubles import damaged, problem_of
from supervisor.jobs.unit_files import folder_of

RESULTS_BYTES = 4 * 1024 * 1024
"""One lot of results ends once it holds so much, well below the largest message to a desk."""

MOST_DIGITS = 10
"""A longer number names no unit, and might be too large for the store."""

_specs = msgspec.json.Decoder(Spec)
_facts = msgspec.json.Decoder(Facts)
_indices = msgspec.json.Decoder(list[int])
_identities = msgspec.json.Decoder(tuple[str, ...])

_UNIT = (
    "SELECT idx, payload, place, name, source, start, extent, deaths, alone, attempts, state, take, result IS NOT NULL,"
    " tokens, seconds, ttft, audio, bytes, confidence FROM units WHERE job = ?"
)


@dataclass(frozen=True)
class Stored:
    """Everything a new supervisor takes up."""

    jobs: tuple[tuple[Spec, Facts], ...]
    """All of them, oldest first."""
    under_way: tuple[Job, ...]
    last_job: int
    last_flight: int
    last_run: int


def take_up(connection: sqlite3.Connection, path: Path) -> Stored:
    """What was stored. Units that were in the air wait again, and it is held against nobody.

    Raises:
        EngineRoomError: it cannot be read.
    """
    try:
        return _take_up(connection)
    except sqlite3.Error as error:
        raise EngineRoomError(problem_of(error, path)) from error
    except msgspec.MsgspecError as error:
        raise EngineRoomError(damaged(path, str(error))) from error


def _take_up(connection: sqlite3.Connection) -> Stored:
    rows = connection.execute("SELECT spec, facts FROM jobs ORDER BY number").fetchall()
    jobs = tuple((_specs.decode(spec), _facts.decode(facts)) for spec, facts in rows)
    under_way = tuple(load(connection, spec, facts) for spec, facts in jobs if facts.ending is None)
    kept = [formation.flight for job in under_way for formation in job.formations]
    connection.execute(f"DELETE FROM flights WHERE id NOT IN ({','.join(map(str, kept))})")
    (last_run,) = connection.execute("SELECT coalesce(max(number), 0) FROM runs").fetchone()
    return Stored(jobs, under_way, _last(connection, "jobs"), _last(connection, "flights"), last_run)


def _last(connection: sqlite3.Connection, table: str) -> int:
    """The highest number that a row of the table ever had, also where that row is gone."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(found[0]) if found else 0


def load(connection: sqlite3.Connection, spec: Spec, facts: Facts) -> Job:
    """A job with what waits of it. Raises sqlite3.Error, msgspec.MsgspecError."""
    job, number = Job(spec, facts), (spec.number,)
    job.put_back(_unit(*row) for row in connection.execute(f"{_UNIT} AND state = 'planned'", number))
    found = connection.execute(
        "SELECT before, source, stopped FROM problems WHERE job = ? AND idx IS NULL ORDER BY number", number
    )
    job.found = [Found(*row) for row in found]
    job.outputs = outputs_of(connection, spec.number)
    flights = connection.execute("SELECT id, units FROM flights WHERE job = ? AND again ORDER BY id", number)
    for flight, indices in flights.fetchall():
        units = tuple(_member(connection, job, index) for index in _indices.decode(indices))
        if any(not unit.ended for unit in units):
            job.formations.append(Formation(flight, units, crashes=0))
    return job


def outputs_of(connection: sqlite3.Connection, job: int) -> dict[int, Output]:
    """What is known of its outputs, by number. Raises sqlite3.Error."""
    rows = connection.execute("SELECT number, identities, current FROM outputs WHERE job = ?", (job,))
    return {number: Output(_identities.decode(made), bool(current)) for number, made, current in rows}


def reload(connection: sqlite3.Connection, number: int) -> Job | None:
    """The job of that number; None where it was cleared. Raises sqlite3.Error, msgspec.MsgspecError."""
    row = connection.execute("SELECT spec, facts FROM jobs WHERE number = ?", (number,)).fetchone()
    return None if row is None else load(connection, _specs.decode(row[0]), _facts.decode(row[1]))


def units_by(connection: sqlite3.Connection, job: int, names: Iterable[str], states: Iterable[str]) -> list[Unit]:
    """Units in one of `states`: those of these names, or (with none) all. `#12` names the unit of that number.

    Of a finished unit, `former` is what was measured. Raises sqlite3.Error.
    """
    allowed = tuple(states)
    query = f"{_UNIT} AND state IN ({','.join('?' * len(allowed))})"
    names = tuple(names)
    if not names:
        return [_ended(*row) for row in connection.execute(f"{query} ORDER BY idx", (job, *allowed))]
    found: dict[int, Unit] = {}
    for name in names:
        number = name.removeprefix("#")
        by_number = name.startswith("#") and number.isdecimal() and len(number) < MOST_DIGITS
        column, value = ("idx", int(number)) if by_number else ("name", name)
        for row in connection.execute(f"{query} AND {column} = ? ORDER BY idx", (job, *allowed, value)):
            found[row[0]] = _ended(*row)
    return list(found.values())


def _member(connection: sqlite3.Connection, job: Job, index: int) -> Unit:
    if (unit := job.take(index)) is not None:
        return unit
    return _unit(*connection.execute(f"{_UNIT} AND idx = ?", (job.spec.number, index)).fetchone())


def _unit(
    index: int,
    payload: str,
    where: str,
    name: str | None,
    source: int,
    start: str,
    extent: float | None,
    deaths: int,
    alone: int,
    attempts: int,
    state: str,
    take: int,
    done_before: int,
    *measures: float | None,
) -> Unit:
    return Unit(
        index,
        payload,
        where,
        name,
        source,
        start,
        deaths,
        bool(alone),
        begun=attempts > 0,
        former=_measured(*measures) if done_before else None,
        take=take,
        ended=state != "planned",
        extent=extent,
    )


def _ended(*row: object) -> Unit:
    unit = _unit(*row)  # type: ignore[arg-type]  # a row of SQLite is what its query says
    return replace(unit, deaths=0, alone=False, begun=True, ended=False)


def _measured(
    tokens: float | None,
    seconds: float | None,
    ttft: float | None,
    audio: float | None,
    size: float | None,
    confidence: float | None,
) -> Measured:
    return Measured(int(tokens or 0), seconds or 0.0, ttft, audio, int(size or 0), confidence)


def results(
    connection: sqlite3.Connection, root: Path, job: int, source: int | None, after: int, limit: int
) -> tuple[tuple[ResultRow, ...], bool]:
    """Up to `limit` finished units above index `after`, and whether they are the last; of one input, or of all.

    Raises:
        sqlite3.Error
    """
    query, values = "job = ?", [job]
    if source is not None:
        query, values = "job = ? AND source = ?", [job, source]
    found = connection.execute(
        f"SELECT idx, payload, result, file, digest FROM units WHERE {query} AND idx > ? AND state = 'done'"
        " ORDER BY idx LIMIT ?",
        (*values, after, limit + 1),
    )
    rows: list[ResultRow] = []
    size = 0
    folder = folder_of(root, job)
    for index, payload, result, file, digest in found:
        size += len(payload.encode()) + len(result.encode())
        if rows and (len(rows) == limit or size > RESULTS_BYTES):
            return tuple(rows), False
        rows.append(ResultRow(index, payload, result, str(folder / file) if file else "", digest or ""))
    return tuple(rows), True


def files_that_count(connection: sqlite3.Connection, job: int) -> frozenset[str]:
    """Names of the files that finished units count on. Raises sqlite3.Error."""
    rows = connection.execute("SELECT file FROM units WHERE job = ? AND file IS NOT NULL", (job,))
    return frozenset(name for (name,) in rows)
