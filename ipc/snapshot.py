"""Frozen views of the supervisor's truth, as clients receive them. Unknown is None, never 0.

Over 400 lines, because every word that a client can see stands in one file.
"""

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
ProcessRole: TypeAlias = Literal["", "successor", "former process"]
"""Which of an engine's processes, while it has two; empty for the one at work."""
Severity: TypeAlias = Literal["info", "warning", "error"]
Pressure: TypeAlias = Literal["low", "medium", "high", "critical"]


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
    """Indexes of the GPUs it was placed on; empty for the CPU."""
    parallel: int
    """Units at once; 0 where the next load will choose it."""
    tokens_per_second: float | None
    ttft_seconds: float | None
    rss_bytes: int | None
    cpu_percent: float | None
    restarts: int
    note: str
    """The reason of the last decision about this engine, one sentence, or empty."""
    hold: str = ""
    """Why work for it waits just now: `memory: …`, `heat: …`; empty when nothing holds it."""
    chosen: str = ""
    """What the ledger chose where the settings left it open, such as `q4 · 20 of 33 layers`; empty when nothing."""
    pinned: bool = False
    unload_after_seconds: float = 0.0
    """As in force, also where the GPU's tier decided it; 0 for never."""
    unload_depth: Literal["model", "exit"] = "exit"
    said: str = ""
    """What it says of its loaded model, such as `cache 83 % of 1,204`; empty for nothing."""
    pools: tuple[str, ...] = ()
    """Names of the pools that it is in."""
    beside: str = ""
    """What its other process does, such as `float32 loads beside int8, 62 %`; empty while it has one at most."""


class PoolRow(Struct, frozen=True, array_like=True):
    """One name over several engines of a kind. `hits` and `misses` are since the supervisor began."""

    name: str
    kind: str
    route: str
    """Such as `small < 30 s < medium`."""
    languages: dict[str, str]
    """Routes of their own, by language."""
    members: tuple[str, ...]
    residents: tuple[str, ...]
    """Members with a model in memory."""
    hits: int
    """Recordings and requests that found their engine loaded."""
    misses: int
    """Those that had to wait for a load."""
    claimed_bytes: int = 0
    """By its members, of GPUs, or of the host where they are on none."""
    budget_bytes: int | None = None
    """The most that they may claim at once; None for whatever fits."""

    @property
    def hit_rate(self) -> float | None:
        """Of all that came, 0..1; None where nothing did."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else None


class JobRow(Struct, frozen=True, array_like=True):
    """One job. `units_total` is None until its planning has ended; `units_expected` is an estimate until then."""

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
    units_expected: int | None = None
    """Where the total is not known: what is planned ÷ the share of the sources that was read."""
    eta_spread_seconds: float | None = None
    """Half the width of the interval around the ETA in which it ends nine times out of ten."""
    priority: int = 5
    """1 to 9; the higher, the sooner."""
    after: tuple[str, ...] = ()
    """Jobs that must end well before it begins."""
    units_flying: int = 0
    audio_seconds: float | None = None
    """Sound that its units heard or made; None where there was none."""
    rtf: float | None = None
    """Seconds of work for each second of audio."""
    joules: float | None = None
    """That GPUs spent on it; None where none counts energy."""
    result_bytes: int = 0
    """Results kept in the state folder until the job is cleared."""
    more_inputs: int = 0
    """Besides the first of them, which `inputs` names."""
    confidence: float | None = None
    """Mean natural logarithm of the probability of a token, units weighing as much as their audio; None where no unit
    told it."""


UnitState: TypeAlias = Literal["planned", "flying", "done", "failed", "quarantined"]


class UnitProblem(Struct, frozen=True, array_like=True):
    """What was set aside of a job: a piece of a source that could not become a unit, or a unit that failed.

    `index` is the unit's number in its job, None for a piece of a source.
    """

    where: str
    unit: str | None
    problem: Problem
    log_tail: tuple[str, ...]
    index: int | None = None
    state: UnitState | None = None
    """Of the unit, such as `quarantined`; None for a piece of a source."""


class UnitRow(Struct, frozen=True, array_like=True):
    """One unit of a job; what was not measured is None."""

    index: int
    """Its number in its job, from 0 on, in the order of the sources."""
    name: str | None
    where: str
    state: UnitState
    attempts: int
    """Flights that took it up."""
    run: int | None
    """Number of the `RunRow` that it was done under."""
    tokens: int | None
    seconds: float | None
    ttft_seconds: float | None
    audio_seconds: float | None
    joules: float | None
    result_bytes: int | None
    take: int = 0
    """How often the operator asked to do it again."""
    confidence: float | None = None
    """Mean natural logarithm of the probability of its tokens."""


class RunRow(Struct, frozen=True, array_like=True):
    """A stretch of a job on one engine under the same settings."""

    number: int
    engine: str
    since_unix: float
    settings: dict[str, Scalar]
    units: int
    """Done under them."""


class JobNumbers(Struct, frozen=True, array_like=True):
    """Measurements over the finished units of a job, in seconds and tokens per second; None where none ended."""

    ttft_p50_seconds: float | None
    ttft_p95_seconds: float | None
    tokens_per_second: float | None
    """Of one unit: all tokens ÷ all seconds that units took."""
    attempts: int
    unit_p50_seconds: float | None = None
    unit_p95_seconds: float | None = None


class JobDetail(Struct, frozen=True, array_like=True):
    """Everything `job show` prints."""

    row: JobRow
    numbers: JobNumbers
    problems: tuple[UnitProblem, ...]
    settings: dict[str, Scalar]
    runs: tuple[RunRow, ...] = ()
    own: dict[str, Scalar] = {}
    """Settings that the job was given for itself: they count instead of the engine's."""


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


