"""Everything the screens show, folded from the supervisor's updates. Knows nothing of terminals."""

from __future__ import annotations

from collections import deque

from ipc import states
from ipc.errors import Problem
from ipc.snapshot import (
    EngineChanged,
    EngineRow,
    GpuFleet,
    GpuReading,
    Happened,
    Happening,
    HostReading,
    JobChanged,
    JobGone,
    JobRow,
    JobState,
    Ledger,
    PoolRow,
    Snapshot,
    SupervisorRow,
    Tick,
    Update,
)
from tui.gpus import HISTORY, GpuPast
from tui.joborder import JobOrder

HAPPENINGS_KEPT = 1000
TROUBLED: frozenset[JobState] = frozenset({"held", "failed", "done with problems"})
"""What may need the operator."""

History = deque[float | None]


class Store:
    """The latest truth, and the little past that is drawn: one minute of rates, since when a row is as it is, and
    which ends of jobs were looked at here.

    It starts from a snapshot, so nothing in it is ever "not there yet". While the connection is lost, `lost`
    says why and everything else stays as it was last seen.
    """

    def __init__(self, first: Snapshot) -> None:
        self.version = 0
        """Grows with every change of anything."""
        self.lost: Problem | None = None
        self.unix: float = first.unix
        self.monotonic: float = first.monotonic
        self.supervisor: SupervisorRow = first.supervisor
        self.host: HostReading = first.host
        self.gpus: tuple[GpuReading, ...] = first.gpus
        self.fleet: GpuFleet = first.fleet
        self.ledger: Ledger = first.ledger
        self.gpu_past = GpuPast()
        self.engines: dict[str, EngineRow] = {}
        self.pools: dict[str, PoolRow] = {}
        self.jobs: dict[str, JobRow] = {}
        self.jobs_version = 0
        """Grows with every change of any job."""
        self.order = JobOrder()
        self.troubled: set[str] = set()
        """Jobs that may need the operator: the others, however many, cost nothing to ask."""
        self.happenings: deque[Happening] = deque(maxlen=HAPPENINGS_KEPT)
        self.rates: dict[str, History] = {}
        self.cpu: History = deque(maxlen=HISTORY)
        self._since: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._looked_at: dict[str, float] = {}
        self.fold(first)

    def fold(self, update: Update) -> None:
        """Take one update in."""
        self.version += 1
        match update:
            case Snapshot():
                self._replace(update)
            case Tick():
                self._tick(update)
            case EngineChanged(row):
                old = self.engines.get(row.name)
                if old is not None and type(old.state) is not type(row.state):
                    self._since[row.name] = self.unix
                self.engines[row.name] = row
            case JobChanged(row):
                self._job(row)
            case JobGone(id):
                self.jobs.pop(id, None)
                self.jobs_version += 1
                self.order.drop(id)
                self.troubled.discard(id)
                for past in (self._since, self._told, self._looked_at):
                    past.pop(id, None)
            case Happened(happening):
                self.happenings.append(happening)
                self._tell(happening)

    def lose(self, problem: Problem) -> None:
        """The connection is gone; the next snapshot ends that."""
        self.version += 1
        self.lost = problem

    def since(self, name: str) -> float | None:
        """When (unix seconds) the engine or job came into its state; None when that was before anyone looked."""
        return self._since.get(name, self._told.get(name))

    def look_at(self, id: str) -> None:  # noqa: A002 (the protocol's word)
        """The operator sees how this job ended; a later end is another."""
        row = self.jobs.get(id)
        if row is not None and row.finished_unix is not None and not self.looked_at(row):
            self._looked_at[id] = row.finished_unix
            self.version += 1

    def looked_at(self, row: JobRow) -> bool:
        """Whether this end of the job was seen."""
        return row.finished_unix is not None and self._looked_at.get(row.id) == row.finished_unix

    def _job(self, row: JobRow) -> None:
        before = self.jobs.get(row.id)
        if before is None or before.state != row.state:
            self._since[row.id] = self.unix
        self.jobs[row.id] = row
        self.jobs_version += 1
        self.order.put(row)
        (self.troubled.add if row.state in TROUBLED else self.troubled.discard)(row.id)

    def _tell(self, happening: Happening) -> None:
        if happening.severity != "info":
            self._told[happening.about] = happening.unix

    def _replace(self, snapshot: Snapshot) -> None:
        kept = self._since if self._same_state(snapshot) else {}
        self.lost = None
        self.unix, self.monotonic = snapshot.unix, snapshot.monotonic
        self.supervisor, self.host = snapshot.supervisor, snapshot.host
        self.gpus, self.fleet, self.ledger = snapshot.gpus, snapshot.fleet, snapshot.ledger
        self.gpu_past.look(snapshot.gpus, None)
        self.engines = {row.name: row for row in snapshot.engines}
        self.pools = {row.name: row for row in snapshot.pools}
        self.jobs = {row.id: row for row in snapshot.jobs}
        self.jobs_version += 1
        self.order.replace(snapshot.jobs)
        self.troubled = {row.id for row in snapshot.jobs if row.state in TROUBLED}
        self._looked_at = {one: at for one, at in self._looked_at.items() if one in self.jobs}
        self.happenings = deque(snapshot.happenings, maxlen=HAPPENINGS_KEPT)
        self._told = {}
        for happening in snapshot.happenings:
            self._tell(happening)
        self._since = {name: at for name, at in kept.items() if name in self.engines or name in self.jobs}
        self.rates = {name: self.rates.get(name, deque(maxlen=HISTORY)) for name in self.engines}

    def _same_state(self, snapshot: Snapshot) -> bool:
        return snapshot.supervisor.started_unix == self.supervisor.started_unix

    def _tick(self, tick: Tick) -> None:
        self.unix, self.monotonic = tick.unix, tick.monotonic
        self.supervisor, self.host = tick.supervisor, tick.host
        self.gpus, self.fleet, self.ledger = tick.gpus, tick.fleet, tick.ledger
        self.pools = {row.name: row for row in tick.pools}
        self.gpu_past.tick(tick.gpus, tick.unix)
        self.cpu.append(tick.host.cpu_percent)
        for name, row in self.engines.items():
            ready = isinstance(row.state, states.Ready | states.Draining)
            self.rates.setdefault(name, deque(maxlen=HISTORY)).append(row.tokens_per_second if ready else None)
