"""A box as it could be: rows, happenings and readings with fixed values, so that screens can be compared."""

from __future__ import annotations

from msgspec.structs import replace

from ipc import states
from ipc.errors import Problem
from ipc.snapshot import (
    NO_FLEET,
    NO_LEDGER,
    EngineRow,
    GpuFleet,
    GpuProcess,
    GpuReading,
    Happening,
    HostReading,
    JobDetail,
    JobNumbers,
    JobRow,
    JobState,
    Knob,
    PoolRow,
    RecordingRow,
    Snapshot,
    SupervisorRow,
    Tick,
    UnitProblem,
)

GIB = 1 << 30
NOW = 1_790_000_053.0
"""The box's clock at the first snapshot, unix seconds; tests run in UTC."""
MONOTONIC = 5_000.0


def engine(name: str, state: states.EngineState, rate: float | None = None, **other: object) -> EngineRow:
    """An engine with plain values everywhere else."""
    values: dict[str, object] = {
        "name": name,
        "kind": "llm",
        "state": state,
        "model": None,
        "quantization": None,
        "gpus": (),
        "parallel": 4,
        "tokens_per_second": rate,
        "ttft_seconds": None,
        "rss_bytes": None,
        "cpu_percent": None,
        "restarts": 0,
        "note": "",
    }
    return EngineRow(**{**values, **other})  # type: ignore[arg-type]


def job(number: int, state: JobState, done: int, total: int | None, **other: object) -> JobRow:
    """A job with plain values everywhere else."""
    values: dict[str, object] = {
        "id": f"gpubox-3-{number}",
        "kind": "llm",
        "engine": "writer",
        "state": state,
        "reason": "",
        "inputs": ("/data/reviews.jsonl",),
        "output": "/data/answers.jsonl",
        "units_total": total,
        "units_done": done,
        "units_failed": 0,
        "tokens": done * 40,
        "tokens_per_second": None,
        "units_per_second": None,
        "eta_seconds": None,
        "submitted_unix": NOW - 4000 + number,
        "finished_unix": None,
    }
    return JobRow(**{**values, **other})  # type: ignore[arg-type]


ENGINES = (
    engine(
        *("writer", states.Ready(4101, 4 * GIB, 2), 212.4),
        model="mistral-7b-instruct.gguf",
        quantization="q8",
        gpus=(0,),
        parallel=16,
        ttft_seconds=0.18,
        rss_bytes=int(2.1 * GIB),
        cpu_percent=96.0,
    ),
    engine(
        *("scratch", states.Ready(4102, GIB, 0), None),
        model="miniature",
        quantization="f16",
        ttft_seconds=0.004,
        rss_bytes=int(0.4 * GIB),
        cpu_percent=1.0,
        restarts=1,
    ),
    engine(
        *("reader", states.Loading(4103, 0.62)),
        model="llama-13b-q4_k_m.gguf",
        quantization="q4",
        gpus=(1,),
        rss_bytes=int(0.9 * GIB),
        cpu_percent=101.0,
    ),
    engine(
        "coder", states.Draining(4104, "apply", 1), 31.5, model="coder-3b.gguf", quantization="q8", rss_bytes=3 * GIB
    ),
    engine("flaky", states.Backoff(2, MONOTONIC + 4.0, "killed by signal 9 from outside"), restarts=2),
    engine("vectors", states.Stopped("idle"), model="all-MiniLM-L6-v2", quantization="f32"),
    engine(
        *("scribe", states.Failed("truncated file: 3.1 of 7.4 GB", ("load failed",))),
        model="llama-13b-q4.gguf",
        quantization="q4",
        restarts=3,
    ),
)

JOBS = (
    job(41, "running", 1388, 9900, tokens_per_second=212.4, units_per_second=3.2, eta_seconds=6420.0),
    job(42, "running", 120, None, inputs=("/data/night.jsonl",), output="/data/night-out.jsonl", tokens_per_second=8.4),
    job(39, "held", 57, 112, engine="scribe", reason="scribe failed: engineroom start scribe", units_failed=1),
    job(43, "queued", 0, None, inputs=("/data/later.jsonl", "/data/more.jsonl")),
    job(38, "done with problems", 198, 200, units_failed=2, finished_unix=NOW - 600),
)

