"""What the library says in words only: sizes and layers in its log, GPU architectures in its description of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

_COMPUTE = re.compile(r"compute buffer size = +([\d.]+) MiB")
_CACHE = re.compile(r": size = +([\d.]+) MiB \(")
_OFFLOADED = re.compile(r"offloaded (\d+)/\d+ layers to GPU")
_BACKEND = re.compile(r"(\w+) : ")
_CUDA_BUILD = re.compile(r"CUDA : (?:[^:]*\| )?ARCHS = ([\d, ]+)")


def compute_bytes(log: Iterable[str]) -> int | None:
    """All buffers to compute in; the library rounds each to a hundredth of a MiB."""
    return _sum_bytes(_COMPUTE, log)


def cache_bytes(log: Iterable[str]) -> int | None:
    """All caches, and the states of models that keep one instead; rounded likewise."""
    return _sum_bytes(_CACHE, log)


def layers_on_gpu(log: Iterable[str]) -> int | None:
    """Layers that lie on GPUs, the output layer counted, by the last word on it; None without one."""
    told = [int(match[1]) for line in log if (match := _OFFLOADED.search(line))]
    return told[-1] if told else None


def least_capability(system_info: str) -> str:
    """The oldest compute capability that a CUDA build has code for, such as `7.0`; empty for every other build."""
    build = _CUDA_BUILD.search(system_info)
    architectures = [int(number) for number in re.findall(r"\d+", build[1])] if build is not None else []
    return f"{min(architectures) // 100}.{min(architectures) % 100 // 10}" if architectures else ""


def built_for_gpu(system_info: str) -> bool:
    """Whether the build describes anything but the CPU; a build without CUDA may describe no GPU and use one."""
    return not set(_BACKEND.findall(system_info)) <= {"CPU"}


def _sum_bytes(pattern: re.Pattern[str], log: Iterable[str]) -> int | None:
    sizes = [float(match[1]) for line in log if (match := pattern.search(line))]
    return round(sum(sizes) * 2**20) if sizes else None
