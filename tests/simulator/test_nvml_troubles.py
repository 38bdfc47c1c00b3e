"""Faults, slow calls, a driver that is not there, and scenarios that change under those who look."""

from __future__ import annotations

import os
import time

import pytest
from simulated_box import Failed, SimulatedBox, eventually

pytest_plugins = ["simulator_fixtures"]

GPU_IS_LOST, NOT_SUPPORTED, UNINITIALIZED, DRIVER_NOT_LOADED = Failed(15), Failed(3), Failed(1), Failed(9)
WARM = {"temperature": 50, "power": 100}


@pytest.mark.parametrize(("second", "lost"), [(9.9, False), (10.0, True), (29.9, True), (30.0, False), (70.0, True)])
def test_a_gpu_is_lost_in_its_window_and_no_other_with_it(box: SimulatedBox, second: float, lost: bool) -> None:
    fault = {"error": "gpu_is_lost", "from": 10, "until": 30, "every": 60}
    box.is_now({**WARM, "fault": [fault]}, WARM, clock=0.0)
    look = box.looker()
    assert [look("DeviceGetTemperature", f"@{gpu}", 0) for gpu in (0, 1)] == [50, 50]
    box.is_now({**WARM, "fault": [fault]}, WARM, clock=second)
    said = [look("DeviceGetTemperature", "@0", 0), look("DeviceGetPowerUsage", "@0"), look("DeviceGetHandleByIndex", 0)]
    assert [answer == GPU_IS_LOST for answer in said] == [lost] * 3
    assert look("DeviceGetTemperature", "@1", 0) == 50
    assert look("DeviceGetCount") == 2


def test_a_fault_meets_only_the_calls_and_fields_it_names(box: SimulatedBox) -> None:
    faults = [{"call": "nvmlDeviceGetPower*", "error": "unknown"}, {"call": "field 82", "error": "no_permission"}]
    box.is_now({**WARM, "power_limit": 200, "memory_temperature": 70, "fault": faults, "lacks": ["field 83"]})
    look = box.looker()
    assert look("DeviceGetTemperature", "@0", 0) == 50
    assert [look("DeviceGetPowerUsage", "@0"), look("DeviceGetPowerManagementLimit", "@0")] == [999, 999]
    fields = look("DeviceGetFieldValues", "@0", [82, 83, 186])
    assert [field["nvmlReturn"] for field in fields] == [4, NOT_SUPPORTED, 0]
    assert fields[2]["value"] == 100_000


def test_without_a_driver_there_is_no_init(box: SimulatedBox) -> None:
    look = box.looker(init=False)
    assert look("Init") == DRIVER_NOT_LOADED
    box.is_now({}, fault=[{"call": "nvmlInit*", "error": "lib_rm_version_mismatch"}])
    assert look("Init") == Failed(18)
    box.is_now({})
    assert look("Init") is None


def test_nothing_is_told_before_init_and_after_shutdown(box: SimulatedBox) -> None:
    box.is_now(WARM)
    look = box.looker(init=False)
    look("Init")
    assert look("DeviceGetTemperature", "@0", 0) == 50
    look("Shutdown")
    assert look("DeviceGetTemperature", "@0", 0) == UNINITIALIZED
    assert look("DeviceGetCount") == UNINITIALIZED


def test_a_slow_gpu_keeps_no_other_waiting(box: SimulatedBox) -> None:
    slow = {**WARM, "latency": [{"call": "nvmlDeviceGetTemperature", "seconds": 0.6}]}
    box.is_now(WARM, slow, WARM, WARM)
    look = box.looker()
    look.say("slowest", 4)
    took = look.hear()
    assert 0.6 <= took[1] < 3
    assert max(took[0], took[2], took[3]) < 0.5


def test_a_hang_ends_when_the_scenario_says_so(box: SimulatedBox) -> None:
    box.is_now({**WARM, "latency": [{"seconds": 1e9}]})
    look = box.looker()
    look.say("nvmlDeviceGetTemperature", "@0", 0)
    time.sleep(0.3)
    box.is_now({**WARM, "temperature": 61})
    assert look.hear() == 61


def test_a_change_counts_at_once(box: SimulatedBox) -> None:
    box.is_now(WARM)
    look = box.looker()
    seen = []
    for celsius in range(40, 60):
        box.is_now({"temperature": celsius})
        seen.append(look("DeviceGetTemperature", "@0", 0))
    assert seen == list(range(40, 60))


@pytest.mark.parametrize("damage", ["cut short", "not understood", "gone"])
def test_a_damaged_scenario_changes_nothing(box: SimulatedBox, damage: str) -> None:
    box.is_now(WARM)
    look = box.looker()
    text = box.lines.read_text()
    assert look("DeviceGetTemperature", "@0", 0) == 50
    if damage == "gone":
        box.lines.unlink()
    else:
        changed = (
            text[: text.index("value power")] if damage == "cut short" else text.replace("constant 50", "constant warm")
        )
        box.lines.write_text(changed)
    assert look("DeviceGetTemperature", "@0", 0) == 50
    assert ("is not understood" in look.complaints.read_text()) == (damage == "not understood")
    box.is_now({"temperature": 77})
    assert look("DeviceGetTemperature", "@0", 0) == 77


def test_a_handle_outlives_its_gpu_and_is_good_again_when_it_returns(box: SimulatedBox) -> None:
    box.is_now(WARM, WARM)
    look = box.looker()
    assert look("DeviceGetTemperature", "@1", 0) == 50
    box.is_now(WARM)
    assert [look("DeviceGetTemperature", "@1", 0), look("DeviceGetCount")] == [GPU_IS_LOST, 1]
    box.is_now(WARM, {"temperature": 33})
    assert look("DeviceGetTemperature", "@1", 0) == 33


def test_many_threads_call_while_scenario_and_accounts_change(box: SimulatedBox) -> None:
    gpus = [{**WARM, "memory_total": "8 GiB", "uuid": f"GPU-{index}"} for index in range(8)]
    box.is_now(*gpus)
    look = box.looker()
    assert [look("DeviceGetTemperature", f"@{index}", 0) for index in range(8)] == [50] * 8
    look.say("storm", 24, 1.5, 8)
    until, changes = time.monotonic() + 1.5, 0
    while time.monotonic() < until:
        box.is_now(*gpus[: 4 + changes % 5])
        box.account(os.getpid()).hold({"GPU-0": changes * 2**20, "GPU-3": 2**30})
        changes += 1
    seen = look.hear()
    assert set(seen) <= {"ok", "15"}
    assert seen["ok"] > 1000
    assert changes > 10
    eventually(lambda: bool(look("DeviceGetComputeRunningProcesses", "@3")))