HAPPENINGS = (
    Happening(1, NOW - 35, "info", "vectors", "engine-stopped", "vectors unloaded: idle 10 m · freed 0.2 G in 0.6 s"),
    Happening(2, NOW - 22, "warning", "writer", "stepped-down", "writer stepped down parallel 16 → 8: out of memory"),
    Happening(3, NOW - 9, "error", "scribe", "engine-failed", "scribe failed: truncated file: 3.1 of 7.4 GB"),
    Happening(4, NOW - 3, "info", "gpubox-3-41", "job-started", "began on writer"),
)

HOST = HostReading(NOW, 43.0, 1.2, 12 * GIB, 32 * GIB, 0, 2 * GIB, 120 * GIB, 500 * GIB)

SUPERVISOR = SupervisorRow(
    *(4000, "0.1.0", "gpubox-3", "/run/user/1000/socket", "/home/ops/.local/state/engineroom/gpubox-3"),
    *(NOW - 3 * 86400 - 4 * 3600 - 12 * 60, "systemd", 2, RecordingRow("/data/run.jsonl.zst", NOW - 2530, 2530)),
)


def gpu(index: int, name: str, total: float, used: float, celsius: float | None = 50.0, **other: object) -> GpuReading:
    """A GPU with so many GiB; plain values everywhere else."""
    values: dict[str, object] = {
        **{"uuid": f"GPU-{index}", "unix": NOW, "stale": False, "problem": ""},
        "memory_reserved_bytes": GIB // 2,
        "utilisation_percent": 94.0,
        "memory_utilisation_percent": 61.0,
        "memory_temperature_celsius": None,
        "slowdown_celsius": 93.0,
        "power_watts": 312.4,
        "power_limit_watts": 350.0,
        "energy_joules": 7.2e6,
        "sm_clock_mhz": 1980,
        "memory_clock_mhz": 2619,
        "fan_percent": None,
        "throttle": (),
        "pcie_tx_bytes_per_second": 3e8,
        "pcie_rx_bytes_per_second": 1.2e9,
        "ecc_uncorrected": None,
        "compute_capability": "9.0",
        "display_active": False,
        "mig": (),
        "processes": (),
        "persistence": True,
    }
    sizes = {"memory_total_bytes": int(total * GIB), "memory_used_bytes": int(used * GIB)}
    given = {"index": index, "name": name, "temperature_celsius": celsius, **sizes}
    return GpuReading(**{**values, **given, **other})  # type: ignore[arg-type]


def held(pid: int, used: float | None, engine_name: str = "", name: str = "python") -> GpuProcess:
    """A process with so many GiB; the card may not tell."""
    return GpuProcess(pid, name, None if used is None else int(used * GIB), engine_name)


GPUS = (
    gpu(
        *(0, "NVIDIA H100 80GB HBM3", 79.6, 61.2, 67.0),
        power_watts=512.0,
        power_limit_watts=700.0,
        memory_temperature_celsius=74.0,
        ecc_uncorrected=0,
        throttle=("power cap",),
        processes=(held(4101, 38.4, "writer"), held(4900, 18.1, "scratch"), held(4411, 4.7), held(77, 0.0, name="")),
    ),
    gpu(
        *(1, "NVIDIA GeForce RTX 3090", 23.7, 8.1, 81.0),
        power_watts=338.0,
        utilisation_percent=99.0,
        fan_percent=88.0,
        compute_capability="8.6",
        display_active=True,
        persistence=False,
        throttle=("software thermal slowdown", "power cap"),
        processes=(held(4103, 5.2, "reader"), held(4104, 1.4, "reader"), held(901, 0.3, name="Xorg")),
    ),
)
EIGHT = (
    *GPUS,
    gpu(2, "NVIDIA A100-SXM4-40GB", 39.5, 39.0, 58.0, processes=(held(8123, None, name="train.py"),)),
    gpu(
        *(3, "NVIDIA A100-SXM4-40GB", 39.5, 12.0, 41.0),
        stale=True,
        unix=NOW - 12,
        problem="It is lost: GPU is lost.",
        processes=(held(4105, 11.5, "coder"),),
    ),
    gpu(
        *(4, "Tesla K80", 11.2, 0.0, 33.0),
        utilisation_percent=0.0,
        power_watts=None,
        slowdown_celsius=None,
        persistence=None,
    ),
    gpu(5, "NVIDIA GB10", 0.0, 4.0, None, memory_total_bytes=None, processes=(held(9000, 4.0, "vectors"),)),
    gpu(6, "NVIDIA L4", 22.5, 9.5, 82.0, throttle=("hardware slowdown",), mig=("MIG-1", "MIG-2")),
    gpu(7, "NVIDIA L4", 22.5, 0.3, 79.0, utilisation_percent=3.0),
)
FLEET = GpuFleet("580.65.06", "13.0", "")
NO_DRIVER = GpuFleet("", "", "No NVIDIA driver: libnvidia-ml.so.1 is not installed.")