def process_words(engine: str, role: ProcessRole) -> str:
    """For a person: `ears`, `ears' successor`."""
    return f"{engine}'{'' if engine.endswith('s') else 's'} {role}" if role else engine


class GpuProcess(Struct, frozen=True, array_like=True):
    """One process that holds memory on a GPU."""

    pid: int
    name: str
    """Its command's name; empty where no such process can be seen: it ended, or is outside this container."""
    used_bytes: int | None
    engine: str
    """The engine it is, or works for; empty for a stranger."""
    role: ProcessRole = ""

    @property
    def holder(self) -> str:
        """The engine's process that it is, for a person; empty for a stranger."""
        return process_words(self.engine, self.role)


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
    persistence: bool | None = None
    """The driver keeps it ready while nobody uses it."""


class GpuFleet(Struct, frozen=True, array_like=True):
    """What all GPUs share. `problem` is one sentence saying why there are none, or empty."""

    driver: str
    cuda: str
    problem: str


NO_FLEET = GpuFleet("", "", "")


class Share(Struct, frozen=True, array_like=True):
    """What one engine holds of one GPU, or of the host's memory. The ledger counts the larger of both numbers."""

    engine: str
    measured_bytes: int | None
    claimed_bytes: int
    """Its expected peak, held from the decision to load until its exit; 0 once its model is unloaded."""
    estimated: bool
    """The claim was never measured: it wears a `~`."""
    by_difference: bool
    """Measured from what the GPU's use grew by, because process ids are hidden here: it wears a `~`."""
    role: ProcessRole = ""

    @property
    def holder(self) -> str:
        """The engine's process that holds it, for a person."""
        return process_words(self.engine, self.role)


class Stranger(Struct, frozen=True, array_like=True):
    """A process on a GPU that is none of ours. `name` is empty where it cannot be seen from here."""

    pid: int
    name: str
    used_bytes: int | None


class GpuBook(Struct, frozen=True, array_like=True):
    """One GPU in the ledger. What is unknown is None; `free_bytes` is what new claims may take."""

    index: int
    uuid: str
    total_bytes: int | None
    reserve_bytes: int
    """Kept free for surprises, and what the driver keeps for itself."""
    shares: tuple[Share, ...]
    strangers: tuple[Stranger, ...]
    others_bytes: int | None
    """In use by nobody of ours: strangers, and what no process accounts for."""
    withheld_bytes: int
    """Did not come back after an unload; part of `others_bytes`."""
    withheld_why: str
    free_bytes: int | None
    pressure: Pressure
    hold: str
    """Why no new flight begins on it, such as `heat: 92 °C, resumes at 82`; empty when nothing holds it."""
    residents: int
    """Engines with a model on it."""
    residents_limit: int


class HostBook(Struct, frozen=True, array_like=True):
    """The host's memory and CPU threads in the ledger."""

    total_bytes: int
    reserve_bytes: int
    shares: tuple[Share, ...]
    others_bytes: int
    free_bytes: int
    pressure: Pressure
    threads: int
    threads_claimed: dict[str, int]
    """By engine."""


class Alarm(Struct, frozen=True, array_like=True):
    """Something about memory, heat or GPUs that needs the operator, for as long as it is so.

    `word` is `leak`, `thrash`, `pressure`, `heat`, `not-on-gpu`, `fewer-layers` or `gpu-idle`.
    """

    about: str
    word: str
    severity: Severity
    since_unix: float
    text: str
    """One sentence: what and why."""
    help: str
    """The way out."""


class Ledger(Struct, frozen=True, array_like=True):
    """Who holds and who was promised memory. `host` is None before the first look."""

    gpus: tuple[GpuBook, ...]
    host: HostBook | None
    alarms: tuple[Alarm, ...]


NO_LEDGER = Ledger((), None, ())


class FootprintRow(Struct, frozen=True, array_like=True):
    """What a model was measured to take: the highest of `loads` loads."""

    kind: str
    model: str
    """What people call it."""
    quantization: str | None
    shape: str
    """The settings that memory depends on, such as `n_ctx=4096 parallel=8`."""
    gpu: str
    """The GPU's model; empty for the host's memory."""
    peak_bytes: int
    load_seconds: float
    loads: int
    measured_unix: float


class Build(Struct, frozen=True, array_like=True):
    """What an engine's build of its library can use, told without loading anything."""

    engine: str
    least_capability: str
    """The oldest compute capability that it runs on, such as `7.0`; empty when unknown."""
    why_no_gpu: str
    """Why it can use no GPU whatever is there, or empty."""
    problem: Problem | None
    """What a load would meet, such as a missing file; nothing else is known then."""
    wants_gpu: bool = True
    """False where its settings put nothing on a GPU."""


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
    ledger: Ledger = NO_LEDGER
    pools: tuple[PoolRow, ...] = ()


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
    """Once a second: the host, the supervisor, both clocks, the GPUs, the ledger and the pools."""

    unix: float
    monotonic: float
    supervisor: SupervisorRow
    host: HostReading
    gpus: tuple[GpuReading, ...] = ()
    fleet: GpuFleet = NO_FLEET
    ledger: Ledger = NO_LEDGER
    pools: tuple[PoolRow, ...] = ()


class Happened(Struct, frozen=True, array_like=True, tag="happened"):
    """A new happening."""

    happening: Happening


Update: TypeAlias = Snapshot | EngineChanged | JobChanged | JobGone | Tick | Happened
