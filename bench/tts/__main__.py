"""Speech against the library alone, in turn: its two stages, the whole way, and a person's sentence.

    python -m bench.tts [--only PART …] [--quick] [--rounds N] [--full-rounds N] [--python FILE] [--out FILE]

Everything computes on checkpoints whose weights are drawn at random and whose chunks all take the same number of
tokens: the miniature, then, unless `--quick`, one as large as the library has it (3.2 GB of disk while it is measured,
and up to 8 GB of memory). They run in the Python that has Chatterbox (`make speech`, or --python), one thread each
(OMP_NUM_THREADS=1). On a CPU the seconds that count are those of the CPU: others on the machine lengthen them less.
Where torch has a GPU all of it runs there, and seconds are those that pass; `--vram-cap-gib 8` gives our engine no more
than a card of that size would. Every part says in its docstring what it measures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TextIO

from bench.room import load_note
from bench.tts import saying, sounding, whole, writing
from bench.tts.case import Bench, Model
from bench.tts.interpreter import device_of, speech_python

PARTS: dict[str, Callable[[Bench, Model], None]] = {
    "t3": writing.show,
    "sound": sounding.show,
    "whole": whole.show,
    "say": saying.show,
}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.tts", description=__doc__.split("\n")[0] if __doc__ else None
    )
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), metavar="PART")
    parser.add_argument("--quick", action="store_true", help="the miniature alone")
    parser.add_argument("--full-only", action="store_true", help="the full size alone")
    parser.add_argument("--rounds", type=int, default=3, help="of the miniature")
    parser.add_argument("--full-rounds", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=125, help="of each chunk; 25 are a second")
    parser.add_argument("--python", type=Path, help="the one that has Chatterbox")
    parser.add_argument("--vram-cap-gib", type=float)
    parser.add_argument("--out", type=Path, help="what is printed, also into this file")
    told = parser.parse_args()
    python = speech_python(told.python)
    with _also_into(told.out), tempfile.TemporaryDirectory(prefix="er-bench-") as folder:
        bench = Bench(python, device_of(python), Path(folder), told.vram_cap_gib)
        print(
            f"torch on {bench.device}" + ("" if bench.device == "cuda" else "; no GPU: what concerns one is unproven")
        )
        for full in (False, True):
            if told.quick if full else told.full_only:
                continue
            with bench.checkpoint(told.tokens, told.full_rounds if full else told.rounds, full=full) as model:
                for name in told.only:
                    print(f"\n{name}, {model.name}: {load_note()}")
                    PARTS[name](bench, model)
                    print(f"\n{load_note()}")


@contextmanager
def _also_into(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    with path.open("w") as file, redirect_stdout(_Both(sys.stdout, file)):
        yield


class _Both(StringIO):
    def __init__(self, *files: TextIO) -> None:
        super().__init__()
        self._files = files

    def write(self, text: str) -> int:
        for file in self._files:
            file.write(text)
            file.flush()
        return len(text)


if __name__ == "__main__":
    main()
