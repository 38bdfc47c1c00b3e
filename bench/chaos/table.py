"""One table: what was asked and done, what was found, and how long it took to be well again."""

from __future__ import annotations

from collections.abc import Iterator

from bench.chaos.run import Report
from bench.chaos.storm import CLIENTS
from bench.figures import percentile

DONE = (
    ("kill engine", "engines killed (SIGKILL)"),
    ("stop engine", "engines stopped (SIGSTOP), and left so"),
    ("kill desk", "desks killed"),
    ("stop desk", "desks stopped, and left so"),
    ("kill supervisor", "supervisors killed"),
    ("kill keeper", "keepers killed"),
    ("client storm", f"storms of {CLIENTS} clients"),
    ("change a setting", "settings changed under way"),
    ("pause a job", "jobs paused and resumed"),
)
AT_WORK = (
    ("kill engine at work", "of the engines killed: with units in the air"),
    ("stop engine at work", "of the engines stopped: with units in the air"),
)
ALSO = (
    ("setting refused", "changes refused, as the engine died of a blow or could not"),
    ("setting not answered", "changes not answered within 30 s"),
    ("found nobody", "steps that found nobody to meet"),
)
FOUND = (
    ("jobs", "jobs ended, with their output in place"),
    ("units", "lines submitted, a unit each or several in one"),
    ("done", "lines done"),
    ("poison", "poison among them"),
    ("companions", "lines that were in one unit with poison"),
    ("set aside", "lines set aside"),
    ("blames", "deaths held against a unit: three for each with poison"),
    ("lost", "**lines lost**"),
    ("twice", "**lines twice in an output**"),
    ("disordered", "**lines out of order**"),
    ("wrong", "**answers of another line, or not byte-identical**"),
    ("innocent", "**innocent units set aside**"),
    ("spared", "**poison not set aside**"),
    ("compared", "outputs compared by bytes with an undisturbed run"),
    ("orphans", "**processes left at the end**"),
)
TIMES = (
    "kill engine → ready, started at once",
    "kill engine → ready",
    "stop engine → found hung and gone",
    "stop engine → met by another blow",
    "stop desk → found hung and gone",
    "stop desk → met by another blow",
    "kill supervisor → answers",
    "kill supervisor twice → answers",
    "kill supervisor → its children gone",
    "kill keeper → replaced",
    "polite client in a storm → answered",
)


def lines(report: Report) -> Iterator[str]:
    """The whole table, as Markdown."""
    counts, found = report.diary.counts, report.found
    yield f"seed {report.scale.seed}, {report.seconds:.0f} s"
    yield ""
    yield "| what | asked | done |"
    yield "|---|---:|---:|"
    for name, words in DONE:
        yield f"| {words} | {report.asked[name]} | {counts[name]} |"
    for name, words in ALSO:
        if counts[name]:
            yield f"| {words} | — | {counts[name]} |"
    for name, words in AT_WORK:
        yield f"| {words} | — | {counts[name]} |"
    yield ""
    yield "| found | count |"
    yield "|---|---:|"
    for name, words in FOUND:
        yield f"| {words} | {found[name]} |"
    yield f"| **promises broken** | {len(report.broken)} |"
    yield ""
    yield "| took | times | p50 ms | p95 ms | max ms |"
    yield "|---|---:|---:|---:|---:|"
    for name in TIMES:
        if taken := report.diary.seconds.get(name):
            cells = (percentile(taken, 50), percentile(taken, 95), max(taken))
            yield f"| {name} | {len(taken)} | " + " | ".join(f"{seconds * 1e3:.0f}" for seconds in cells) + " |"
