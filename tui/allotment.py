"""Who gets how many rows of the screen. Pure: columns go first when it is narrow, rows stay."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Allotment:
    """Rows of each section; `rules` are the separators above all but the first, `titles` the heads of the tables."""

    host: int
    engines: int
    jobs: int
    news: int
    rules: bool
    titles: bool


def allot(height: int, engines: int, jobs: int, news: int) -> Allotment:
    """Share `height` rows among so many engines, jobs and lines of news; one row each for title line and keys.

    Engines and jobs are shown whole while there is room; then they share it, and scroll.
    """
    rules = height >= 28
    titles = height >= 18
    host = 2 if height >= 32 else 1 if height >= 12 else 0
    room = height - 2 - host - (5 if rules and host else 4 if rules else 0) - (2 if titles else 0)
    least_news = min(news, 8 if height >= 30 else 3 if height >= 18 else 1 if height >= 8 else 0)
    lists = max(0, room - least_news)
    wanted_engines, wanted_jobs = max(1, engines), max(1, jobs)
    if wanted_engines + wanted_jobs <= lists:
        shown_engines, shown_jobs = wanted_engines, wanted_jobs
    else:
        half = lists // 2
        shown_jobs = min(wanted_jobs, max(half, lists - wanted_engines))
        shown_engines = min(wanted_engines, lists - shown_jobs)
    return Allotment(host, shown_engines, shown_jobs, max(0, room - shown_engines - shown_jobs), rules, titles)
