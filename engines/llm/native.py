"""Whether a build of llama.cpp is what this CPU would get; pure.

A native build uses the instruction sets of the CPU that compiled it, and its description of itself names them. One
with more than this CPU has would crash, one with fewer is slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_FLAG_OF: Final = {
    "SSE3": "pni",
    "SSSE3": "ssse3",
    "AVX": "avx",
    "AVX_VNNI": "avx_vnni",
    "AVX2": "avx2",
    "F16C": "f16c",
    "FMA": "fma",
    "BMI2": "bmi2",
    "AVX512": "avx512f",
    "AVX512_VBMI": "avx512vbmi",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "AMX_INT8": "amx_int8",
}
"""What llama.cpp tells of an x86 build, and the flag of the CPU in /proc/cpuinfo."""
_TOLD: Final = re.compile(r"(\w+) = 1\b")


def foreign(system_info: str, instructions: Iterable[str], *, x86: bool) -> str:
    """How the build differs from one made here, as words; empty where it does not."""
    if not x86:
        return "what it was built for cannot be told on this kind of CPU"
    has = set(instructions)
    told = set(_TOLD.findall(system_info))
    more = [name for name, flag in _FLAG_OF.items() if name in told and flag not in has]
    fewer = [name for name, flag in _FLAG_OF.items() if name not in told and flag in has]
    parts = [
        f"it needs {', '.join(more)}, which this CPU lacks" if more else "",
        f"it makes no use of {', '.join(fewer)}" if fewer else "",
    ]
    return ", and ".join(filter(None, parts))
