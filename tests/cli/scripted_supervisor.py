"""A supervisor that answers from a script, over the real protocol and a real socket."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import msgspec
from anyio.abc import SocketStream

from config.paths import socket_path
from ipc import control, snapshot
from ipc.errors import EngineDied, Problem, RequestFailed
from ipc.feeding import Fed
from ipc.serving import serve
from ipc.states import Failed, Loading, Ready, Stopped

ENGINE = snapshot.EngineRow(
    name="writer",
    kind="llm",
    state=Ready(pid=41, footprint_bytes=2**30, units=2),
    model="miniature",
    quantization="f16",
    gpus=(),
    parallel=4,
    tokens_per_second=212.4,
    ttft_seconds=0.04,
    rss_bytes=3 * 2**29,
    cpu_percent=97.0,
    restarts=1,
    note="started: work wants it",
)
ENGINES = (
    ENGINE,
    msgspec.structs.replace(ENGINE, name="ear", state=Loading(pid=42, fraction=0.62), tokens_per_second=None),
    msgspec.structs.replace(ENGINE, name="scribe", state=Failed("truncated file: 3.1 of 7.4 MB", ("line 1", "line 2"))),
    msgspec.structs.replace(ENGINE, name="vectors", state=Stopped("idle"), model=None, rss_bytes=None),
)
POOL = snapshot.PoolRow(
    *("pens", "llm", "writer < 30 s < scribe"),
    {"fr": "writer"},
    ("writer", "scribe"),
    ("writer",),
    hits=15,
    misses=1,
    claimed_bytes=2**30,
    budget_bytes=12 * 2**30,
)
JOB = snapshot.JobRow(
    id="box-1",
    kind="llm",
    engine="writer",
    state="running",
    reason="",
    inputs=("/in.jsonl",),
    output="/out.jsonl",
    units_total=None,
    units_done=0,
    units_failed=0,
    tokens=0,
    tokens_per_second=None,
    units_per_second=None,
    eta_seconds=None,
    submitted_unix=1.0,
    finished_unix=None,
)
DETAIL = snapshot.JobDetail(
    row=msgspec.structs.replace(JOB, state="done with problems", units_total=3, units_done=2, units_failed=1),
    numbers=snapshot.JobNumbers(0.05, 0.09, 210.0, 4, 2.1, 4.0),
    problems=(
        snapshot.UnitProblem(
            "/in.jsonl, line 2",
            "p002",
            Problem("Bad line", "It is no JSON.", "Mend it."),
            ("Traceback",),
            index=1,
            state="failed",
        ),
    ),
    settings={"n_ctx": 4096, "deterministic": True},
    runs=(
        snapshot.RunRow(0, "writer", 1.0, {"n_ctx": 4096, "parallel": 4, "seed": 0}, 1),
        snapshot.RunRow(1, "scribe", 2.0, {"n_ctx": 4096, "parallel": 2, "seed": 0}, 1),
    ),
)
UNIT = snapshot.UnitRow(
    index=0,
    name="p001",
    where="in.jsonl line 1",
    state="done",
    attempts=1,
    run=0,
    tokens=105,
    seconds=2.1,
    ttft_seconds=0.05,
    audio_seconds=None,
    joules=33.0,
    result_bytes=612,
)
UNITS = (
    UNIT,
    snapshot.UnitRow(1, "p002", "in.jsonl line 2", "failed", 3, None, None, None, None, None, None, None),
    msgspec.structs.replace(UNIT, index=2, name=None, audio_seconds=52.5),
)
CLEARED = control.Cleared(("box-1",), 3 * 2**20, ())
KNOBS = (
    snapshot.Knob("n_ctx", 4096, 4096, "tokens", 64, 1048576, (), "4096", "context", "context length"),
    snapshot.Knob("unload_after", 0.0, 0.0, "seconds", 0, 604800, (), "", "now", "unload when idle this long"),
)
QUOTED = "load writer on GPU 0: ~21 s, takes ~7.0 GiB, unloads voice"
HOST = snapshot.HostReading(1.0, 1.0, 1.0, 1, 2, 0, 0, 1, 2)
GPU = snapshot.GpuReading(
    index=0,
    uuid="GPU-0",
    name="H100 80GB",
    unix=1.0,
    stale=False,
    problem="",
    memory_total_bytes=80 * 2**30,
    memory_used_bytes=12 * 2**30,
    memory_reserved_bytes=2**29,
    utilisation_percent=94.0,
    memory_utilisation_percent=40.0,
    temperature_celsius=88.0,
    memory_temperature_celsius=None,
    slowdown_celsius=90.0,
    power_watts=512.4,
    power_limit_watts=700.0,
    energy_joules=1e6,
    sm_clock_mhz=1410,
    memory_clock_mhz=2600,
    fan_percent=None,
    throttle=("power cap",),
    pcie_tx_bytes_per_second=1e6,
    pcie_rx_bytes_per_second=None,
    ecc_uncorrected=0,
    compute_capability="9.0",
    display_active=False,
    mig=(),
    processes=(
        snapshot.GpuProcess(41, "python3", 7 * 2**30, "writer"),
        snapshot.GpuProcess(4411, "blender", 5 * 2**30, ""),
    ),
    persistence=True,
)
LOST = msgspec.structs.replace(GPU, index=1, stale=True, problem="It is lost: GPU is lost.", processes=())
FLEET = snapshot.GpuFleet("580.65.06", "13.0", "")
LEDGER = snapshot.Ledger(
    gpus=(
        snapshot.GpuBook(
            index=0,
            uuid="GPU-0",
            total_bytes=80 * 2**30,
            reserve_bytes=3 * 2**29,
            shares=(
                snapshot.Share("writer", 7 * 2**30, 9 * 2**30, estimated=True, by_difference=False),
                snapshot.Share("voice", 3 * 2**30, 2 * 2**30, estimated=False, by_difference=True),
                snapshot.Share("ear", None, 0, estimated=False, by_difference=False),
            ),
            strangers=(snapshot.Stranger(4411, "blender", 5 * 2**30), snapshot.Stranger(4412, "", None)),
            others_bytes=6 * 2**30,
            withheld_bytes=2**30,
            withheld_why="pid 4412 kept it after ear was unloaded.",
            free_bytes=121 * 2**29,
            pressure="medium",
            hold="heat: 92 °C, resumes at 82",
            residents=2,
            residents_limit=5,
        ),
        snapshot.GpuBook(1, "GPU-1", None, 0, (), (), None, 0, "", None, "low", "", 0, 5),
    ),
    host=snapshot.HostBook(
        total_bytes=64 * 2**30,
        reserve_bytes=2**30,
        shares=(snapshot.Share("writer", 2**30, 2**30, estimated=False, by_difference=False),),
        others_bytes=65 * 2**30,
        free_bytes=-3 * 2**30,
        pressure="critical",
        threads=16,
        threads_claimed={"writer": 8, "voice": 2},
    ),
    alarms=(
        snapshot.Alarm(
            about="voice",
            word="thrash",
            severity="warning",
            since_unix=1.0,
            text="voice was loaded 4 times in 10 minutes, each time for less than a minute of work.",
            help="Pin it (set voice pinned=true), or raise its min_residency.",
        ),
    ),
)
FOOTPRINTS = (
    snapshot.FootprintRow(
        "llm", "Miniature 7B", "Q4_K_M", "n_ctx=4096 parallel=8", "NVIDIA H100 80GB HBM3", 6 * 2**30, 4.2, 12, 1.0
    ),
    snapshot.FootprintRow("stt", "small", None, "", "", 2**29, 0.4, 1, 2.0),
    snapshot.FootprintRow("llm", "Miniature 7B", "Q4_K_M", "n_ctx=4096 parallel=8", "", 2**30, 4.2, 12, 1.0),
)
BUILDS = tuple(snapshot.Build(row.name, "7.0", "", None) for row in ENGINES)
SUPERVISOR = snapshot.SupervisorRow(1, "0.1.0", "box", "/s/socket", "/s", 1.0, "nobody", 1, None)
SNAPSHOT = snapshot.Snapshot(1.0, 1.0, SUPERVISOR, HOST, ENGINES, (JOB,), (), (GPU, LOST), FLEET, LEDGER, (POOL,))


@dataclass
class Script:
    """What the supervisor says: `ends` is how each job ends, or `endings` by its id; a command in `fails` fails, and
    so does one about a job in `unknown`; each command is kept in `asked`, and bytes in `spooled`. A watch is cut off
    `cuts` times before the job's end is told, and tells `news` before it; jobs end unless they are `endless`."""

    state: Path
    ends: snapshot.JobState = "done"
    fails: type[control.Command] | None = None
    died: bool = False
    answered: control.Answered | None = None
    """What a question gets at once, in place of the usual."""
    gpus: tuple[snapshot.GpuReading, ...] = (GPU,)
    fleet: snapshot.GpuFleet = FLEET
    host: snapshot.HostReading = HOST
    engines: tuple[snapshot.EngineRow, ...] = ENGINES
    pools: tuple[snapshot.PoolRow, ...] = ()
    ledger: snapshot.Ledger = LEDGER
    footprints: tuple[snapshot.FootprintRow, ...] = FOOTPRINTS
    builds: tuple[snapshot.Build, ...] = BUILDS
    knobs: tuple[snapshot.Knob, ...] = KNOBS
    jobs: tuple[snapshot.JobRow, ...] = (JOB,)
    detail: snapshot.JobDetail = DETAIL
    units: tuple[snapshot.UnitRow, ...] = UNITS
    page_limit: int = 1000
    cleared: control.Cleared = CLEARED
    happenings: tuple[snapshot.Happening, ...] = (
        snapshot.Happening(1, 1.0, "warning", "writer", "restarted", "it died: exit 1"),
    )
    log: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()
    news: tuple[snapshot.Update, ...] = ()
    cuts: int = 0
    endless: bool = False
    recording: str | None = None
    writes: str | None = None
    """What is in the output of each job, which is a file."""

    def __post_init__(self) -> None:
        self.asked: list[control.Command] = []
        self.endings: dict[str, snapshot.JobState] = {}
        self.spooled: dict[str, bytes] = {}
        self.down, self.spooling = anyio.Event(), anyio.Event()

    def supervisor(self) -> snapshot.SupervisorRow:
        recording = None if self.recording is None else snapshot.RecordingRow(self.recording, 1.0, 7)
        return snapshot.SupervisorRow(
            os.getpid(), "0.1.0", "box", str(socket_path(self.state)), str(self.state), 1.0, "nobody", 1, recording
        )

    async def answer(self, command: control.OneAnswer) -> control.Answer:
        self._note(command)
        match command:
            case control.Status():
                return control.Self(self.supervisor())
            case control.Ps():
                return control.Engines(self.engines, self.pools)
            case control.Jobs():
                return control.JobList(self.jobs)
            case control.ShowJob():
                return control.JobWhole(self.detail)
            case control.ShowUnits():
                return self._page(command)
            case control.ClearJobs():
                return self.cleared
            case control.Spool(path=path, name=name, data=data):
                path = path or f"/spool/{len(self.spooled)}-{name}"
                self.spooling.set()
                self.spooled[path] = self.spooled.get(path, b"") + data
                return control.Spooled(path)
            case control.ShowKnobs():
                return control.Knobs(self.knobs)
            case control.SetKnobs(dry_run=dry_run):
                return control.Price("n_ctx 4096 → 2048: reload ~2 s", 1, 2.0, not dry_run, -(2**30))
            case control.Quote():
                return control.Price(QUOTED, 0, 21.0, False, 7 * 2**30, ("voice",))
            case control.ShowLedger():
                return control.LedgerIs(self.ledger)
            case control.Footprints():
                return control.FootprintList(self.footprints)
            case control.Builds():
                return control.BuildList(self.builds)
            case control.Submit():
                submitted = [one for one in self.asked if isinstance(one, control.Submit)]
                if self.writes is not None:
                    await anyio.Path(command.output).write_text(self.writes)
                return control.JobIs(self._job(len(submitted), command))
            case control.PauseJob(id=id_):
                return control.JobIs(msgspec.structs.replace(JOB, id=id_, state="paused"))
            case control.PrioritizeJob(id=id_, priority=priority):
                return control.JobIs(msgspec.structs.replace(JOB, id=id_, priority=priority))
            case (
                control.ResumeJob(id=id_)
                | control.CancelJob(id=id_)
                | control.ReleaseJob(id=id_)
                | control.RetryJob(id=id_)
                | control.RedoUnits(id=id_)
                | control.MoveJob(id=id_)
            ):
                return control.JobIs(msgspec.structs.replace(JOB, id=id_))
            case control.Record(path=path):
                self.recording = path
            case control.StopRecording():
                self.recording = None
            case control.Down():
                self.down.set()
            case _:
                pass
        return control.Done(f"{type(command).__name__} is done.")

    async def items(self, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        self._note(command)
        match command:
            case control.Ask() if self.answered is not None:
                yield self.answered
            case control.Ask():
                yield control.Piece("Tokens are ")
                if self.died:
                    raise EngineDied(Problem("Engine died", "writer is gone.", "Ask again."), "Tokens are ")
                yield control.Piece("pieces.")
                yield control.Answered('{"answer": "Tokens are pieces.", "finish": "stop"}', 5, 0.1, 0.02)
            case control.Logs(lines=lines):
                texts = self.log or tuple(f"line {n}" for n in range(lines))
                yield control.LogLines(tuple(snapshot.LogLine(n, 1.0, "stderr", text) for n, text in enumerate(texts)))
            case control.Events():
                for happening in self.happenings:
                    yield control.EventItem(happening)
            case control.Watch():
                async for update in self._watch():
                    yield control.UpdateItem(update)

    def _note(self, command: control.Command) -> None:
        self.asked.append(command)
        if self.fails is not None and isinstance(command, self.fails):
            raise RequestFailed(Problem("Unknown engine", "There is no engine 'writter'.", "Did you mean 'writer'?"))
        if (id_ := getattr(command, "id", None)) in self.unknown:
            raise RequestFailed(Problem("Unknown job", f"There is no job {id_}.", "`engineroom jobs` lists them."))

    async def _watch(self) -> AsyncIterator[snapshot.Update]:
        jobs = [one for one in self.asked if isinstance(one, control.Submit)]
        rows = tuple(self._job(number, one) for number, one in enumerate(jobs, start=1)) or self.jobs
        yield snapshot.Snapshot(
            *(1.0, 1.0, self.supervisor(), self.host, self.engines, rows, (), self.gpus, self.fleet, self.ledger),
            pools=self.pools,
        )
        if self.cuts:
            self.cuts -= 1
            self.recording = None
            return
        for update in self.news:
            yield update
        for row in () if self.endless else rows:
            end = self.endings.get(row.id, self.ends)
            yield snapshot.JobChanged(
                msgspec.structs.replace(row, state=end, units_total=3, units_done=3, finished_unix=9.0)
            )
        while True:
            await anyio.sleep(1)
            yield snapshot.Tick(1.0, 1.0, self.supervisor(), HOST)

    def _page(self, asked: control.ShowUnits) -> control.UnitPage:
        rows = [
            row for row in self.units if row.index > asked.after and (not asked.states or row.state in asked.states)
        ]
        limit = min(asked.limit, self.page_limit)
        return control.UnitPage(tuple(rows[:limit]), len(rows) <= limit)

    def _job(self, number: int, command: control.Submit) -> snapshot.JobRow:
        return msgspec.structs.replace(
            JOB,
            id=f"box-{number}",
            kind=command.kind,
            inputs=command.inputs,
            output=command.output,
            priority=command.priority,
            after=command.after,
        )


@asynccontextmanager
async def listening(script: Script) -> AsyncGenerator[Script]:
    """`script` answers at its state folder's socket for as long as the block lasts."""
    script.state.mkdir(parents=True, exist_ok=True)

    async def one(stream: SocketStream) -> None:
        await serve(stream, script)

    async with (
        await anyio.create_unix_listener(socket_path(script.state)) as listener,
        anyio.create_task_group() as all_,
    ):
        all_.start_soon(listener.serve, one)
        yield script
        all_.cancel_scope.cancel()
