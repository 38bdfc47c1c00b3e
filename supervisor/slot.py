"""One engine or desk as the runner holds it: its settings, the machine's record, its process, its meters."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from engines.settings import EngineSettings
from ipc.snapshot import EngineRow
from ipc.states import pid_of
from ipc.work import ToChild
from supervisor.awaited import Awaited
from supervisor.host import ProcessReading
from supervisor.machine.effects import Reach
from supervisor.machine.record import Record
from supervisor.process.child import Child
from supervisor.process.ring import LogRing
from supervisor.rate import Rate


@dataclass
class Slot:
    """Mutable, and only the runner mutates it. The log outlives the processes that print into it."""

    name: str
    kind: str
    python: str | None
    settings: EngineSettings
    """What is in force, or what the next load uses."""
    record: Record
    log: LogRing
    child: Child | None = None
    model: str | None = None
    quantization: str | None = None
    load_seconds: float | None = None
    ttft_seconds: float | None = None
    reading: ProcessReading | None = None
    rss_bytes: int | None = None
    cpu_percent: float | None = None
    gpus: tuple[int, ...] = ()
    """Where its processes were seen."""
    rate: Rate = field(default_factory=Rate)
    note: str = ""
    outbox: deque[tuple[int, ToChild]] = field(default_factory=deque)
    """Tasks of a desk that wait for its process."""
    waiting: list[tuple[Reach, Awaited[None]]] = field(default_factory=list)
    tickets: dict[int, Awaited[None]] = field(default_factory=dict)
    published: EngineRow | None = None

    @property
    def is_desk(self) -> bool:
        """Whether it plans and assembles rather than computes."""
        return self.record.role == "desk"

    def row(self) -> EngineRow:
        """What clients see."""
        alive = pid_of(self.record.state) is not None
        return EngineRow(
            name=self.name,
            kind=self.kind,
            state=self.record.state,
            model=self.model,
            quantization=self.quantization,
            gpus=self.gpus if alive else (),
            parallel=self.settings.parallel,
            tokens_per_second=self.rate.per_second() if alive else None,
            ttft_seconds=self.ttft_seconds,
            rss_bytes=self.rss_bytes if alive else None,
            cpu_percent=self.cpu_percent if alive else None,
            restarts=self.record.restarts,
            note=self.note,
        )

    def forget_process(self) -> None:
        """The process is gone, and with it everything measured about it."""
        self.child = self.reading = self.rss_bytes = self.cpu_percent = None
        self.gpus = ()
        self.rate.clear()
