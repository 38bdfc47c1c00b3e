"""Frozen views of the supervisor's truth, as clients receive them. Unknown is None, never 0."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from ipc.errors import Problem
from ipc.states import EngineState

Json: TypeAlias = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Scalar: TypeAlias = None | bool | int | float | str
Applies: TypeAlias = Literal["now", "flight", "context", "model", "process"]
JobState: TypeAlias = Literal[
    "queued", "running", "paused", "held", "assembling", "done", "done with problems", "failed", "cancelled"
]
FINISHED: frozenset[JobState] = frozenset({"done", "done with problems", "failed", "cancelled"})
Severity: TypeAlias = Literal["info", "warning", "error"]


class Knob(Struct, frozen=True, array_like=True):
    """One declared setting of an engine, with its present value: the knob panel draws nothing else."""

    name: str
    value: Scalar
    default: Scalar
    unit: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    recommendation: str
    applies: Applies
    help: str


class EngineRow(Struct, frozen=True, array_like=True):
    """One engine as every client shows it."""

    name: str
    kind: str
    state: EngineState
    model: str | None
    quantization: str | None
    gpus: tuple[int, ...]
    parallel: int
    tokens_per_second: float | None
    ttft_seconds: float | None
    rss_bytes: int | None
    cpu_percent: float | None
    restarts: int
    note: str
    """The reason of the last decision about this engine, one sentence, or empty."""


class JobRow(Struct, frozen=True, array_like=True):
    """One job. `units_total` is None until its planning has ended."""

    id: str
    kind: str
    engine: str
    state: JobState
    reason: str
    """Why it is held, failed or has problems; empty otherwise."""
    inputs: tuple[str, ...]
    output: str
    units_total: int | None
    units_done: int
    units_failed: int
    tokens: int
    tokens_per_second: float | None
    units_per_second: float | None
    eta_seconds: float | None
    submitted_unix: float
    finished_unix: float | None


class UnitProblem(Struct, frozen=True, array_like=True):
    """What was set aside of a job: a source line that could not be read, or a unit that failed."""

    where: str
    unit: str | None
    problem: Problem
    log_tail: tuple[str, ...]


class JobNumbers(Struct, frozen=True, array_like=True):
    """Measurements over the finished units of a job, in seconds and tokens per second; None where none ended."""

    ttft_p50_seconds: float | None
    ttft_p95_seconds: float | None
    tokens_per_second: float | None
    attempts: int


class JobDetail(Struct, frozen=True, array_like=True):
    """Everything `job show` prints."""

    row: JobRow
    numbers: JobNumbers
    problems: tuple[UnitProblem, ...]
    settings: dict[str, Scalar]


class HostReading(Struct, frozen=True, array_like=True):
    """The host at one moment."""

    unix: float
    cpu_percent: float
    load_1m: float
    ram_used_bytes: int
    ram_total_bytes: int
    swap_used_bytes: int
    swap_total_bytes: int
    disk_free_bytes: int
    disk_total_bytes: int


class GpuProcess(Struct, frozen=True, array_like=True):
    """One process that holds memory on a GPU."""

    pid: int
    name: str
    """Its command's name; empty where no such process can be seen: it ended, or is outside this container."""
    used_bytes: int | None
    engine: str
    """The engine it is, or works for; empty for a stranger."""


class GpuReading(Struct, frozen=True, array_like=True):
    """One GPU at one moment. What the card does not tell is None, never 0."""

    index: int
    uuid: str
    name: str
    unix: float
    """When the card last answered."""
    stale: bool
    """The values are old: the card is lost, or its driver does not answer; `problem` says which."""
    problem: str
    memory_total_bytes: int | None
    memory_used_bytes: int | None
    """Without what the driver keeps for itself."""
    memory_reserved_bytes: int | None
    utilisation_percent: float | None
    memory_utilisation_percent: float | None
    """Share of time in which its memory was read or written; not how full it is."""
    temperature_celsius: float | None
    memory_temperature_celsius: float | None
    slowdown_celsius: float | None
    """Where this card slows itself down."""
    power_watts: float | None
    power_limit_watts: float | None
    energy_joules: float | None
    """Since the driver was loaded: differences count."""
    sm_clock_mhz: int | None
    memory_clock_mhz: int | None
    fan_percent: float | None
    throttle: tuple[str, ...]
    """Why its clocks are lower than they could be, by name."""
    pcie_tx_bytes_per_second: float | None
    pcie_rx_bytes_per_second: float | None
    ecc_uncorrected: int | None
    """Since the driver was loaded."""
    compute_capability: str
    """Such as `9.0`; empty where it is not told."""
    display_active: bool | None
    mig: tuple[str, ...]
    """UUIDs of its MIG devices."""
    processes: tuple[GpuProcess, ...]


class GpuFleet(Struct, frozen=True, array_like=True):
    """What all GPUs share. `problem` is one sentence saying why there are none, or empty."""

    driver: str
    cuda: str
    problem: str


NO_FLEET = GpuFleet("", "", "")


class Happening(Struct, frozen=True, array_like=True):
    """One decision or fact with its reason; `sequence` grows by one and never repeats within a supervisor's life.

    `about` names an engine (`writer`), a job id, a GPU (`gpu 0`), or `supervisor`; `word` is a stable lower-case name
    such as `engine-died`, and `text` is the sentence on screen.
    """

    sequence: int
    unix: float
    severity: Severity
    about: str
    word: str
    text: str


class LogLine(Struct, frozen=True, array_like=True):
    """One line an engine printed; `number` counts from 1 over the life of that engine's ring."""

    number: int
    unix: float
    stream: Literal["stdout", "stderr", "supervisor"]
    text: str


class RecordingRow(Struct, frozen=True, array_like=True):
    """The recording under way."""

    path: str
    started_unix: float
    ticks: int


class SupervisorRow(Struct, frozen=True, array_like=True):
    """The supervisor about itself."""

    pid: int
    version: str
    host: str
    socket: str
    state_folder: str
    started_unix: float
    keeper: str
    """Who starts it again after a crash: `systemd`, `keeper (pid N)` or `nobody`."""
    clients: int
    recording: RecordingRow | None


class Snapshot(Struct, frozen=True, array_like=True, tag="snapshot"):
    """The whole truth at one moment: the first item of every watch, and again after an overflow."""

    unix: float
    monotonic: float
    supervisor: SupervisorRow
    host: HostReading
    engines: tuple[EngineRow, ...]
    jobs: tuple[JobRow, ...]
    happenings: tuple[Happening, ...]
    gpus: tuple[GpuReading, ...] = ()
    fleet: GpuFleet = NO_FLEET


class EngineChanged(Struct, frozen=True, array_like=True, tag="engine"):
    """A row that replaces the one of the same name."""

    row: EngineRow


class JobChanged(Struct, frozen=True, array_like=True, tag="job"):
    """A row that replaces the one of the same id."""

    row: JobRow


class JobGone(Struct, frozen=True, array_like=True, tag="job-gone"):
    """The job was cleared."""

    id: str


class Tick(Struct, frozen=True, array_like=True, tag="tick"):
    """Once a second: the host, the supervisor, both clocks, and the GPUs."""

    unix: float
    monotonic: float
    supervisor: SupervisorRow
    host: HostReading
    gpus: tuple[GpuReading, ...] = ()
    fleet: GpuFleet = NO_FLEET


class Happened(Struct, frozen=True, array_like=True, tag="happened"):
    """A new happening."""

    happening: Happening


Update: TypeAlias = Snapshot | EngineChanged | JobChanged | JobGone | Tick | Happened
