"""The fleet against the simulated library, through the real nvidia-ml-py."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import msgspec
import pytest
from fleet_box import GIB, LINE, Box, bare_environ, card, open_box, started
from msgspec.structs import asdict

from ipc.snapshot import GpuFleet, GpuProcess


def test_every_value_of_a_card(tmp_path: Path) -> None:
    with open_box(tmp_path, card(), driver="580.65.06", cuda="13.0") as box:
        (gpu,) = box.wait_for(lambda _, gpus: bool(gpus) and gpus[0].pcie_rx_bytes_per_second is not None)
        assert box.look()[0] == GpuFleet("580.65.06", "13.0", "")
    told = asdict(gpu)
    assert abs(told.pop("unix") - time.time()) < 20
    assert told.pop("energy_joules") >= 0
    assert told.pop("pcie_tx_bytes_per_second") == pytest.approx(5e8, rel=0.5)
    assert told.pop("pcie_rx_bytes_per_second") == pytest.approx(2e9, rel=0.5)
    assert told == {
        "index": 0,
        "uuid": "GPU-0",
        "name": "NVIDIA H100 80GB HBM3",
        "stale": False,
        "problem": "",
        "memory_total_bytes": 80 * GIB,
        "memory_used_bytes": 20 * GIB,
        "memory_reserved_bytes": GIB,
        "utilisation_percent": 94.0,
        "memory_utilisation_percent": 41.0,
        "temperature_celsius": 67.0,
        "memory_temperature_celsius": 71.0,
        "slowdown_celsius": 92.0,
        "power_watts": 512.5,
        "power_limit_watts": 700.0,
        "sm_clock_mhz": 1830,
        "memory_clock_mhz": 2619,
        "fan_percent": 33.0,
        "throttle": (),
        "ecc_uncorrected": 2,
        "compute_capability": "9.0",
        "display_active": False,
        "mig": (),
        "processes": (),
        "persistence": True,
    }


def test_what_a_card_does_not_tell_is_unknown_and_no_problem(tmp_path: Path) -> None:
    silent = ("memory_temperature", "slowdown", "power", "power_limit", "fan", "pcie_tx", "pcie_rx", "ecc_uncorrected",
              "utilisation", "memory_utilisation", "temperature", "memory_clock", "display_active",
              "persistence")  # fmt: skip
    with open_box(tmp_path, card(0, **dict.fromkeys(silent))) as box:
        (gpu,) = box.settled()
    assert (gpu.stale, gpu.problem) == (False, "")
    unknown = {name for name, value in asdict(gpu).items() if value is None}
    assert unknown == {
        "memory_temperature_celsius", "slowdown_celsius", "power_watts", "power_limit_watts", "energy_joules",
        "fan_percent", "pcie_tx_bytes_per_second", "pcie_rx_bytes_per_second", "ecc_uncorrected",
        "utilisation_percent", "memory_utilisation_percent", "temperature_celsius", "memory_clock_mhz",
        "display_active", "persistence",
    }  # fmt: skip


def test_energy_grows_by_power_and_time(tmp_path: Path) -> None:
    with open_box(tmp_path, card(power=500)) as box:
        (first,) = box.settled()
        (last,) = box.wait_for(lambda _, gpus: gpus[0].unix > first.unix + 1)
    assert first.energy_joules is not None
    assert last.energy_joules is not None
    assert (last.energy_joules - first.energy_joules) / (last.unix - first.unix) == pytest.approx(500, rel=0.3)


def test_an_old_driver_counts_reserved_memory_as_used(tmp_path: Path) -> None:
    with open_box(tmp_path, card(lacks=["nvmlDeviceGetMemoryInfo_v2"])) as box:
        (gpu,) = box.settled()
    assert (gpu.memory_used_bytes, gpu.memory_reserved_bytes) == (21 * GIB, None)


def test_without_a_memory_query_the_processes_add_up(tmp_path: Path) -> None:
    holders = [{"pid": 4_200_001, "memory": "3 GiB"}, {"pid": 4_200_002, "memory": "2 GiB"}]
    with open_box(tmp_path, card(lacks=["nvmlDeviceGetMemoryInfo*"], process=holders)) as box:
        (gpu,) = box.settled()
    assert (gpu.memory_total_bytes, gpu.memory_used_bytes, gpu.problem) == (None, 5 * GIB, "")


def test_processes_have_names_engines_and_bytes(tmp_path: Path) -> None:
    ours, ghost, named_by_driver = os.getpid(), 4_200_001, 4_200_002
    name = Path(f"/proc/{ours}/comm").read_text().strip()
    holders = [
        {"pid": ours, "memory": "3 GiB"},
        {"pid": ours, "memory": "3 GiB", "kind": "graphics"},
        {"pid": ghost, "memory": "1 GiB"},
        {"pid": named_by_driver, "memory": "2 GiB", "name": "/usr/bin/python3 train.py"},
    ]
    with open_box(tmp_path, card(process=holders), engines={ours: "writer"}) as box:
        (gpu,) = box.settled()
    assert gpu.processes == (
        GpuProcess(ours, name, 3 * GIB, "writer"),
        GpuProcess(ghost, "", GIB, ""),
        GpuProcess(named_by_driver, "python3", 2 * GIB, ""),
    )


def test_old_cards_without_throttle_reasons_by_the_new_name(tmp_path: Path) -> None:
    hot = {"throttle": [{"reason": "hw_thermal"}, {"reason": "sw_power_cap"}, {"reason": "gpu_idle"}]}
    old = {**hot, "lacks": ["nvmlDeviceGetCurrentClocksEventReasons"]}
    with open_box(tmp_path, card(0, **hot), card(1, **old)) as box:
        new, before_535 = box.settled()
    assert new.throttle == ("power cap", "hardware thermal slowdown")
    assert before_535.throttle == new.throttle


def test_mig_devices(tmp_path: Path) -> None:
    parts = [{"profile": "1g.5gb", "memory": "5 GiB", "uuid": f"MIG-{n}"} for n in range(2)]
    with open_box(tmp_path, card(mig=parts)) as box:
        (gpu,) = box.settled()
    assert gpu.mig == ("MIG-0", "MIG-1")


def test_one_failing_call_is_named_and_costs_that_value_alone(tmp_path: Path) -> None:
    broken = card(fault=[{"call": "nvmlDeviceGetPowerUsage", "error": "unknown"}])
    with open_box(tmp_path, broken) as box:
        (gpu,) = box.settled()
    assert (gpu.stale, gpu.power_watts, gpu.temperature_celsius) == (False, None, 67.0)
    assert gpu.problem == "Its power cannot be read: Unknown Error."


def test_a_failing_call_that_is_made_seldom_is_named_in_every_reading(tmp_path: Path) -> None:
    with open_box(tmp_path, card(fault=[{"call": "nvmlDeviceGetFanSpeed*", "error": "unknown"}])) as box:
        box.settled()
        seen: dict[float, str] = {}
        while len(seen) < 4:
            (gpu,) = box.wait_for(lambda _, gpus: gpus[0].unix not in seen)
            seen[gpu.unix] = gpu.problem
    assert set(seen.values()) == {"Its fan cannot be read: Unknown Error."}


@pytest.mark.parametrize("error", ["gpu_is_lost", "reset_required", "driver_not_loaded", "unknown"])
def test_a_lost_gpu_keeps_its_last_values_disturbs_no_other_and_comes_back(tmp_path: Path, error: str) -> None:
    with open_box(tmp_path, card(0), card(1)) as box:
        box.settled()
        box.show(card(0), card(1, temperature=50, fault=[{"error": error, "call": "nvmlDevice*"}]))
        other, lost = box.wait_for(lambda _, gpus: gpus[1].stale)
        assert (lost.problem[:9], lost.temperature_celsius, lost.uuid) == ("It is los", 67.0, "GPU-1")
        assert (other.stale, other.problem) == (False, "")
        since = other.unix
        (other, lost) = box.wait_for(lambda _, gpus: gpus[0].unix > since + 0.5)
        assert (other.stale, lost.stale) == (False, True)
        box.show(card(0), card(1, temperature=50))
        _, back = box.wait_for(lambda _, gpus: not gpus[1].stale)
        assert (back.temperature_celsius, back.problem) == (50.0, "")


def test_a_gpu_that_was_lost_from_the_beginning(tmp_path: Path) -> None:
    with open_box(tmp_path, card(0), card(1, fault=[{"error": "gpu_is_lost"}])) as box:
        well, lost = box.wait_for(lambda _, gpus: len(gpus) == 2 and gpus[1].stale and bool(gpus[0].sm_clock_mhz))
        assert (well.stale, lost.index, lost.name) == (False, 1, "")
        assert lost.problem == "It is lost: GPU is lost."
        box.show(card(0), card(1))
        assert [one.name for one in box.settled()] == [well.name, well.name]


def test_a_driver_that_wants_to_be_initialised_again(tmp_path: Path) -> None:
    with open_box(tmp_path, card()) as box:
        box.settled()
        box.show(card(), fault=[{"error": "uninitialized", "call": "nvmlDevice*"}])
        box.wait_for(lambda _, gpus: gpus[0].stale)
        box.show(card())
        box.wait_for(lambda _, gpus: not gpus[0].stale)


def test_a_gpu_that_hangs_is_stale_and_disturbs_no_other(tmp_path: Path) -> None:
    with open_box(tmp_path, card(0), card(1)) as box:
        box.settled()
        box.show(card(0), card(1, latency=[{"seconds": 600, "call": "nvmlDeviceGetTemperature"}]))
        other, hung = box.wait_for(lambda _, gpus: gpus[1].stale)
        assert hung.problem.startswith("Its driver has not answered for ")
        assert time.time() - other.unix < 1.5
        box.show(card(0), card(1))
        box.wait_for(lambda _, gpus: not gpus[1].stale)


def test_a_gpu_whose_calls_take_2_s_does_not_slow_the_others(tmp_path: Path) -> None:
    with open_box(tmp_path, *(card(n) for n in range(3)), card(3, latency=[{"seconds": 2}])) as box:
        gpus = box.wait_for(lambda _, gpus: len(gpus) == 4 and all(one.sm_clock_mhz for one in gpus[:3]))
        for _ in range(20):
            gpus = box.look()[1]
            assert [one.stale for one in gpus[:3]] == [False] * 3
            assert max(time.time() - one.unix for one in gpus[:3]) < 1.5
            time.sleep(0.05)


def test_a_process_with_a_hung_gpu_ends_at_once(tmp_path: Path) -> None:
    with open_box(tmp_path, card(latency=[{"seconds": 600, "call": "nvmlDeviceGetTemperature"}])) as box:
        box.wait_for(lambda _, gpus: bool(gpus) and bool(gpus[0].uuid))
        assert box.process.stdin is not None
        box.process.stdin.close()
        assert box.process.wait(timeout=10) == 0


def test_a_gpu_that_is_added_is_found(tmp_path: Path) -> None:
    with open_box(tmp_path, card(0)) as box:
        box.settled()
        box.show(card(0), card(1))
        assert [one.uuid for one in box.wait_for(lambda _, gpus: len(gpus) == 2 and bool(gpus[1].uuid))] == [
            "GPU-0",
            "GPU-1",
        ]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("lib_rm_version_mismatch", "The NVIDIA driver was updated while the old one runs"),
        ("driver_not_loaded", "its kernel module is not loaded"),
        ("no_permission", "does not let this user in"),
        ("unknown", "The NVIDIA driver does not start: Unknown Error."),
    ],
)
def test_a_broken_driver_is_one_sentence_and_mended_later(tmp_path: Path, error: str, sentence: str) -> None:
    with open_box(tmp_path, card(), fault=[{"error": error, "call": "nvmlInit*"}]) as box:
        assert box.wait_for(lambda fleet, _: sentence in fleet.problem) == ()
        box.show(card())
        box.settled()
        assert box.look()[0].problem == ""


def test_a_driver_without_gpus(tmp_path: Path) -> None:
    with open_box(tmp_path) as box:
        box.wait_for(lambda fleet, _: fleet.problem == "The NVIDIA driver sees no GPU.")


def test_no_driver_is_one_sentence(tmp_path: Path) -> None:
    with started([sys.executable, "-c", LINE, msgspec.json.encode({}).decode()], bare_environ()) as process:
        problem = "There is no NVIDIA driver: libnvidia-ml.so.1 was not found."
        assert Box(tmp_path, process).wait_for(lambda fleet, _: fleet.problem == problem) == ()
