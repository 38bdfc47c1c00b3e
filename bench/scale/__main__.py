"""Many units in one job, many jobs of one unit, and the dashboard's answer to a key before very many of them.

    python -m bench.scale [--units N …] [--jobs N …] [--queued N] [--presses N] [--limit SECONDS]

`submit`, `list`, `show` and `pause` are one request over an open connection until its answer, the middle of five where
it can be repeated; `jobs --json` is the whole command, interpreter and all. Units are asked about while the job runs,
jobs while they wait. The growth lines tell by which factor a figure grew when there were ten times as many. Aim: a key
is answered within 100 ms.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bench.figures import percentile
from bench.room import load_note
from bench.scale import jobs, keys, units


def show_units(counts: Sequence[int]) -> None:
    """The first table."""
    print("\n| units of one job | submit ms | list ms | `jobs --json` ms | show ms | pause ms | show at the end ms "
          "| run s | µs a unit | RSS MiB before | most |")  # fmt: skip
    print("|---:|" + "---:|" * 10)
    rows = []
    for count in counts:
        one = units.measure(count)
        rows.append(
            (one.submit, one.listed, one.list_command, one.shown, one.paused, one.shown_at_the_end, one.whole, one.rss)
        )
        print(
            f"| {one.units:,} | {_ms(one.submit, one.listed, one.list_command, one.shown, one.paused)} "
            f"| {_ms(one.shown_at_the_end)} | {one.whole:.1f} | {one.whole / one.units * 1e6:.0f} "
            f"| {one.rss_before:.0f} | {one.rss:.0f} |"
        )
    for before, after in zip(rows, rows[1:], strict=False):
        grown = [f"×{b / a:.1f}" for a, b in zip(before, after, strict=True)]
        print(f"| growth | {' | '.join(grown[:6])} | {grown[6]} | | | {grown[7]} |")


def show_jobs(counts: Sequence[int], limit_seconds: float) -> None:
    """The second."""
    print("\n| jobs of one unit | submit all s | one of the last ms | list ms | `jobs --json` ms | show ms | pause ms "
          "| run all s | ms a job | RSS MiB before | most |")  # fmt: skip
    print("|---:|" + "---:|" * 10)
    rows = []
    for count in counts:
        one = jobs.measure(count, limit_seconds)
        rows.append(
            (
                one.submit_all, one.submit_last, one.listed, one.list_command, one.shown, one.paused,
                one.whole / max(1, one.ended), one.rss,
            )
        )  # fmt: skip
        ran = "" if one.ended == one.jobs else f", {one.ended:,} done"
        print(
            f"| {one.jobs:,} | {one.submit_all:.1f} "
            f"| {_ms(one.submit_last, one.listed, one.list_command, one.shown, one.paused)} "
            f"| {one.whole:.1f}{ran} | {one.whole / max(1, one.ended) * 1e3:.2f} "
            f"| {one.rss_before:.0f} | {one.rss:.0f} |"
        )
    for before, after in zip(rows, rows[1:], strict=False):
        grown = [f"×{b / a:.1f}" for a, b in zip(before, after, strict=True)]
        print(f"| growth | {' | '.join(grown[:6])} | | {grown[6]} | | {grown[7]} |")


def show_keys(queued: int, presses: int) -> None:
    """The third."""
    taken = keys.measure(queued, presses)
    print("\n| queued units | keys | p50 ms | p95 ms | max ms |")
    print("|---:|---:|---:|---:|---:|")
    print(f"| {queued:,} | {len(taken)} | {_ms(percentile(taken, 50), percentile(taken, 95), max(taken))} |")


def _ms(*seconds: float) -> str:
    return " | ".join(f"{one * 1e3:.1f}" for one in seconds)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.scale", description=__doc__.split("\n")[0] if __doc__ else None
    )
    parser.add_argument("--units", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--jobs", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--queued", type=int, default=100_000, help="units behind the running job; 0 leaves it out")
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that many jobs may take to run")
    told = parser.parse_args()
    print(load_note())
    if told.units:
        show_units(told.units)
    if told.jobs:
        show_jobs(told.jobs, told.limit)
    if told.queued:
        show_keys(told.queued, told.presses)
    print()
    print(load_note())


if __name__ == "__main__":
    main()
