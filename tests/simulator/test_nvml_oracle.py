"""nvitop, which knows nothing of us, sees on a simulated box what the scenario says."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pynvml
import pytest
from simulated_box import Failed, Looker, SimulatedBox

from simulator.scenario import named

pytest_plugins = ["simulator_fixtures"]

VIEW = Path(__file__).with_name("nvitop_view.py")


def nvitop_sees(box: SimulatedBox) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(VIEW)], env=box.environ(), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    seen: list[dict[str, Any]] = json.loads(done.stdout)
    return seen


def we_see(look: Looker, gpu: str) -> dict[str, Any]:
    """The same of one GPU, by single calls."""

    def told(call: str, *arguments: Any) -> Any:
        value = look(f"DeviceGet{call}", gpu, *arguments)
        return None if isinstance(value, Failed) else value

    memory, load = told("MemoryInfo", pynvml.nvmlMemory_v2), told("UtilizationRates")
    display = told("DisplayActive")
    processes = [
        (kind, at) for kind in "CG" for at in told(f"{ {'C': 'Compute', 'G': 'Graphics'}[kind] }RunningProcesses")
    ]
    return {
        "name": told("Name"),
        "uuid": told("UUID"),
        "bus": told("PciInfo")["busId"],
        "memory_total": memory and memory["total"],
        "memory_used": memory and memory["used"],
        "memory_free": memory and memory["free"],
        "utilisation": load and load["gpu"],
        "memory_utilisation": load and load["memory"],
        "temperature": told("Temperature", 0),
        "power": told("PowerUsage"),
        "power_limit": told("PowerManagementLimit"),
        "fan": told("FanSpeed"),
        "sm_clock": told("ClockInfo", pynvml.NVML_CLOCK_SM),
        "memory_clock": told("ClockInfo", pynvml.NVML_CLOCK_MEM),
        "ecc_uncorrected": told("TotalEccErrors", 1, 0),
        "display_active": None if display is None else ["Disabled", "Enabled"][display],
        "capability": told("CudaComputeCapability"),
        "mig": [look("DeviceGetUUID", f"{gpu}.{part}") for part in range(2) if told("MigMode") == [1, 1]],
        "processes": {str(at["pid"]): [kind, at["usedGpuMemory"]] for kind, at in processes},
    }


@pytest.mark.parametrize("second", [0.0, 61.7])
def test_nvitop_and_we_see_the_same_eight_gpus(box: SimulatedBox, second: float) -> None:
    table = tomllib.loads(named("eight").read_text())
    box.is_now(*table["gpu"], clock=second)
    look = box.looker()
    assert nvitop_sees(box) == [we_see(look, f"@{gpu}") for gpu in range(8)]


def test_nvitop_sees_what_was_written(box: SimulatedBox) -> None:
    card = {"memory_total": "24 GiB", "memory_reserved": "1 GiB", "memory_other": "2 GiB", "temperature": 71}
    load = {"power": 212.5, "power_limit": 350, "utilisation": 88, "fan": 61, "sm_clock": 1755, "memory_clock": 9501}
    box.is_now({**card, **load, "process": [{"pid": 4_000_000, "memory": "5 GiB"}]})
    (seen,) = nvitop_sees(box)
    expected = {"memory_used": 7 * 2**30, "memory_free": 16 * 2**30, "temperature": 71, "power": 212_500, "fan": 61}
    assert {name: seen[name] for name in expected} == expected
    assert (seen["utilisation"], seen["sm_clock"], seen["memory_clock"]) == (88, 1755, 9501)


def test_nvitop_draws_the_eight_gpus(box: SimulatedBox) -> None:
    table = tomllib.loads(named("eight").read_text())
    box.is_now(*table["gpu"])
    environ = {**box.environ(), "LANG": "C.UTF-8", "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, "-m", "nvitop", "--once"], env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "H100" in done.stdout
    assert "Tesla K40m" in done.stdout
