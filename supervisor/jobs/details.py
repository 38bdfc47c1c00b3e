"""What `job show` and its like add to a row, read beside the writer, which is not kept waiting."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ipc.errors import Problem
from ipc.snapshot import JobNumbers, RunRow, Scalar, UnitProblem, UnitRow, UnitState

MOST_PROBLEMS = 500
"""So many are listed, the first ones, so that a source of nothing but problems still fits one message."""
MOST_TAIL_BYTES = 4 * 1024 * 1024
"""Of engines' last lines together, for the same reason: the later ones go without."""
MOST_UNITS = 1000

_problems = msgspec.json.Decoder(Problem)
_lines = msgspec.json.Decoder(tuple[str, ...])
_settings = msgspec.json.Decoder(dict[str, Scalar])


@dataclass(frozen=True)
class Particulars:
    """What `job show` adds to the row."""

    numbers: JobNumbers
    problems: tuple[UnitProblem, ...]
    runs: tuple[RunRow, ...]


def particulars(path: Path, job: int, attempts: int) -> Particulars:
    """Of one job. Raises sqlite3.Error."""
    with _reading(path) as connection:
        return Particulars(_numbers(connection, job, attempts), _problems_of(connection, job), _runs(connection, job))


def units(
    path: Path, job: int, after: int, limit: int, states: Collection[UnitState], flying: Collection[int]
) -> tuple[tuple[UnitRow, ...], bool]:
    """A page of units, and whether no more follow; `flying` are those in the air just now. Raises sqlite3.Error."""
    limit = max(1, min(limit, MOST_UNITS))
    rows: list[UnitRow] = []
    with _reading(path) as connection:
        found = connection.execute(
            "SELECT idx, name, place, state, attempts, run, tokens, seconds, ttft, audio, joules, bytes, take,"
            " confidence FROM units WHERE job = ? AND idx > ? ORDER BY idx",
            (job, after),
        )
        for index, name, place, state, *rest in found:
            now: UnitState = "flying" if index in flying and state == "planned" else state
            if states and now not in states:
                continue
            if len(rows) == limit:
                return tuple(rows), False
            rows.append(UnitRow(index, name, place, now, *rest))
    return tuple(rows), True


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        yield connection


def _numbers(connection: sqlite3.Connection, job: int, attempts: int) -> JobNumbers:
    measured = connection.execute(
        "SELECT tokens, seconds, ttft FROM units WHERE job = ? AND state = 'done'", (job,)
    ).fetchall()
    seconds = sorted(took for _, took, _ in measured if took is not None)
    firsts = sorted(first for _, _, first in measured if first is not None)
    whole = sum(seconds)
    return JobNumbers(
        ttft_p50_seconds=_quantile(firsts, 0.50),
        ttft_p95_seconds=_quantile(firsts, 0.95),
        tokens_per_second=sum(tokens or 0 for tokens, _, _ in measured) / whole if whole else None,
        attempts=attempts,
        unit_p50_seconds=_quantile(seconds, 0.50),
        unit_p95_seconds=_quantile(seconds, 0.95),
    )


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _problems_of(connection: sqlite3.Connection, job: int) -> tuple[UnitProblem, ...]:
    found = connection.execute(
        "SELECT problems.place, unit, problem, log_tail, problems.idx, units.state FROM problems"
        " LEFT JOIN units ON units.job = problems.job AND units.idx = problems.idx"
        " WHERE problems.job = ? ORDER BY problems.number LIMIT ?",
        (job, MOST_PROBLEMS),
    )
    problems: list[UnitProblem] = []
    size = 0
    for where, unit, problem, tail, index, state in found:
        size += len(tail.encode())
        lines = _lines.decode(tail) if size < MOST_TAIL_BYTES else ()
        problems.append(UnitProblem(where, unit, _problems.decode(problem), lines, index, state))
    return tuple(problems)


def _runs(connection: sqlite3.Connection, job: int) -> tuple[RunRow, ...]:
    found = connection.execute(
        "SELECT runs.number, engine, unix, settings, count(units.idx) FROM runs"
        " LEFT JOIN units ON units.job = runs.job AND units.run = runs.number AND units.state = 'done'"
        " WHERE runs.job = ? GROUP BY runs.number ORDER BY runs.number",
        (job,),
    )
    return tuple(
        RunRow(number, engine, unix, _settings.decode(settings), count)
        for number, engine, unix, settings, count in found
    )
