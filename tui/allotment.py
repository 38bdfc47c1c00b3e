"""Who gets how many rows of the screen. Pure: columns go first when it is narrow, rows stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

GpuForm: TypeAlias = Literal["two lines", "one line", "abreast", "summary"]
"""How GPUs are shown, richest first; a summary shows some of them, and all in one line."""


@dataclass(frozen=True)
class Fleet:
    """So many GPUs, and what the width allows: two lines for each, or so many abreast. `absent` says why none."""

    count: int = 0
    wide: bool = False
    abreast: int = 1
    absent: bool = False


NO_GPUS = Fleet()


@dataclass(frozen=True)
class Allotment:
    """Rows of each section; `rules` are the separators above all but the first, `titles` the heads of the tables.

    GPUs stand right below the host, without a separator.
    """

    host: int
    gpus: int
    gpu_form: GpuForm
    engines: int
    jobs: int
    news: int
    rules: bool
    titles: bool


def allot(height: int, engines: int, jobs: int, news: int, fleet: Fleet = NO_GPUS) -> Allotment:
    """Share `height` rows among so many GPUs, engines, jobs and lines of news; one row each for title line and keys.

    Engines and jobs are shown whole while there is room; then they share it, and scroll. GPUs get shorter before that.
    """
    rules = height >= 28
    titles = height >= 18
    host = 2 if height >= 32 else 1 if height >= 12 else 0
    room = height - 2 - host - (5 if rules and host else 4 if rules else 0) - (2 if titles else 0)
    wanted_engines, wanted_jobs = max(1, engines), max(1, jobs)
    gpus, form = _gpus(room, wanted_engines, wanted_jobs, news, fleet)
    room -= gpus
    least_news = min(news, 8 if height >= 30 else 3 if height >= 18 else 1 if height >= 8 else 0)
    if gpus:
        least_news = min(least_news, max(3, room // 4))
    lists = max(0, room - least_news)
    if wanted_engines + wanted_jobs <= lists:
        shown_engines, shown_jobs = wanted_engines, wanted_jobs
    else:
        half = lists // 2
        shown_jobs = min(wanted_jobs, max(half, lists - wanted_engines))
        shown_engines = min(wanted_engines, lists - shown_jobs)
    left = max(0, room - shown_engines - shown_jobs)
    return Allotment(host, gpus, form, shown_engines, shown_jobs, left, rules, titles)


def _gpus(room: int, engines: int, jobs: int, news: int, fleet: Fleet) -> tuple[int, GpuForm]:
    """Rows for the GPUs: two lines each only where nothing else gives way for it."""
    if not fleet.count:
        return (1 if fleet.absent and room >= 12 else 0), "summary"
    if fleet.wide and 2 * fleet.count <= room - engines - jobs - min(news, 4):
        return 2 * fleet.count, "two lines"
    budget = room - min(engines, 4) - min(jobs, 3) - min(news, 3)
    if fleet.count <= budget:
        return fleet.count, "one line"
    rows = -(-fleet.count // fleet.abreast)
    if rows <= budget:
        return rows, "abreast"
    return (max(1, budget) if room >= 4 else 0), "summary"
