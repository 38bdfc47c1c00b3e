"""What speaks against a GPU before any byte is counted: for as long as it is that GPU, or just now."""

from __future__ import annotations

from collections.abc import Mapping

from engines.appraisal import LEVELS, Level
from supervisor.memory.fleet import GpuRoom
from supervisor.memory.tiers import tier_of
from supervisor.memory.wording import listed, size


def too_old(gpu: GpuRoom, least_capability: str) -> str:
    """Why the engine's build does not run on it, as the rest of a sentence that begins with the GPU; or empty."""
    if gpu.capability and least_capability and _number(gpu.capability) < _number(least_capability):
        return f"is too old (compute capability {gpu.capability}, this build needs {least_capability})"
    return ""


def lasting(gpu: GpuRoom, least_capability: str, unsuited: Mapping[str, str], ceiling_for: Level | None) -> str:
    """Why it never takes this load, as the rest of a sentence that begins with the GPU; or empty.

    `ceiling_for` is the precision to hold against the GPU's tier; None where the tier has no say.
    """
    if old := too_old(gpu, least_capability):
        return old
    if gpu.uuid in unsuited:
        return f"cannot be used: {unsuited[gpu.uuid]}"
    if gpu.cut:
        return f"is divided, so name one of its MIG devices ({listed(gpu.mig)})" if gpu.mig else "is divided into none"
    if ceiling_for is not None:
        ceiling = tier_of(gpu.total_bytes).ceiling
        if LEVELS.index(ceiling_for) > LEVELS.index(ceiling):
            return f"takes up to {ceiling} at its size of {size(gpu.total_bytes)}"
    return ""


def passing(gpu: GpuRoom) -> str:
    """Why it takes no load just now, as the rest of a sentence that begins with the GPU; or empty."""
    if gpu.silent:
        return f"gives no readings ({gpu.silent})"
    if gpu.total_bytes <= 0:
        return "does not tell its memory"
    if gpu.pressure == "critical":
        return "is under critical memory pressure"
    if gpu.residents >= gpu.residents_limit:
        return f"already has {gpu.residents} of {gpu.residents_limit} engines"
    return ""


def _number(capability: str) -> tuple[int, ...]:
    return tuple(int(part) for part in capability.split("."))
