"""What `doctor` finds about the driver and each GPU, from what the supervisor sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cli import gpu_words, words
from cli.finding import Finding
from ipc.snapshot import GpuReading, Snapshot

WARM_CELSIUS = 80.0
CUDA_12_FROM = (5, 0)
CUDA_13_FROM = (7, 5)
"""The oldest compute capabilities that these can make code for, as NVIDIA's release notes of both say."""


def findings(whole: Snapshot, *, by_age: bool = True) -> Iterator[Finding]:
    """The driver, then every GPU: whether it answers, its heat, what slows it down, and who else is on it.

    `by_age`: also what is known of GPUs of its age in general, where a build leaves open which ones it can use.
    """
    fleet = whole.fleet
    if fleet.problem:
        hint = "Engines run on the CPU; with a GPU, `nvidia-smi` must work first."
        yield Finding("GPU driver", "warn", fleet.problem, hint)
    else:
        yield Finding("GPU driver", "ok", f"{fleet.driver}, CUDA {fleet.cuda}; GPUs: {len(whole.gpus)}")
    alarmed = {alarm.about for alarm in whole.ledger.alarms if alarm.word == "heat"}
    for one in whole.gpus:
        what = f"GPU {one.index}"
        if one.stale:
            hint = "`nvidia-smi` and the kernel's log (`dmesg`, Xid) say more; engines elsewhere are not touched."
            yield Finding(what, "bad", f"{one.name} gives no readings. {one.problem}".strip(), hint)
            continue
        capability = f", compute capability {one.compute_capability}" if one.compute_capability else ""
        yield Finding(what, "ok", f"{one.name}, {words.size(one.memory_total_bytes)}{capability}")
        if by_age:
            yield from _age(what, one.compute_capability)
        if one.problem:
            yield Finding(what, "warn", one.problem)
        if f"gpu {one.index}" not in alarmed:
            yield from _heat(what, one)
        yield from _slowness(what, one)
        yield from _others(what, one)
    yield from _persistence(whole.gpus)


def _age(what: str, capability: str) -> Iterator[Finding]:
    if not capability:
        return
    version = tuple(map(int, capability.split(".")))
    if version < CUDA_12_FROM:
        text = f"it is too old (compute capability {capability}) for libraries built with CUDA 12 or later."
        yield Finding(what, "warn", text, "Engines run on the CPU there; use another GPU, or older builds.")
    elif version < CUDA_13_FROM:
        text = f"it is too old (compute capability {capability}) for libraries built with CUDA 13."
        yield Finding(what, "warn", text, "Install builds for CUDA 12.")


def _persistence(gpus: Iterable[GpuReading]) -> Iterator[Finding]:
    """Nothing where no card tells it."""
    told = [one for one in gpus if one.persistence is not None]
    if off := ", ".join(str(one.index) for one in told if not one.persistence):
        text = f"off on GPU {off}: the driver shuts it down when nobody uses it, and the next start may take seconds."
        yield Finding("persistence mode", "warn", text, "sudo nvidia-smi -pm 1")
    elif told:
        yield Finding("persistence mode", "ok", "on")


def _heat(what: str, one: GpuReading) -> Iterator[Finding]:
    if one.temperature_celsius is None or one.temperature_celsius < WARM_CELSIUS:
        return
    limit = gpu_words.measured(one.slowdown_celsius, "°C")
    text = f"it is {one.temperature_celsius:.0f} °C warm and slows itself down at {limit}; near that, work waits."
    yield Finding(what, "warn", text, "Look after its cooling.")


def _slowness(what: str, one: GpuReading) -> Iterator[Finding]:
    if not one.throttle:
        return
    thermal = any("thermal" in reason for reason in one.throttle)
    hint = "Look after its cooling." if thermal else "`nvidia-smi -q -d PERFORMANCE,POWER` says more."
    heat = gpu_words.measured(one.temperature_celsius, "°C")
    text = f"slowed down: {', '.join(one.throttle)} (at {heat}); engines on it are slower."
    yield Finding(what, "warn", text, hint)


def _others(what: str, one: GpuReading) -> Iterator[Finding]:
    if one.display_active:
        yield Finding(what, "warn", "it drives a display, which takes some of its memory.")
    for each in one.processes:
        if each.engine:
            continue
        name = each.name or "a process that cannot be seen from here"
        text = f"{name} (pid {each.pid}) holds {words.size(each.used_bytes)}; it is not ours: engines do without that."
        yield Finding(what, "warn", text, "End it, if nobody needs it.")
