"""What it costs to watch eight GPUs once a second, beside nvitop's snapshot of the same simulated box in the same run.

    python -m bench.sampling [--seconds 20]

Each side is a process of its own that sees the same scenario (simulator/scenarios/eight.toml) through the same library
and the same nvidia-ml-py. Ours: the supervisor's fleet with its threads, and the loop's part, reading it once a second.
Theirs: nvitop's `take_snapshots` of all devices and the processes on them, once a second. CPU is what a
process used between two looks at its own clock, after a warm-up of 3 s. Both have the simulated library's work in it,
so each library call's share is the same. A third process only sleeps: what a Python process costs anyway.
Aim: ours at most 0.4 % of one core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from simulator.run import environment
from simulator.scenario import named, publish

OURS = """
from supervisor.gpus.fleet import Fleet
fleet = Fleet()
fleet.start()
look = lambda: fleet.readings({}, time.monotonic())
"""
THEIRS = """
from nvitop import Device, take_snapshots
devices = Device.all()
look = lambda: take_snapshots(devices).devices
"""
NOBODY = "look = lambda: ()"
METER = """
def pause(seconds):
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        look()
        time.sleep(min(left, 1.0))
pause(3)
cpu, wall = time.process_time(), time.monotonic()
pause(float(sys.argv[1]))
percent = 100 * (time.process_time() - cpu) / (time.monotonic() - wall)
print(percent, len(look()), psutil.Process().memory_info().rss / 2**20)
"""
SIDES = {"engineroom": OURS, "nvitop": THEIRS, "(sleeping)": NOBODY}


def main() -> None:
    """Run all sides at the same time and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.sampling")
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as place:
        lines = Path(place, "scenario")
        publish(named("eight"), lines)
        environ = environment(lines)
        started = {
            name: subprocess.Popen(
                [sys.executable, "-c", f"import sys, time, psutil\n{side}\n{METER}", str(seconds)],
                stdout=subprocess.PIPE, text=True, env=environ, cwd=Path(__file__).parents[1],
            )
            for name, side in SIDES.items()
        }  # fmt: skip
        print(f"{'':<12} {'CPU % of a core':>16} {'GPUs':>5} {'RSS MiB':>8}")
        for name, process in started.items():
            out, _ = process.communicate()
            percent, gpus, rss = out.split()
            print(f"{name:<12} {float(percent):>16.3f} {gpus:>5} {float(rss):>8.0f}")


if __name__ == "__main__":
    main()
