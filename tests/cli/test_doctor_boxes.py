"""`doctor` about the box that a supervisor sees: GPUs, ledger, engines, memory; each finding only where it is so."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from msgspec.structs import replace
from scripted_supervisor import BUILDS, ENGINE, ENGINES, FLEET, GPU, HOST, LEDGER, LOST, SNAPSHOT, Script

from cli import build_findings, engine_findings, gpu_findings, host_findings, ledger_findings
from cli.finding import Finding
from ipc import control
from ipc.errors import Problem
from ipc.snapshot import NO_LEDGER, Alarm, Build, EngineRow, GpuBook, GpuFleet, GpuReading, Ledger
from ipc.states import Loading, Stopped

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]

NO_DRIVER = GpuFleet("", "", "There is no NVIDIA driver: libnvidia-ml.so.1 was not found.")
WELL = replace(GPU, temperature_celsius=60.0, throttle=(), processes=())
OLD = replace(WELL, index=1, name="Tesla K40", compute_capability="3.5", persistence=False)
PERSISTENCE_OFF = "off on GPU 1: the driver shuts it down when nobody uses it, and the next start may take seconds."
NO_CODE = "llama-cpp-python was built without GPU support"
GONE = Problem("Model missing", "/models/seven.gguf is not there.", "Set `model` to a GGUF file.")
HOT = Alarm("gpu 0", "heat", "warning", 1.0, "It is 92 °C.", "Look after its cooling.")


async def test_doctor_looks_at_the_gpus(script: Script, run: Run) -> None:
    script.gpus = (GPU, LOST)
    ran = await run("doctor")
    assert ran.code == 1
    assert re.search(r"^ok +GPU driver: 580.65.06, CUDA 13.0; GPUs: 2$", ran.out, re.M)
    assert re.search(r"^ok +GPU 0: H100 80GB, 80.0 GiB, compute capability 9.0$", ran.out, re.M)
    assert re.search(r"^warn +GPU 0: slowed down: power cap \(at 88 °C\); .*PERFORMANCE", ran.out, re.M)
    assert re.search(r"^warn +GPU 0: it is 88 °C warm and slows itself down at 90 °C", ran.out, re.M)
    assert re.search(r"^warn +GPU 0: blender \(pid 4411\) holds 5.0 GiB; it is not ours: .* End it", ran.out, re.M)
    assert re.search(r"^warn +GPU 0: 1.0 GiB is withheld from new claims: pid 4412 kept it", ran.out, re.M)
    assert re.search(r"^bad +GPU 1: H100 80GB gives no readings. It is lost: GPU is lost.", ran.out, re.M)
    assert re.search(r"^warn +voice: voice was loaded 4 times .* Pin it", ran.out, re.M)
    assert re.search(r"^warn +engine writer: it runs on the CPU although a GPU is there", ran.out, re.M)
    script.gpus, script.fleet, script.ledger = (), NO_DRIVER, NO_LEDGER
    ran = await run("doctor")
    assert ran.code == 0
    assert re.search(r"^warn +GPU driver: There is no NVIDIA driver", ran.out, re.M)
    assert re.findall(r"^(\w+) +engine writer: (.*)$", ran.out, re.M) == [("ok", "what it would load is there")]
    assert "persistence" not in ran.out


async def test_doctor_asks_which_gpus_each_build_can_use(script: Script, run: Run) -> None:
    script.gpus = (WELL, OLD)
    by_what = await findings_of(run)
    assert by_what["engine vectors"] == [
        ("warn", "its build needs compute capability 7.0; too old for it: GPU 1 (Tesla K40, 3.5).")
    ]
    assert by_what["GPU 1"] == [("ok", "Tesla K40, 80.0 GiB, compute capability 3.5")]
    assert by_what["persistence mode"] == [("warn", PERSISTENCE_OFF)]

    script.builds = (Build("writer", "", "", None), Build("ear", "", NO_CODE, None), *BUILDS[2:])
    by_what = await findings_of(run)
    assert by_what["engine ear"] == [("warn", f"its build uses no GPU although one is there: {NO_CODE}.")]
    assert [one for one, _ in by_what["GPU 1"]] == ["ok", "warn"], "a build leaves open whether it is too old"


async def test_doctor_does_without_the_builds_that_come_too_late(script: Script, run: Run) -> None:
    script.builds = BUILDS[:2]
    by_what = await findings_of(run)
    assert by_what["builds"] == [("warn", "the supervisor could not look at them in time: scribe, vectors.")]
    script.fails = control.Builds
    by_what = await findings_of(run)
    assert "writer, ear, scribe, vectors." in by_what["builds"][0][1]
    assert by_what["GPU driver"][0][0] == "ok"


async def test_doctor_looks_at_the_memory_of_the_host(script: Script, run: Run) -> None:
    script.host = replace(HOST, ram_used_bytes=15 * 2**29, ram_total_bytes=8 * 2**30)
    findings = {one["what"]: one for one in json.loads((await run("doctor", "--json")).out)}
    assert (findings["RAM"]["verdict"], "kernel may kill" in findings["RAM"]["text"]) == ("warn", True)
    assert "engineroom ledger" in findings["RAM"]["hint"]
    assert {"swap", "disk"} & findings.keys() == set()


@pytest.mark.parametrize(
    ("used_gib", "swapped_mib", "verdicts"),
    [(2, 0, ["ok", "ok"]), (7.5, 0, ["warn", "ok"]), (2, 64, ["ok", "ok"]), (2, 65, ["ok", "warn"])],
)
def test_memory_of_the_host(used_gib: float, swapped_mib: int, verdicts: list[str]) -> None:
    host = replace(
        HOST,
        ram_used_bytes=int(used_gib * 2**30),
        ram_total_bytes=8 * 2**30,
        swap_used_bytes=swapped_mib * 2**20,
        swap_total_bytes=2**30,
    )
    assert [one.verdict for one in host_findings.findings(host)] == verdicts


def test_the_disk_of_another_host() -> None:
    low = host_findings.disk(replace(HOST, disk_free_bytes=2**29, disk_total_bytes=2**40))
    assert (low.verdict, low.text) == ("warn", "512.0 MiB of 1.0 TiB is free; jobs are held when it is full.")
    assert host_findings.disk(replace(HOST, disk_free_bytes=2**30, disk_total_bytes=2**40)).verdict == "ok"


@pytest.mark.parametrize(
    ("reading", "says"),
    [
        (WELL, ""),
        (replace(WELL, compute_capability="3.7"), r"too old \(compute capability 3.7\) .* CUDA 12 or later"),
        (replace(WELL, compute_capability="7.0"), r"too old \(compute capability 7.0\) .* CUDA 13\."),
        (replace(WELL, compute_capability="7.5"), ""),
        (replace(WELL, compute_capability="12.0"), ""),
        (replace(WELL, compute_capability=""), ""),
        (replace(WELL, temperature_celsius=79.0), ""),
        (replace(WELL, temperature_celsius=80.0, slowdown_celsius=None), "it is 80 °C warm and slows itself down at —"),
        (replace(WELL, temperature_celsius=None), ""),
        (replace(WELL, throttle=("software thermal slowdown",)), "slowed down: .* Look after its cooling"),
        (replace(WELL, display_active=True), "it drives a display"),
        (replace(WELL, problem="Its fan cannot be read."), "Its fan cannot be read."),
    ],
)
def test_one_gpu(reading: GpuReading, says: str) -> None:
    whole = replace(SNAPSHOT, gpus=(reading,), ledger=NO_LEDGER)
    warned = [one for one in gpu_findings.findings(whole) if one.verdict != "ok"]
    assert bool(warned) == bool(says)
    assert not warned or re.search(says, _text(warned[0]))


@pytest.mark.parametrize(
    ("build", "gpus", "verdict", "says"),
    [
        (Build("writer", "7.0", "", None), (WELL,), "ok", r"can use every GPU here \(compute capability 7.0 or later"),
        (Build("writer", "7.0", "", None), (LOST,), "ok", "what it would load is there"),
        (Build("writer", "", "", None), (WELL,), "ok", "does not tell which GPUs"),
        (Build("writer", "10.0", "", None), (WELL, OLD), "warn", r"GPU 0 \(H100 80GB, 9.0\), GPU 1 \(Tesla K40, 3.5\)"),
        (Build("writer", "5.0", "", None), (replace(OLD, compute_capability=""),), "ok", "every GPU"),
        (Build("writer", "", NO_CODE, None), (WELL,), "warn", 'without GPU support. Install .* gpu = "cpu"'),
        (Build("writer", "", NO_CODE, None), (), "ok", "is there"),
        (Build("writer", "", NO_CODE, None, wants_gpu=False), (WELL,), "ok", "is there"),
        (Build("writer", "10.0", "", None, wants_gpu=False), (WELL,), "ok", "is there"),
        (Build("writer", "", "", GONE), (WELL,), "warn", "seven.gguf is not there. Set `model`"),
    ],
)
def test_one_build(build: Build, gpus: tuple[GpuReading, ...], verdict: str, says: str) -> None:
    whole = replace(SNAPSHOT, engines=(ENGINE,), gpus=gpus)
    (found,) = build_findings.findings(whole, (build,))
    assert (found.what, found.verdict) == ("engine writer", verdict)
    assert re.search(says, _text(found))


def test_what_cannot_be_loaded_is_worse_while_it_is_not() -> None:
    whole = replace(SNAPSHOT, engines=(replace(ENGINE, state=Stopped("idle")),))
    (found,) = build_findings.findings(whole, (Build("writer", "", "", GONE),))
    assert found.verdict == "bad"


def test_a_cause_is_told_once() -> None:
    whole = replace(SNAPSHOT, engines=ENGINES[:1], gpus=(WELL,))
    assert list(engine_findings.findings(whole))
    assert not list(engine_findings.findings(whole, ["writer"]))
    assert build_findings.explains_cpu(Build("writer", "", NO_CODE, None))
    assert build_findings.explains_cpu(Build("writer", "7.0", "", None, wants_gpu=False))
    assert not build_findings.explains_cpu(Build("writer", "7.0", "", None))


def test_heat_is_told_once() -> None:
    hot = replace(WELL, temperature_celsius=92.0)
    quiet = replace(SNAPSHOT, gpus=(hot,), ledger=NO_LEDGER)
    alarmed = replace(quiet, ledger=Ledger((), None, (HOT,)))
    told = [
        sum("92 °C" in one.text for one in (*gpu_findings.findings(whole), *ledger_findings.findings(whole.ledger)))
        for whole in (quiet, alarmed)
    ]
    assert told == [1, 1]


def test_alarms_are_as_grave_as_they_say() -> None:
    ledger = Ledger((), None, tuple(replace(HOT, severity=one) for one in ("info", "warning", "error")))
    assert [one.verdict for one in ledger_findings.findings(ledger)] == ["ok", "warn", "bad"]


@pytest.mark.parametrize(
    ("others_gib", "unseen"),
    [(None, ""), (6, ""), (7, ""), (8, "2.0 GiB is in use by nobody who can be seen from here")],
)
def test_memory_of_nobody_who_can_be_seen(others_gib: int | None, unseen: str) -> None:
    others = None if others_gib is None else others_gib * 2**30
    book: GpuBook = replace(LEDGER.gpus[0], others_bytes=others)
    texts = [one.text for one in ledger_findings.findings(Ledger((book,), None, ()))]
    assert [text.split(";")[0] for text in texts[1:]] == ([unseen] if unseen else [])


@pytest.mark.parametrize(
    ("row", "gpus", "says"),
    [
        (ENGINE, (WELL,), r"on the CPU although a GPU is there \(started: work wants it\)"),
        (replace(ENGINE, gpus=(0,)), (WELL,), ""),
        (ENGINE, (LOST,), ""),
        (ENGINE, (), ""),
        (replace(ENGINE, state=Loading(41, None)), (WELL,), ""),
        (replace(ENGINE, gpus=(0,), hold="heat: 92 °C"), (WELL,), "its work waits: heat: 92 °C. It goes on by itself"),
        (replace(ENGINE, gpus=(0,), hold="memory: no room"), (), "its work waits: memory: no room. `engineroom load w"),
    ],
)
def test_one_engine(row: EngineRow, gpus: tuple[GpuReading, ...], says: str) -> None:
    found = list(engine_findings.findings(replace(SNAPSHOT, engines=(row,), gpus=gpus, fleet=FLEET)))
    assert [one.verdict for one in found] == (["warn"] if says else [])
    assert not found or re.search(says, _text(found[0]))


async def findings_of(run: Run) -> dict[str, list[tuple[str, str]]]:
    """Verdicts and texts, by what they are about."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one in json.loads((await run("doctor", "--json")).out):
        found.setdefault(one["what"], []).append((one["verdict"], one["text"]))
    return found


def _text(one: Finding) -> str:
    return f"{one.text} {one.hint}"
