"""One engine or desk as the runner holds it: its settings, the machine's record, its process, its meters."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import anyio
import msgspec

from engines.settings import EngineSettings
from ipc.snapshot import EngineRow, ProcessRole, Scalar, process_words
from ipc.states import Ready, pid_of
from ipc.work import ToChild
from supervisor.awaited import Awaited
from supervisor.beside_words import beside_words
from supervisor.host import ProcessReading
from supervisor.machine.effects import Reach
from supervisor.machine.record import Given, Record
from supervisor.memory.claims import Claim
from supervisor.process.child import Child
from supervisor.process.ring import LogRing
from supervisor.rate import Rate


@dataclass
class Slot:
    """Mutable, and only the runner mutates it. The log outlives the processes that print into it."""

    name: str
    kind: str
    python: str | None
    """The interpreter that the configuration names; see `supervisor/interpreters.py` for the one it gets."""
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
    changing: anyio.Lock = field(default_factory=anyio.Lock)
    """Held while its settings are changed: one change after the other."""
    claim: Claim | None = None
    """What the ledger promised it, from the decision to load until its model is gone."""
    bound: tuple[str, ...] | None = None
    """UUIDs of the GPUs that its process was started for; none for the CPU, None without a process."""
    runs_in: str | None = None
    """The interpreter of its process; None without one."""
    unsuited: dict[str, str] = field(default_factory=dict)
    """GPUs, by UUID, that its library was found unable to use, and why."""
    before_steps: dict[str, Scalar] = field(default_factory=dict)
    """What the settings were that the ladder for memory lowered."""
    layers: tuple[int, int] | None = None
    """Pieces on GPUs, and of how many, as the library told; None where it did not."""
    gpus: tuple[int, ...] = ()
    """Indexes of the GPUs it was placed on, or where its processes were seen."""
    hold: str = ""
    """Why no flight may begin on it just now; empty when nothing holds it."""
    blocked_by: tuple[str, ...] = ()
    """Engines that would have to leave for it, and that work keeps; empty where it did not ask, or has room."""
    rate: Rate = field(default_factory=Rate)
    note: str = ""
    said: str = ""
    """What the engine says of its loaded model."""
    pools: tuple[str, ...] = ()
    """That it is in."""
    outbox: deque[tuple[int, ToChild]] = field(default_factory=deque)
    """Tasks of a desk that wait for its process."""
    waiting: list[tuple[Reach, Awaited[None]]] = field(default_factory=list)
    tickets: dict[int, Awaited[None]] = field(default_factory=dict)
    published: EngineRow | None = None
    stands_by: Slot | None = None
    """The engine whose other process this is: the heir, or the former one on its way out. None for the engine."""
    other: Slot | None = None
    """The engine's other process, for as long as anything of it is there."""
    gone: anyio.Event = field(default_factory=anyio.Event)
    """Nothing is left of this other process."""

    @property
    def is_desk(self) -> bool:
        """Whether it plans and assembles rather than computes."""
        return self.record.role == "desk"

    @property
    def is_hidden(self) -> bool:
        """Whether clients and jobs know nothing of it: the other process of an engine."""
        return self.stands_by is not None

    @property
    def engine(self) -> str:
        """The engine whose process this is, for people."""
        return self.name if self.stands_by is None else self.stands_by.name

    @property
    def role(self) -> ProcessRole:
        """Which of the engine's processes it is, while that has two."""
        if self.stands_by is None:
            return ""
        return "successor" if self.record.role == "heir" else "former process"

    @property
    def heir(self) -> Slot | None:
        """The process that is to take the place of its own; None where there is none, or it was given up."""
        other = self.other
        return other if self.record.heir is not None and other is not None and other.record.role == "heir" else None

    @property
    def awaits_heir(self) -> bool:
        """Whether nothing may begin on its process any more, because another is ready to take its place."""
        return self.heir is not None and isinstance(self.heir.record.state, Ready)

    @property
    def effective(self) -> EngineSettings:
        """The settings with what the ledger chose where they leave it open."""
        room = self.record.room
        if not isinstance(room, Given) or not room.chosen:
            return self.settings
        return msgspec.convert({**msgspec.structs.asdict(self.settings), **room.chosen}, type(self.settings))

    def row(self) -> EngineRow:
        """What clients see."""
        settings = self.effective
        alive = pid_of(self.record.state) is not None
        return EngineRow(
            name=self.name,
            kind=self.kind,
            state=self.record.state,
            model=self.model,
            quantization=self.quantization,
            gpus=self.gpus if alive else (),
            parallel=settings.parallel,
            tokens_per_second=self.rate.per_second() if alive else None,
            ttft_seconds=self.ttft_seconds,
            rss_bytes=self.rss_bytes if alive else None,
            cpu_percent=self.cpu_percent if alive else None,
            restarts=self.record.restarts,
            note=self.note,
            hold=self.hold,
            chosen=self.claim.words if self.claim is not None else "",
            pinned=settings.pinned,
            unload_after_seconds=max(0.0, settings.unload_after),
            unload_depth=settings.unload_depth,
            said=self.said,
            pools=self.pools,
            beside="" if self.other is None else beside_words(self.record, self.other.record),
        )

    def forget_process(self) -> None:
        """The process is gone, and with it everything measured about it."""
        self.child = self.reading = self.rss_bytes = self.cpu_percent = self.bound = self.layers = None
        self.runs_in = None
        self.gpus = ()
        self.said = ""
        self.rate.clear()


OF_THE_PROCESS: Final = (
    "settings",
    "record",
    "child",
    "model",
    "quantization",
    "load_seconds",
    "ttft_seconds",
    "reading",
    "rss_bytes",
    "cpu_percent",
    "claim",
    "bound",
    "runs_in",
    "layers",
    "gpus",
    "hold",
    "rate",
    "said",
)
"""What goes along with a process when it comes to be another slot's."""


def heir_name(engine: str) -> str:
    """The name of a process that loads beside the engine's own: in words, because sentences hold it."""
    return process_words(engine, "successor")


def former_name(engine: str) -> str:
    """The name of a process that another has taken the place of."""
    return process_words(engine, "former process")


def exchange(one: Slot, other: Slot) -> None:
    """Each has the other's process from now on."""
    for name in OF_THE_PROCESS:
        mine, theirs = getattr(one, name), getattr(other, name)
        setattr(one, name, theirs)
        setattr(other, name, mine)
