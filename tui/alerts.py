"""What is wrong right now: what, since when, why, and the key that helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ipc import states
from ipc.snapshot import EngineRow, JobRow
from tui.store import Store


@dataclass(frozen=True)
class Alert:
    """One thing that needs the operator. `since` is unix seconds, None when nobody saw it begin."""

    about: str
    grave: Literal["warn", "bad"]
    what: str
    since: float | None
    why: str
    help: str


def alerts(store: Store) -> tuple[Alert, ...]:
    """The graver first; engines before jobs."""
    found = [
        *(_of_engine(row, store.since(row.name)) for row in store.engines.values()),
        *(_of_job(row, store.since(row.id)) for row in store.jobs.values()),
    ]
    return tuple(sorted((alert for alert in found if alert), key=lambda alert: alert.grave != "bad"))


def _of_engine(row: EngineRow, since: float | None) -> Alert | None:
    match row.state:
        case states.Failed(cause):
            return Alert(row.name, "bad", f"{row.name} failed", since, cause, "s starts it, l shows its log")
        case states.Backoff(attempt, _, cause) if attempt > 1:
            return Alert(row.name, "warn", f"{row.name} died {attempt} times", since, cause, "l shows its log")
        case states.Stopping(_, "kill", why):
            return Alert(row.name, "warn", f"{row.name} would not stop", since, why, "l shows its log")
        case _:
            return None


def _of_job(row: JobRow, since: float | None) -> Alert | None:
    match row.state:
        case "failed":
            return Alert(row.id, "bad", f"{row.id} failed", since, row.reason, "enter shows why")
        case "held":
            return Alert(row.id, "warn", f"{row.id} held", since, row.reason, "enter shows more")
        case _:
            return None
