"""On a GPU: 32 prompts at once against the same peers. Without one the table says so, and nothing is claimed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from bench.llm import throughput
from bench.llm.throughput import Bench, Case

LANES = 32
CASES = tuple(Case("random", level, None, units=4 * LANES) for level in ("f16", "q8_0", "q4_0"))
ASK = "import llama_cpp; print(llama_cpp.llama_supports_gpu_offload())"


def show(bench: Bench) -> None:
    """Measure, or say that nothing can be."""
    told = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=False).stdout.split()
    if told[-1:] != ["True"]:
        print("\nUnproven: the llama.cpp that is installed here sees no GPU.")
        return
    throughput.show(replace(bench, gpu=True, lanes=LANES), CASES)
