"""Which units ran under what: a run is a stretch of a job on one engine with the same settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ipc.snapshot import Scalar
from supervisor.jobs.changes import RunBegan


@dataclass(frozen=True)
class Run:
    """An engine with its settings at one moment."""

    engine: str
    settings: Mapping[str, Scalar]
    unix: float


class Runs:
    """Numbers them; what an engine last ran under is known for as long as this supervisor lives."""

    def __init__(self, used: int = 0) -> None:
        self._used = used
        self._latest: dict[tuple[int, str], tuple[int, Mapping[str, Scalar]]] = {}

    def skip(self, used: int) -> None:
        """Numbers up to `used` are taken."""
        self._used = max(self._used, used)

    def of(self, job: int, run: Run) -> tuple[int, RunBegan | None]:
        """Its number, and the change that tells of it where it is a new one."""
        known = self._latest.get((job, run.engine))
        if known is not None and known[1] == run.settings:
            return known[0], None
        self._used += 1
        self._latest[job, run.engine] = self._used, run.settings
        return self._used, RunBegan(self._used, job, run.engine, run.settings, run.unix)

    def forget(self, job: int) -> None:
        """The job is over."""
        self._latest = {key: known for key, known in self._latest.items() if key[0] != job}
