"""Who holds memory: processes of the scenario, and those that publish their own account."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from simulated_box import Failed, Looker, SimulatedBox, eventually

pytest_plugins = ["simulator_fixtures"]

GIB = 2**30
CARD = {"uuid": "GPU-a", "memory_total": "24 GiB"}


@pytest.fixture
def living() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def held(look: Looker, gpu: int = 0, kind: str = "Compute") -> dict[int, int | None]:
    return {at["pid"]: at["usedGpuMemory"] for at in look(f"DeviceGet{kind}RunningProcesses", f"@{gpu}")}


def used(look: Looker, gpu: int = 0) -> int:
    return int(look("DeviceGetMemoryInfo", f"@{gpu}")["used"])


def test_a_ghost_is_listed_with_its_bytes(box: SimulatedBox) -> None:
    box.is_now({**CARD, "memory_other": "1 GiB", "process": [{"pid": 4_000_000, "memory": "5 GiB", "name": "gone"}]})
    look = box.looker()
    assert held(look) == {4_000_000: 5 * GIB}
    assert used(look) == 6 * GIB
    assert look("SystemGetProcessName", 4_000_000) == "gone"
    assert look("SystemGetProcessName", 4_000_001) == Failed(6)
    assert "python" in look("SystemGetProcessName", os.getpid())


def test_a_process_comes_grows_and_goes_by_the_clock(box: SimulatedBox) -> None:
    growing = {"pid": 77, "memory": {"points": [[0, 0], [10, "10 GiB"]]}, "from": 2, "until": 8}
    seen = []
    look = None
    for second in (1.0, 3.0, 7.0, 8.0):
        box.is_now({**CARD, "process": [growing]}, clock=second)
        look = look or box.looker()
        seen.append((held(look), used(look)))
    assert seen == [({}, 0), ({77: 3 * GIB}, 3 * GIB), ({77: 7 * GIB}, 7 * GIB), ({}, 0)]


def test_a_pidfile_counts_while_its_process_lives(
    box: SimulatedBox, tmp_path: Path, living: subprocess.Popen[bytes]
) -> None:
    ours = {"pidfile": str(tmp_path / "pid"), "memory": "2 GiB"}
    leak = {"pidfile": str(tmp_path / "leaked"), "memory": "1 GiB", "stays": True}
    box.is_now({**CARD, "process": [ours, leak]})
    look = box.looker()
    assert held(look) == {}
    (tmp_path / "pid").write_text(f"{living.pid}\n")
    assert held(look) == {living.pid: 2 * GIB}
    (tmp_path / "leaked").write_text("4000000")
    living.kill()
    os.waitid(os.P_PID, living.pid, os.WEXITED | os.WNOWAIT)  # a zombie holds nothing
    assert held(look) == {4_000_000: GIB}
    assert used(look) == GIB


def test_processes_publish_what_they_hold(box: SimulatedBox, living: subprocess.Popen[bytes]) -> None:
    box.is_now(CARD, {**CARD, "uuid": "GPU-b", "mig": [{"profile": "1g", "memory": "5 GiB", "uuid": "MIG-b"}]})
    look = box.looker()
    mine, theirs = box.account(), box.account(living.pid)
    mine.hold({"GPU-a": 3 * GIB, "MIG-b": GIB})
    theirs.hold({"GPU-a": 4 * GIB})
    eventually(lambda: held(look) == {os.getpid(): 3 * GIB, living.pid: 4 * GIB})
    assert held(look, 1) == {os.getpid(): GIB}
    assert [used(look, 0), used(look, 1)] == [7 * GIB, GIB]
    mine.close()
    living.kill()
    living.wait()
    eventually(lambda: held(look) == held(look, 1) == {} and used(look) == 0)


def test_a_leak_stays_after_its_process(box: SimulatedBox) -> None:
    box.is_now(CARD)
    look = box.looker()
    box.account(4_000_000).hold({"GPU-a": GIB}, stays=True)
    box.account(4_000_001).hold({"GPU-a": GIB})
    eventually(lambda: held(look) == {4_000_000: GIB})


def test_a_desktop_is_graphics(box: SimulatedBox) -> None:
    box.is_now({**CARD, "process": [{"pid": 9, "kind": "graphics", "memory": "1 GiB"}, {"pid": 10, "memory": "2 GiB"}]})
    look = box.looker()
    assert held(look, kind="Graphics") == {9: GIB}
    assert held(look) == {10: 2 * GIB}
    assert used(look) == 3 * GIB


def test_a_driver_may_keep_a_process_s_bytes_to_itself(box: SimulatedBox) -> None:
    box.is_now({**CARD, "memory_other": "3 GiB", "process": [{"pid": 10, "memory": "unknown"}]})
    look = box.looker()
    assert held(look) == {10: None}
    assert used(look) == 3 * GIB


def test_memory_never_passes_what_the_card_has(box: SimulatedBox) -> None:
    box.is_now({**CARD, "memory_reserved": "1 GiB", "process": [{"pid": 10, "memory": "40 GiB"}]})
    assert box.looker()("DeviceGetMemoryInfo", "@0") == {"total": 24 * GIB, "free": 0, "used": 24 * GIB}


def test_the_load_of_each_process_is_told_since_a_moment(box: SimulatedBox) -> None:
    box.is_now({**CARD, "process": [{"pid": 10, "memory": 0, "utilisation": 63}, {"pid": 11, "memory": 0}]}, CARD)
    look = box.looker()
    (sample,) = look("DeviceGetProcessUtilization", "@0", 0)
    assert (sample["pid"], sample["smUtil"]) == (10, 63)
    assert look("DeviceGetProcessUtilization", "@0", sample["timeStamp"] + 10**9) == Failed(6)
    assert look("DeviceGetProcessUtilization", "@1", 0) == Failed(6)


def test_a_crowd_fits_the_list(box: SimulatedBox) -> None:
    box.is_now({**CARD, "process": [{"pid": 1000 + at, "memory": 1 << 20} for at in range(64)]})
    assert len(held(box.looker())) == 64
