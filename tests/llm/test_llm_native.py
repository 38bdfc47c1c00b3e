"""Whether a build of llama.cpp is what this CPU would get."""

from __future__ import annotations

import pytest

from engines.llm.native import foreign

INFO = "CPU : SSE3 = 1 | SSSE3 = 1 | AVX = 1 | AVX2 = 1 | F16C = 1 | FMA = 1 | BMI2 = 1 | OPENMP = 1 | "
HERE = ("pni", "ssse3", "avx", "avx2", "f16c", "fma", "bmi2", "sse4_2")


@pytest.mark.parametrize(
    ("info", "instructions", "said"),
    [
        (INFO, HERE, ""),
        (INFO + "AVX512 = 1 | AVX512_VNNI = 1 |", HERE, "it needs AVX512, AVX512_VNNI, which this CPU lacks"),
        (INFO, (*HERE, "avx512f"), "it makes no use of AVX512"),
        (
            INFO.replace("FMA = 1", "AVX_VNNI = 1"),
            HERE,
            "it needs AVX_VNNI, which this CPU lacks, and it makes no use of FMA",
        ),
        (INFO.replace("AVX2 = 1", "AVX2 = 0"), HERE, "it makes no use of AVX2"),
        ("CUDA : ARCHS = 900 | CPU : " + INFO[6:], HERE, ""),
    ],
)
def test_a_build_is_compared_with_the_cpu(info: str, instructions: tuple[str, ...], said: str) -> None:
    assert foreign(info, instructions, x86=True) == said


def test_where_nothing_can_be_compared_no_build_is_trusted() -> None:
    assert foreign("CPU : NEON = 1 |", ("asimd",), x86=False)
