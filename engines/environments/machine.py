"""What of this box decides how an environment is made: Python, CPU and GPUs."""

from __future__ import annotations

import functools
import platform
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FEATURES: Final = (
    "sse", "ssse", "pni", "avx", "fma", "f16c", "bmi", "abm", "amx", "aes", "vaes", "pclmulqdq", "vpclmulqdq",
    "gfni", "sha_ni", "popcnt", "movbe", "adx",
)  # fmt: skip
"""Beginnings of those flags of an x86 CPU that a compiler makes use of; a new kernel may tell more of the others."""


@dataclass(frozen=True)
class Machine:
    """This box. `instructions` are the instruction sets that a native build uses, as /proc/cpuinfo names them;
    `capabilities` the compute capabilities of its GPUs, such as `9.0`, each once; none where there is no GPU."""

    python: str
    platform: str
    cpu: str
    instructions: tuple[str, ...]
    capabilities: tuple[str, ...] = ()


def this_machine(capabilities: Iterable[str] = ()) -> Machine:
    """With GPUs of these compute capabilities; the rest is looked up."""
    cpu, instructions = _cpu()
    return Machine(
        python=f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}",
        platform=sysconfig.get_platform(),
        cpu=cpu,
        instructions=instructions,
        capabilities=tuple(sorted(set(filter(None, capabilities)), key=number)),
    )


def number(capability: str) -> tuple[int, ...]:
    """`12.0` as what compares: later than `9.0`."""
    return tuple(map(int, capability.split(".")))


def read_cpu(text: str) -> tuple[str, tuple[str, ...]]:
    """Name and instruction sets of the first CPU in /proc/cpuinfo; of an ARM one all that it tells."""
    told: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        told.setdefault(name.strip(), value.strip())
    if "flags" in told:
        flags = [flag for flag in told["flags"].split() if flag.startswith(_FEATURES)]
    else:
        flags = told.get("Features", "").split()
    return told.get("model name", ""), tuple(sorted(set(flags)))


@functools.cache
def _cpu() -> tuple[str, tuple[str, ...]]:
    try:
        name, flags = read_cpu(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:  # no Linux: one machine has one CPU, and its home is seldom shared
        return platform.processor() or platform.machine(), ()
    return name or platform.machine(), flags
