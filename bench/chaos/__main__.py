"""Everything is killed, stopped and changed at random while jobs run, then the promises are counted.

    python -m bench.chaos [--seed N] [--engine-kills N] [--stops N] [--supervisor-kills N] [--units N] [--folder DIR]

The defaults take about half a minute. Exit code 1 when a promise was broken: then the folder with the state, the logs,
the sources, the outputs and `chaos.jsonl`, which says what was done when, is kept and named. The long form:

    python -m bench.chaos --engine-kills 1000 --stops 200 --supervisor-kills 100 --units 20000
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from bench.chaos.run import chaos
from bench.chaos.scale import Scale
from bench.chaos.table import lines
from bench.room import load_note


def main() -> int:
    """Run it, print the table; returns the exit code."""
    usual = Scale()
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos", description=__doc__.split("\n")[0] if __doc__ else None
    )
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--engine-kills", type=int, default=usual.engine_kills)
    parser.add_argument("--stops", type=int, default=usual.stops, help="SIGSTOP of engines and desks")
    parser.add_argument("--supervisor-kills", type=int, default=usual.supervisor_kills)
    parser.add_argument("--units", type=int, default=usual.units)
    parser.add_argument("--folder", type=Path, help="an empty or new folder to keep everything in, whatever happens")
    told = parser.parse_args()
    scale = Scale(told.seed, told.engine_kills, told.stops, told.supervisor_kills, told.units)
    folder = told.folder or Path(tempfile.mkdtemp(prefix="er-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(load_note())
    report = chaos(scale, folder.resolve())
    print("\n".join(lines(report)))
    print(load_note())
    for promise in report.broken:
        print(f"broken: {promise}")
    if report.broken:
        print(f"the evidence is in {folder}")
    elif told.folder is None:
        shutil.rmtree(folder)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
