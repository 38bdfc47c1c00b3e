"""What `doctor` finds about the GPUs, from what the supervisor sees."""

from __future__ import annotations

from collections.abc import Iterator

from cli import gpu_words, words
from cli.finding import Finding
from ipc.snapshot import GpuReading, Snapshot


def findings(whole: Snapshot) -> Iterator[Finding]:
    """The driver, then every GPU: whether it answers, what slows it down, and who else is on it."""
    fleet = whole.fleet
    if fleet.problem:
        hint = "Engines run on the CPU; with a GPU, `nvidia-smi` must work first."
        yield Finding("GPU driver", "warn", fleet.problem, hint)
    else:
        yield Finding("GPU driver", "ok", f"{fleet.driver}, CUDA {fleet.cuda}; GPUs: {len(whole.gpus)}")
    for one in whole.gpus:
        yield from _of_one(one)


def _of_one(one: GpuReading) -> Iterator[Finding]:
    what = f"GPU {one.index}"
    if one.stale:
        hint = "`nvidia-smi` and the kernel's log (`dmesg`, Xid) say more; engines elsewhere are not touched."
        yield Finding(what, "bad", f"{one.name} gives no readings. {one.problem}".strip(), hint)
        return
    capability = f", compute capability {one.compute_capability}" if one.compute_capability else ""
    yield Finding(what, "ok", f"{one.name}, {words.size(one.memory_total_bytes)}{capability}")
    if one.problem:
        yield Finding(what, "warn", one.problem)
    if one.throttle:
        heat = gpu_words.measured(one.temperature_celsius, "°C")
        yield Finding(what, "warn", f"slowed down: {', '.join(one.throttle)} (at {heat}).", "Look after its cooling.")
    if one.display_active:
        yield Finding(what, "warn", "it drives a display, which takes some of its memory.")
    for each in one.processes:
        if not each.engine:
            name = each.name or "a process that cannot be seen from here"
            yield Finding(what, "warn", f"{name} (pid {each.pid}) holds {words.size(each.used_bytes)}; it is not ours.")
