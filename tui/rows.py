"""Which rows are shown, and in which order. Pure."""

from __future__ import annotations

from ipc.snapshot import FINISHED, EngineRow, JobRow
from tui.store import Store


def engines(store: Store, filter: str) -> list[EngineRow]:  # noqa: A002 (the word on screen)
    """Engines in the order of the configuration that contain `filter` (lower case) somewhere."""
    return [
        row
        for row in store.engines.values()
        if _matches(filter, row.name, row.kind, row.model or "", type(row.state).__name__, row.hold and "held")
    ]


def jobs(store: Store, filter: str) -> list[JobRow]:  # noqa: A002 (the word on screen)
    """Open jobs in order of submission, then finished ones, the latest first."""
    rows = [
        row
        for row in store.jobs.values()
        if _matches(filter, row.id, row.kind, row.engine, row.state, row.output, *row.inputs)
    ]
    return sorted(rows, key=lambda row: (row.state in FINISHED, -(row.finished_unix or 0.0), row.submitted_unix))


def _matches(wanted: str, *texts: str) -> bool:
    return not wanted or any(wanted in text.lower() for text in texts)
