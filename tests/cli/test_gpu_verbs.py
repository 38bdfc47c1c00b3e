"""`gpus` and `top`, against a scripted supervisor."""

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
from msgspec.structs import replace
from scripted_supervisor import GPU, LEDGER, LOST, Script

from ipc.snapshot import NO_LEDGER, GpuFleet

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
    assert (first["display_active"], first["persistence"]) == (False, True)
    assert first["processes"] == [
        {"pid": 41, "name": "python3", "engine": "writer", "role": "", "used_bytes": 7 * 2**30},
        {"pid": 4411, "name": "blender", "engine": None, "role": "", "used_bytes": 5 * 2**30},
    ]
    assert (second["stale"], second["problem"]) == (True, "It is lost: GPU is lost.")
    out = (await run("gpus")).out
    assert re.search(
        r"^0 +H100 80GB +12.0 GiB +80.0 GiB +60.5 GiB +94 % +88 °C +512 W +700 W +1410 MHz +—"
        r" +held · heat: 92 °C, resumes at 82; slowed: power cap$",
        out,
        re.M,
    )
    assert (first["claimable_bytes"], second["claimable_bytes"]) == (121 * 2**29, None)
    assert re.search(r"^1 +H100 80GB +12.0 GiB +80.0 GiB +— .*stale: It is lost: GPU is lost.$", out, re.M)
    assert re.search(r"^0 +4411 +blender +— +5.0 GiB$", out, re.M)


async def test_gpus_leave_room_for_a_note_in_120_columns(script: Script, run: Run) -> None:
    script.gpus = (replace(GPU, name="NVIDIA H100 80GB HBM3"),)
    assert (await run("gpus")).out.splitlines()[0].index("NOTE") <= 104


async def test_what_a_gpu_may_take_is_unknown_without_a_ledger(script: Script, run: Run) -> None:
    script.ledger = NO_LEDGER
    assert json.loads((await run("gpus", "--json")).out)[0]["claimable_bytes"] is None
    assert re.search(
        r"^0 +H100 80GB +12.0 GiB +80.0 GiB +— +94 %.*— +slowed: power cap$", (await run("gpus")).out, re.M
    )


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
    assert whole["ledger"] == json.loads((await run("ledger", "--json")).out)
    page = (await run("top", "--once")).out
    assert page.startswith("box  ")
    assert [head for head in ("H100 80GB", "writer", "box-1", "▲ voice · thrash") if head not in page] == []
    script.ledger = replace(LEDGER, alarms=())
    assert "▲" not in (await run("top", "--once")).out


async def test_top_goes_on_until_it_is_interrupted(script: Script) -> None:
    with anyio.fail_after(50):
        async with await anyio.open_process([sys.executable, str(ROOT / "engineroom.py"), "top"]) as process:
            assert process.stdout is not None
            seen = b""
            while seen.count(b"H100 80GB") < 2:
                seen += await process.stdout.receive()
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 130
