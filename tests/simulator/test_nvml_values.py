"""What a simulated GPU says of itself, through nvidia-ml-py's own ctypes path."""

from __future__ import annotations

import re
from pathlib import Path

import pynvml
import pytest
from simulated_box import Failed, SimulatedBox

pytest_plugins = ["simulator_fixtures"]

GIB = 2**30
NOT_SUPPORTED = 3


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (50, {0: 50, 99: 50}),
        ({"sine": [40, 80], "period": 60}, {0: 40, 15: 60, 30: 80, 60: 40}),
        ({"sine": [40, 80], "period": 60, "phase": 30}, {0: 80, 30: 40}),
        ({"saw": [0, 100], "period": 10}, {0: 0, 5: 50, 9.9: 99, 10: 0}),
        ({"square": [30, 70], "period": 10, "duty": 0.2}, {0: 70, 1.9: 70, 2.1: 30, 9.9: 30, 10.1: 70}),
        ({"points": [[10, 40], [20, 80], [20, 50]]}, {0: 40, 10: 40, 15: 60, 19.9: 80, 20: 50, 99: 50}),
        ({"points": [[0, 40], [10, 60]], "repeat": 20}, {5: 50, 15: 60, 25: 50}),
    ],
)
def test_a_curve_has_its_value_at_each_second(box: SimulatedBox, curve: object, expected: dict[float, int]) -> None:
    box.is_now({"temperature": curve}, clock=0.0)
    look = box.looker()
    seen = {}
    for second in expected:
        box.is_now({"temperature": curve}, clock=second)
        seen[second] = look("DeviceGetTemperature", "@0", 0)
    assert seen == pytest.approx(expected, abs=1)


def test_noise_stays_between_its_ends_and_is_the_same_for_every_program(box: SimulatedBox) -> None:
    first, second = None, None
    values = []
    for tenth in range(40):
        box.is_now({"power": {"noise": [100, 300], "seed": 7}}, clock=tenth / 2)
        first, second = first or box.looker(), second or box.looker()
        values.append(first("DeviceGetPowerUsage", "@0"))
        assert second("DeviceGetPowerUsage", "@0") == values[-1]
    assert min(values) >= 100_000
    assert max(values) <= 300_000
    assert max(values) - min(values) > 50_000


def test_memory_has_its_reserve_apart_in_the_second_version_only(box: SimulatedBox) -> None:
    box.is_now({"memory_total": "24 GiB", "memory_reserved": "1 GiB", "memory_other": "3 GiB"})
    look = box.looker()
    assert look("DeviceGetMemoryInfo", "@0") == {"total": 24 * GIB, "free": 20 * GIB, "used": 4 * GIB}
    second = look("DeviceGetMemoryInfo", "@0", pynvml.nvmlMemory_v2)
    assert (second["used"], second["reserved"], second["free"]) == (3 * GIB, GIB, 20 * GIB)
    assert look("DeviceGetMemoryInfo", "@0", 0x03000028) == Failed(pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH)


def test_what_the_scenario_leaves_out_the_card_does_not_tell(box: SimulatedBox) -> None:
    box.is_now({})
    look = box.looker()
    asked = [
        "GetTemperature",
        "GetPowerUsage",
        "GetMemoryInfo",
        "GetUtilizationRates",
        "GetFanSpeed",
        "GetDisplayActive",
    ]
    more = {"GetTemperature": (0,)}
    assert {call: look(f"Device{call}", "@0", *more.get(call, ())) for call in asked} == dict.fromkeys(asked, 3)
    fields = look("DeviceGetFieldValues", "@0", [82, 83, 197, 198, 9999])
    assert [field["nvmlReturn"] for field in fields] == [NOT_SUPPORTED] * 5


def test_a_full_card_says_what_its_model_has(box: SimulatedBox) -> None:
    busy = {"power": 300, "temperature": 60, "sm_clock": 1500, "memory_clock": 2619, "utilisation": 42}
    box.is_now({"model": "H100", **busy}, {"model": "3090", "display_active": 1}, driver="555.42", cuda="12.5")
    look = box.looker()
    assert look("SystemGetDriverVersion") == "555.42"
    assert look("SystemGetCudaDriverVersion") == 12050
    assert look("DeviceGetCount") == 2
    assert look("DeviceGetCudaComputeCapability", "@0") == [9, 0]
    assert look("DeviceGetPowerManagementLimit", "@0") == 700_000
    assert look("DeviceGetPowerManagementLimitConstraints", "@0") == [200_000, 700_000]
    assert look("DeviceGetTemperatureThreshold", "@0", pynvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN) == 92
    assert look("DeviceGetClockInfo", "@0", pynvml.NVML_CLOCK_SM) == 1500
    assert look("DeviceGetMaxClockInfo", "@0", pynvml.NVML_CLOCK_MEM) == 2619
    assert look("DeviceGetUtilizationRates", "@0") == {"gpu": 42, "memory": 0}
    assert look("DeviceGetTotalEccErrors", "@0", 1, 0) == 0
    assert look("DeviceGetFanSpeed", "@0") == Failed(NOT_SUPPORTED)
    assert [look("DeviceGetDisplayActive", f"@{gpu}") for gpu in (0, 1)] == [Failed(NOT_SUPPORTED), 1]
    pci = look("DeviceGetPciInfo", "@1")
    assert (pci["busId"], pci["busIdLegacy"], pci["bus"]) == ("00000000:02:00.0", "0000:02:00.0", 2)


