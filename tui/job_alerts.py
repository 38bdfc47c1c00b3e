"""Which jobs need the operator: held for long, or ended badly and not looked at since. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import JobRow
from tui import measures
from tui.alert import Alert
from tui.store import Store

HELD_SECONDS = 60.0
"""A job that is held for less is none of the operator's business."""
MANY = 3
"""So many bad ends are told one by one; more are one alert."""


def of_jobs(store: Store, troubled: Sequence[JobRow]) -> list[Alert]:
    """Of these rows, in their order."""
    held = [row for row in troubled if row.state == "held" and _long(store.since(row.id), store.unix)]
    ended = [row for row in troubled if row.state != "held" and not store.looked_at(row)]
    told = [_of_end(row) for row in ended] if len(ended) <= MANY else [_of_many(ended)]
    by_reason: dict[str, list[JobRow]] = {}
    for row in held:
        by_reason.setdefault(row.reason, []).append(row)
    return [*(_of_hold(rows, store) for rows in by_reason.values()), *told]


def _long(since: float | None, now: float) -> bool:
    """A hold that nobody saw begin is older than this dashboard."""
    return since is None or now - since >= HELD_SECONDS


def _of_hold(rows: Sequence[JobRow], store: Store) -> Alert:
    """All that one reason holds."""
    first = rows[0]
    began = [since for row in rows if (since := store.since(row.id)) is not None]
    since = min(began) if len(began) == len(rows) else None
    what = first.id if len(rows) == 1 else measures.plural(len(rows), "job")
    return Alert(first.id, "warn", f"{what} held", since, first.reason, "enter shows more")


def _of_end(row: JobRow) -> Alert:
    if row.state == "failed":
        return Alert(row.id, "bad", f"{row.id} failed", row.finished_unix, row.reason, "enter shows why, t tries again")
    why = f"{row.units_failed:,} set aside" if row.units_failed else row.reason
    return Alert(row.id, "warn", f"{row.id} ended with problems", row.finished_unix, why, "enter shows them")


def _of_many(rows: Sequence[JobRow]) -> Alert:
    """Named are the newest, which come first."""
    failed = sum(row.state == "failed" for row in rows)
    what = f"{measures.plural(len(rows), 'job')} ended badly"
    why = f"{rows[0].id}, {rows[1].id} and {len(rows) - 2:,} more"
    since = rows[0].finished_unix
    return Alert(rows[0].id, "bad" if failed else "warn", what, since, why, "enter on one shows why, X clears it")
