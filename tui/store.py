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
    Ledger,
    Snapshot,
    SupervisorRow,
    Tick,
    Update,
)
from tui.gpus import HISTORY, GpuPast

HAPPENINGS_KEPT = 1000

History = deque[float | None]


class Store:
    """The latest truth, and the little past that is drawn: one minute of rates, and since when a row is as it is.

    It starts from a snapshot, so nothing in it is ever "not there yet". While the connection is lost, `lost`
    says why and everything else stays as it was last seen.
    """

    def __init__(self, first: Snapshot) -> None:
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
        self.jobs: dict[str, JobRow] = {}
        self.happenings: deque[Happening] = deque(maxlen=HAPPENINGS_KEPT)
        self.rates: dict[str, History] = {}
        self.cpu: History = deque(maxlen=HISTORY)
        self._since: dict[str, float] = {}
        self.fold(first)

    def fold(self, update: Update) -> None:
        """Take one update in."""
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
                before = self.jobs.get(row.id)
                if before is not None and before.state != row.state:
                    self._since[row.id] = self.unix
                self.jobs[row.id] = row
            case JobGone(id):
                self.jobs.pop(id, None)
                self._since.pop(id, None)
            case Happened(happening):
                self.happenings.append(happening)

    def lose(self, problem: Problem) -> None:
        """The connection is gone; the next snapshot ends that."""
        self.lost = problem

    def since(self, name: str) -> float | None:
        """When (unix seconds) the engine or job came into its state; None when that was before anyone looked."""
        seen = self._since.get(name)
        if seen is not None:
            return seen
        told = (h.unix for h in reversed(self.happenings) if h.about == name and h.severity != "info")
        return next(told, None)

    def _replace(self, snapshot: Snapshot) -> None:
        kept = self._since if self._same_state(snapshot) else {}
        self.lost = None
        self.unix, self.monotonic = snapshot.unix, snapshot.monotonic
        self.supervisor, self.host = snapshot.supervisor, snapshot.host
        self.gpus, self.fleet, self.ledger = snapshot.gpus, snapshot.fleet, snapshot.ledger
        self.gpu_past.look(snapshot.gpus, None)
        self.engines = {row.name: row for row in snapshot.engines}
        self.jobs = {row.id: row for row in snapshot.jobs}
        self.happenings = deque(snapshot.happenings, maxlen=HAPPENINGS_KEPT)
        self._since = {name: at for name, at in kept.items() if name in self.engines or name in self.jobs}
        self.rates = {name: self.rates.get(name, deque(maxlen=HISTORY)) for name in self.engines}

    def _same_state(self, snapshot: Snapshot) -> bool:
        return snapshot.supervisor.started_unix == self.supervisor.started_unix

    def _tick(self, tick: Tick) -> None:
        self.unix, self.monotonic = tick.unix, tick.monotonic
        self.supervisor, self.host = tick.supervisor, tick.host
        self.gpus, self.fleet, self.ledger = tick.gpus, tick.fleet, tick.ledger
        self.gpu_past.tick(tick.gpus, tick.unix)
        self.cpu.append(tick.host.cpu_percent)
        for name, row in self.engines.items():
            ready = isinstance(row.state, states.Ready | states.Draining)
            self.rates.setdefault(name, deque(maxlen=HISTORY)).append(row.tokens_per_second if ready else None)
