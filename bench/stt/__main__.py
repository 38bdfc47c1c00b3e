"""Speech to text against faster-whisper alone, in turn: a long recording, short phrases, and on a GPU.

    python -m bench.stt [--only PART …] [--minutes N] [--rounds N] [--quick]

With the miniature, in int8, on one thread (OMP_NUM_THREADS=1). Every part says in its docstring what it measures.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.room import load_note
from bench.stt import gpu, phrases, whole
from bench.stt.whole import Bench

PARTS: dict[str, Callable[[Bench], None]] = {"whole": whole.show, "phrases": phrases.show, "gpu": gpu.show}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.stt", description=__doc__.split("\n")[0] if __doc__ else None
    )
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), metavar="PART")
    parser.add_argument("--minutes", type=float, default=16.0, help="of the long recording")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round, a quarter of everything")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="er-bench-") as folder:
        minutes, rounds = (told.minutes / 4, 1) if told.quick else (told.minutes, told.rounds)
        bench = Bench(Path(folder), rounds, minutes, told.quick)
        for name in told.only:
            print(f"\n{name}: {load_note()}")
            PARTS[name](bench)
            print(f"\n{load_note()}")


if __name__ == "__main__":
    main()