def test_counters_are_the_sum_over_time_in_every_program(box: SimulatedBox) -> None:
    gpu = {"power": {"saw": [100, 200], "period": 10}, "pcie_tx": 5e6, "pcie_rx": 1e6}
    box.is_now(gpu, clock=20.5)
    one, two = box.looker(), box.looker()
    assert one("DeviceGetTotalEnergyConsumption", "@0") == pytest.approx(3_000_000 + 52_500, abs=2)
    energy, sent, received = one("DeviceGetFieldValues", "@0", [83, 197, 198])
    assert energy["value"] == two("DeviceGetTotalEnergyConsumption", "@0")
    assert (sent["value"], received["value"]) == (5e6 * 20.5, 1e6 * 20.5)
    box.is_now(gpu, clock=30.5)
    assert one("DeviceGetTotalEnergyConsumption", "@0") - energy["value"] == 1_500_000


def test_a_box_that_is_up_for_ages_answers_at_once(box: SimulatedBox) -> None:
    box.is_now({"power": 100}, clock=1e9)
    assert box.looker()("DeviceGetTotalEnergyConsumption", "@0") == 100 * 1000 * 10**9


def test_throttling_is_written_or_follows_from_heat_and_power(box: SimulatedBox) -> None:
    box.is_now(
        {"utilisation": 0},
        {"utilisation": 50, "power": 400, "power_limit": 400},
        {"temperature": 95, "slowdown": 93},
        {"throttle": [{"reason": "sw_thermal", "from": 5, "until": 10}, {"reason": "sync_boost", "from": 50}]},
        clock=7.0,
    )
    look = box.looker()
    reasons = [look("DeviceGetCurrentClocksEventReasons", f"@{gpu}") for gpu in range(4)]
    assert reasons == [0x1, 0x4, 0x48, 0x20]
    assert look("DeviceGetCurrentClocksThrottleReasons", "@3") == 0x20


def test_a_gpu_in_parts_has_handles_memory_and_processes_of_each(box: SimulatedBox) -> None:
    parts = [
        {"profile": "3g.20gb", "memory": "20 GiB", "slices": 3, "uuid": "MIG-a"},
        {"profile": "1g.5gb", "memory": "5 GiB"},
    ]
    holders = [{"pid": 11, "memory": "6 GiB", "mig": 0}, {"pid": 12, "memory": "1 GiB", "mig": 1}]
    box.is_now(
        {"model": "A100", "utilisation": 10, "mig": parts, "process": holders}, {"model": "A100"}, {"model": "3090"}
    )
    look = box.looker()
    assert [look("DeviceGetMigMode", f"@{gpu}") for gpu in range(3)] == [[1, 1], [0, 0], Failed(NOT_SUPPORTED)]
    assert look("DeviceGetMaxMigDeviceCount", "@0") == 7
    assert [look("DeviceGetUUID", "@0.0"), look("DeviceGetName", "@0.1")] == [
        "MIG-a",
        "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
    ]
    assert look("DeviceGetMigDeviceHandleByIndex", "@0", 2) == Failed(pynvml.NVML_ERROR_NOT_FOUND)
    assert look("DeviceGetMemoryInfo", "@0.0") == {"total": 20 * GIB, "free": 14 * GIB, "used": 6 * GIB}
    assert [at["pid"] for at in look("DeviceGetComputeRunningProcesses", "@0.1")] == [12]
    assert [at["gpuInstanceId"] for at in look("DeviceGetComputeRunningProcesses", "@0")] == [1, 2]
    assert look("DeviceGetUtilizationRates", "@0") == Failed(NOT_SUPPORTED)
    assert look("DeviceGetTemperature", "@0.0", 0) == Failed(NOT_SUPPORTED)
    assert look("DeviceGetHandleByUUID", "MIG-a") is None
    assert look("DeviceGetGpuInstanceId", "@0.1") == 2
    assert look("DeviceGetAttributes", "@0.0")["memorySizeMB"] == 20 * 1024


def test_gpus_are_found_by_uuid_and_bus(box: SimulatedBox) -> None:
    box.is_now({"uuid": "GPU-one"}, {"uuid": "GPU-two", "bus": "00000000:41:00.0"})
    look = box.looker()
    assert look("DeviceGetHandleByUUID", "GPU-two") is None
    assert look("DeviceGetHandleByPciBusId", "00000000:41:00.0") is None
    assert look("DeviceGetHandleByUUID", "GPU-three") == Failed(pynvml.NVML_ERROR_NOT_FOUND)
    assert look("DeviceGetHandleByIndex", 2) == Failed(pynvml.NVML_ERROR_INVALID_ARGUMENT)


def test_every_call_that_the_client_knows_is_there(nvml_library: Path) -> None:
    names = set(re.findall(r'_nvmlGetFunctionPointer\("(\w+)"\)', Path(pynvml.__file__).read_text(encoding="utf-8")))
    symbols = (nvml_library / "libnvidia-ml.so.1").read_bytes()
    assert len(names) > 300
    assert [name for name in names if name.encode() + b"\0" not in symbols] == []


def test_a_call_that_is_not_simulated_is_not_supported(box: SimulatedBox) -> None:
    box.is_now({})
    assert box.looker()("DeviceGetVbiosVersion", "@0") == Failed(NOT_SUPPORTED)
