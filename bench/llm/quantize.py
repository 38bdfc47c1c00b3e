"""A child that quantizes one file, as the library does it: `python -m bench.llm.quantize SOURCE TARGET LEVEL`."""

from __future__ import annotations

import sys

import llama_cpp as lib

LEVELS = {
    "q8_0": lib.LLAMA_FTYPE_MOSTLY_Q8_0,
    "q4_0": lib.LLAMA_FTYPE_MOSTLY_Q4_0,
    "q4_k_m": lib.LLAMA_FTYPE_MOSTLY_Q4_K_M,
}


def main() -> None:
    """Write TARGET."""
    source, target, level = sys.argv[1:]
    parameters = lib.llama_model_quantize_default_params()
    parameters.ftype = LEVELS[level]
    parameters.nthread = 1
    if status := lib.llama_model_quantize(source.encode(), target.encode(), parameters):
        sys.exit(f"llama_model_quantize answered {status}")


if __name__ == "__main__":
    main()
