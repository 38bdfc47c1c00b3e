"""`gpus`, `top` and `doctor` about GPUs, against a scripted supervisor."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest
from scripted_supervisor import GPU, LOST, Script

from ipc.snapshot import GpuFleet

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
ROOT = Path(__file__).parents[2]
Run: TypeAlias = Callable[..., Awaitable[Any]]

NO_DRIVER = GpuFleet("", "", "There is no NVIDIA driver: libnvidia-ml.so.1 was not found.")


async def test_gpus(script: Script, run: Run) -> None:
    script.gpus = (GPU, LOST)
    first, second = json.loads((await run("gpus", "--json")).out)
    assert (first["index"], first["compute_capability"], first["stale"]) == (0, "9.0", False)
    assert (first["memory_temperature_celsius"], first["throttle"]) == (None, ["power cap"])
    assert first["processes"] == [
        {"pid": 41, "name": "python3", "engine": "writer", "used_bytes": 7 * 2**30},
        {"pid": 4411, "name": "blender", "engine": None, "used_bytes": 5 * 2**30},
    ]
    assert (second["stale"], second["problem"]) == (True, "It is lost: GPU is lost.")
    out = (await run("gpus")).out
    assert re.search(
        r"^0 +H100 80GB +12.0 GiB +80.0 GiB +94 % +88 °C +512 W +700 W +1410 MHz +— +slowed: power cap$", out, re.M
    )
    assert re.search(r"^1 .*stale: It is lost: GPU is lost.$", out, re.M)
    assert re.search(r"^0 +4411 +blender +— +5.0 GiB$", out, re.M)


async def test_without_a_gpu_one_line_says_why(script: Script, run: Run) -> None:
    script.gpus, script.fleet = (), NO_DRIVER
    assert (await run("gpus")).out == f"{NO_DRIVER.problem}\n"
    ran = await run("gpus", "--json")
    assert (ran.code, ran.out, ran.err) == (0, "[]\n", f"{NO_DRIVER.problem}\n")
    assert json.loads((await run("top", "--json")).out)["driver"]["problem"] == NO_DRIVER.problem


async def test_top(script: Script, run: Run) -> None:
    script.gpus = (GPU, LOST)
    whole = json.loads((await run("top", "--json")).out)
    assert whole["host"]["name"] == "box"
    assert whole["driver"] == {"version": "580.65.06", "cuda": "13.0", "problem": ""}
    assert [len(whole[what]) for what in ("gpus", "engines", "jobs")] == [2, 4, 1]
    page = (await run("top", "--once")).out
    assert page.startswith("box  ")
    assert [head for head in ("H100 80GB", "writer", "box-1") if head not in page] == []


async def test_top_goes_on_until_it_is_interrupted(script: Script) -> None:
    with anyio.fail_after(20):
        async with await anyio.open_process([sys.executable, str(ROOT / "engineroom.py"), "top"]) as process:
            assert process.stdout is not None
            seen = b""
            while seen.count(b"H100 80GB") < 2:
                seen += await process.stdout.receive()
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 130


async def test_doctor_looks_at_the_gpus(script: Script, run: Run) -> None:
    script.gpus = (GPU, LOST)
    ran = await run("doctor")
    assert ran.code == 1
    assert re.search(r"^ok +GPU driver: 580.65.06, CUDA 13.0; GPUs: 2$", ran.out, re.M)
    assert re.search(r"^ok +GPU 0: H100 80GB, 80.0 GiB, compute capability 9.0$", ran.out, re.M)
    assert re.search(r"^warn +GPU 0: slowed down: power cap \(at 88 °C\)", ran.out, re.M)
    assert re.search(r"^warn +GPU 0: blender \(pid 4411\) holds 5.0 GiB; it is not ours.$", ran.out, re.M)
    assert re.search(r"^bad +GPU 1: H100 80GB gives no readings. It is lost: GPU is lost.", ran.out, re.M)
    script.gpus, script.fleet = (), NO_DRIVER
    ran = await run("doctor")
    assert ran.code == 0
    assert re.search(r"^warn +GPU driver: There is no NVIDIA driver", ran.out, re.M)
