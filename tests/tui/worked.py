"""A box with jobs of every kind: sound, several sources, priorities, one after another, problems, runs and units."""

from __future__ import annotations

from msgspec.structs import replace
from scenery import ENGINES, GPUS, NOW, engine, job, snapshot

from ipc import states
from ipc.errors import Problem
from ipc.snapshot import (
    FINISHED,
    JobDetail,
    JobNumbers,
    JobRow,
    JobState,
    RunRow,
    Snapshot,
    UnitProblem,
    UnitRow,
    UnitState,
)

LECTURES = tuple(f"/data/lectures/{number:03}.mp3" for number in range(112))
SOUNDS = (
    engine(
        *("voice", states.Ready(4201, 18 << 30, 4), None),
        kind="tts",
        model="chatterbox",
        quantization="bf16",
        gpus=(0,),
        rss_bytes=3 << 30,
    ),
    engine("voice-small", states.Stopped("idle"), kind="tts", model="chatterbox-mini", quantization="int8"),
    engine("ear-medium", states.Ready(4202, 5 << 30, 0), kind="stt", model="whisper-medium", gpus=(1,)),
)

BOOK = job(
    *(41, "running", 1204, None),
    kind="tts",
    engine="voice",
    inputs=("/data/moby-dick.epub",),
    output="/data/moby-dick.m4b",
    units_expected=1700,
    units_per_second=0.8,
    eta_seconds=1080.0,
    eta_spread_seconds=120.0,
    units_flying=4,
    units_failed=2,
    audio_seconds=8073.0,
    rtf=0.04,
    joules=412_000.0,
    tokens=0,
    result_bytes=210 << 20,
)
REVIEWS = job(
    *(42, "running", 1388, 9900),
    priority=9,
    tokens_per_second=212.4,
    units_per_second=3.2,
    eta_seconds=6420.0,
    eta_spread_seconds=540.0,
    units_flying=16,
    joules=88_000.0,
    result_bytes=4 << 20,
)
JOBS = (
    BOOK,
    REVIEWS,
    job(
        *(39, "held", 57, 112),
        kind="stt",
        engine="ear-medium",
        reason="GPU 1 is 81 °C, resumes at 71",
        inputs=LECTURES,
        output="/data/lectures/",
        units_failed=1,
    ),
    job(43, "queued", 0, None, after=("gpubox-3-42",), inputs=(), output="/data/summary.jsonl", priority=3),
    job(44, "queued", 0, None, inputs=("/data/later.jsonl", "/data/more.jsonl"), output="/data/all.jsonl"),
    job(45, "paused", 40, 100_000, inputs=("/data/big/*.jsonl",), output="/data/big-out/"),
    job(46, "assembling", 512, 512, inputs=("/data/night.jsonl",), output="/data/night-out.jsonl", priority=7),
    job(36, "failed", 3, 80, reason="the source ended within a line", finished_unix=NOW - 90_000, units_failed=1),
    job(38, "done with problems", 198, 200, units_failed=2, finished_unix=NOW - 600, result_bytes=3 << 20),
    job(40, "done", 500, 500, finished_unix=NOW - 60, joules=9000.0, result_bytes=900 << 10),
    job(37, "cancelled", 20, 300, finished_unix=NOW - 7000, result_bytes=1 << 20),
)


def worked(jobs: tuple[JobRow, ...] = JOBS) -> Snapshot:
    """The box of `scenery` with these jobs, and engines for sound."""
    return replace(snapshot(GPUS), engines=(*ENGINES[:3], *SOUNDS), jobs=jobs)


def many(count: int) -> tuple[JobRow, ...]:
    """So many jobs in all states, most of them over."""
    states_: tuple[JobState, ...] = ("done", "done", "done", "done", "queued", "failed", "cancelled", "running", "held")
    return tuple(_one_of_many(number, states_[number % len(states_)]) for number in range(count))


def _one_of_many(number: int, state: JobState) -> JobRow:
    over = state in FINISHED
    reason = "it is full" if state in ("held", "failed") else ""
    return job(number, state, number % 900, 900, reason=reason, finished_unix=NOW - number if over else None)


PROBLEMS = (
    UnitProblem(
        "chapter 3, page 61", None, Problem("Unreadable", "The page is a picture.", "Cut it out, and submit again."), ()
    ),
    UnitProblem(
        "chapter 9, line 58",
        "ch09-058",
        Problem("Set aside", "voice died three times on this unit alone.", "Look at the last lines of its log."),
        tuple(f"step {number}: allocating" for number in range(1, 18)) + ("Aborted (core dumped)",),
        *(731, "quarantined"),
    ),
    UnitProblem(
        "chapter 12, line 4",
        "ch12-004",
        Problem("Failed", "No sound came for 60 s.", "Try it again, or shorten the sentence."),
        (),
        *(988, "failed"),
    ),
)
RUNS = (
    RunRow(1, "voice-small", NOW - 9000, {"parallel": 8, "batch_size": 280, "quantization": "int8"}, 300),
    RunRow(2, "voice", NOW - 7200, {"parallel": 8, "batch_size": 280, "quantization": "bf16"}, 412),
    RunRow(3, "voice", NOW - 3000, {"parallel": 4, "batch_size": 280, "quantization": "bf16"}, 492),
)
DETAIL = JobDetail(
    BOOK,
    JobNumbers(0.18, 0.41, None, 1219, 4.2, 9.6),
    PROBLEMS,
    {"parallel": 8, "batch_size": 280, "quantization": "int8", "language": "en"},
    RUNS,
)


def unit(index: int) -> UnitRow:
    """A unit of the book."""
    state: UnitState = {731: "quarantined", 988: "failed"}.get(index, "done")  # type: ignore[assignment]
    if index >= 1206:
        state = "flying" if index < 1210 else "planned"
    done = state == "done"
    return UnitRow(
        *(index, f"ch{index // 80 + 1:02}-{index % 80:03}", f"chapter {index // 80 + 1}, line {index % 80}", state),
        attempts=3 if state == "quarantined" else 0 if state == "planned" else 1,
        run=3 if done and index > 711 else 1 if done else None,
        tokens=None,
        seconds=4.0 + index % 7 / 10 if done else None,
        ttft_seconds=0.18 if done else None,
        audio_seconds=6.5 if done else None,
        joules=340.0 if done else None,
        result_bytes=180_000 if done else None,
    )
