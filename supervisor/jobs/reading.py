"""What the store knows, read back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ipc.errors import EngineRoomError, Problem
from ipc.snapshot import JobNumbers, UnitProblem
from ipc.work import ResultRow
from supervisor.jobs.job import Facts, Formation, Job, Spec, Unit
from supervisor.jobs.troubles import damaged, problem_of

RESULTS_BYTES = 4 * 1024 * 1024
"""One lot of results ends once it holds so much, well below the largest message to a desk."""

MOST_PROBLEMS = 500
"""So many are listed, the first ones, so that a source of nothing but problems still fits one message."""

_specs = msgspec.json.Decoder(Spec)
_facts = msgspec.json.Decoder(Facts)
_indices = msgspec.json.Decoder(list[int])
_problems = msgspec.json.Decoder(Problem)
_lines = msgspec.json.Decoder(tuple[str, ...])

_UNIT = "SELECT idx, payload, place, name, deaths, alone, state <> 'planned' FROM units WHERE job = ?"


@dataclass(frozen=True)
class Stored:
    """Everything a new supervisor takes up."""

    jobs: tuple[tuple[Spec, Facts], ...]
    """All of them, oldest first."""
    under_way: tuple[Job, ...]
    last_job: int
    last_flight: int


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
    under_way = tuple(_job(connection, spec, facts) for spec, facts in jobs if facts.ending is None)
    (last_flight,) = connection.execute("SELECT coalesce(max(id), 0) FROM flights").fetchone()
    kept = [formation.flight for job in under_way for formation in job.formations]
    connection.execute(f"DELETE FROM flights WHERE id NOT IN ({','.join(map(str, kept))})")
    return Stored(jobs, under_way, max((spec.number for spec, _ in jobs), default=0), last_flight)


def _job(connection: sqlite3.Connection, spec: Spec, facts: Facts) -> Job:
    job = Job(spec, facts)
    job.put_back(_unit(*row) for row in connection.execute(f"{_UNIT} AND state = 'planned'", (spec.number,)))
    flights = connection.execute("SELECT id, units FROM flights WHERE job = ? AND again ORDER BY id", (spec.number,))
    for flight, indices in flights.fetchall():
        units = tuple(_member(connection, job, index) for index in _indices.decode(indices))
        if any(not unit.ended for unit in units):
            job.formations.append(Formation(flight, units, crashes=0))
    return job


def _member(connection: sqlite3.Connection, job: Job, index: int) -> Unit:
    if (unit := job.free.pop(index, None)) is not None:
        return unit
    return _unit(*connection.execute(f"{_UNIT} AND idx = ?", (job.spec.number, index)).fetchone())


def _unit(index: int, payload: str, where: str, name: str | None, deaths: int, alone: int, ended: int) -> Unit:
    return Unit(index, payload, where, name, deaths, bool(alone), bool(ended))


def results(connection: sqlite3.Connection, job: int, after: int, limit: int) -> tuple[tuple[ResultRow, ...], bool]:
    """Up to `limit` finished units above index `after`, and whether they are the last. Raises sqlite3.Error."""
    found = connection.execute(
        "SELECT idx, payload, result FROM units WHERE job = ? AND idx > ? AND state = 'done' ORDER BY idx LIMIT ?",
        (job, after, limit + 1),
    )
    rows: list[ResultRow] = []
    size = 0
    for row in found:
        size += len(row[1]) + len(row[2])
        if rows and (len(rows) == limit or size > RESULTS_BYTES):
            return tuple(rows), False
        rows.append(ResultRow(*row))
    return tuple(rows), True


@dataclass(frozen=True)
class Particulars:
    """What `job show` adds to the row."""

    numbers: JobNumbers
    problems: tuple[UnitProblem, ...]


def particulars(path: Path, job: int, attempts: int) -> Particulars:
    """Read beside the writer, which is not kept waiting. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        tokens, seconds, timed = connection.execute(
            "SELECT sum(tokens), sum(seconds), count(ttft) FROM units WHERE job = ? AND state = 'done'", (job,)
        ).fetchone()
        numbers = JobNumbers(
            ttft_p50_seconds=_ttft(connection, job, 0.50, timed),
            ttft_p95_seconds=_ttft(connection, job, 0.95, timed),
            tokens_per_second=tokens / seconds if seconds else None,
            attempts=attempts,
        )
        found = connection.execute(
            "SELECT place, unit, problem, log_tail FROM problems WHERE job = ? ORDER BY number LIMIT ?",
            (job, MOST_PROBLEMS),
        )
        problems = tuple(
            UnitProblem(where, unit, _problems.decode(problem), _lines.decode(tail))
            for where, unit, problem, tail in found
        )
        return Particulars(numbers, problems)


def _ttft(connection: sqlite3.Connection, job: int, share: float, count: int) -> float | None:
    found = connection.execute(
        "SELECT ttft FROM units WHERE job = ? AND ttft IS NOT NULL ORDER BY ttft LIMIT 1 OFFSET ?",
        (job, min(count - 1, int(share * count))),
    ).fetchone()
    return found[0] if found and count else None