POOL = PoolRow(
    *("ears", "stt", "ears-small < 30 s < ears-medium ears-other < 10 min < ears-large"),
    {"fr": "ears-small < 20 s < ears-fr"},
    ("ears-small", "ears-medium", "ears-other", "ears-large", "ears-fr"),
    ("ears-small", "ears-medium"),
    hits=199,
    misses=13,
)


def snapshot(gpus: tuple[GpuReading, ...] = (), fleet: GpuFleet = NO_FLEET) -> Snapshot:
    """All of it."""
    return Snapshot(NOW, MONOTONIC, SUPERVISOR, HOST, ENGINES, JOBS, HAPPENINGS, gpus, fleet)


def gpus_at(second: int, gpus: tuple[GpuReading, ...]) -> tuple[GpuReading, ...]:
    """The same cards so many seconds later: those that answer have worked on, more and less."""
    return tuple(
        reading
        if reading.stale
        else replace(
            reading,
            unix=NOW + second,
            utilisation_percent=max(0.0, (reading.utilisation_percent or 0.0) - 6.0 * (second * (3 + index) % 9)),
        )
        for index, reading in enumerate(gpus)
    )


def tick(
    second: int, gpus: tuple[GpuReading, ...] = (), fleet: GpuFleet = NO_FLEET, pools: tuple[PoolRow, ...] = ()
) -> Tick:
    """So many seconds later, with a load that moves."""
    reading = HostReading(
        NOW + second, 40.0 + 20 * (second % 3), 1.2, 12 * GIB, 32 * GIB, 0, 2 * GIB, 120 * GIB, 500 * GIB
    )
    return Tick(NOW + second, MONOTONIC + second, SUPERVISOR, reading, gpus_at(second, gpus), fleet, NO_LEDGER, pools)


KNOBS = (
    Knob("deterministic", False, False, "", None, None, (), "", "flight", "fly the same flights again after a crash"),
    Knob("parallel", 4, 1, "units", 1, 64, (), "", "context", "units worked on at once"),
    Knob("unload_after", 300.0, 0.0, "seconds", 0, 604800, (), "", "now", "unload when idle this long; 0 means never"),
    Knob("unload_depth", "exit", "exit", "", None, None, ("model", "exit"), "", "now", "how far an idle unload goes"),
    Knob("model", "miniature", "miniature", "", None, None, (), "an absolute path", "model", "path of a GGUF file"),
    Knob("n_ctx", 4096, 4096, "tokens", 64, 1048576, (), "4096", "context", "context length"),
    Knob("temperature", 0.8, 0.8, "", 0, 5, (), "0.8; 0 for batches", "now", "0 is greedy"),
    Knob("python", None, None, "", None, None, (), "", "process", "the interpreter it runs in"),
)

DETAIL = JobDetail(
    JOBS[2],
    JobNumbers(0.18, 0.41, 198.0, 3),
    (
        UnitProblem(
            "line 17", None, Problem("Bad line", "The line is no JSON object.", "Mend it and submit again."), ()
        ),
        UnitProblem(
            *(
                "line 58",
                "p058",
                Problem("Set aside", "writer died three times on this unit alone.", "Look at the log."),
            ),
            ("ggml_abort: too many tokens", "Aborted (core dumped)"),
        ),
    ),
    {"parallel": 4, "model": "miniature", "deterministic": True},
)
