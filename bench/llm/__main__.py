"""Language models against their peers, in turn: throughput, streaming, first tokens, threads, memory, busy engines.

    python -m bench.llm [--only PART …] [--rounds N] [--quick] [--llama-cpp FOLDER]

Every part says in its docstring what it measures. Peers compute on the same files, with the same number of threads (one
unless a table says otherwise), batch and cache, under the same environment (OMP_NUM_THREADS=1,
OMP_WAIT_POLICY=PASSIVE). llama.cpp's own programs take part once `python -m bench.llm.build_peer` has made them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.llm import busy, first_token, gpu, memory, streaming, threads, throughput
from bench.llm.build_peer import default_folder
from bench.llm.throughput import Bench
from bench.room import load_note

PARTS = {
    "throughput": throughput.show,
    "streaming": streaming.show,
    "first-token": first_token.show,
    "threads": threads.show,
    "memory": memory.show,
    "busy": busy.show,
    "gpu": gpu.show,
}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.llm", description=__doc__.split("\n")[0] if __doc__ else None
    )
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), metavar="PART")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round, fewer of everything")
    parser.add_argument("--llama-cpp", type=Path, default=default_folder(), help="where llama.cpp's programs are")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="er-bench-") as folder:
        bench = Bench(Path(folder), told.llama_cpp, 1 if told.quick else told.rounds, quick=told.quick)
        for name in told.only:
            print(f"\n{name}: {load_note()}")
            PARTS[name](bench)
            print(f"\n{load_note()}")


if __name__ == "__main__":
    main()
