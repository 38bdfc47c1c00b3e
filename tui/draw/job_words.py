"""What is said of a job in few words: its source, progress, pace, end, problems, and why it waits. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ipc.snapshot import FINISHED, JobRow
from tui import measures

_PATTERN = frozenset("*?[")
_FEW = 3
"""So many files are named; more are counted."""


def state(row: JobRow) -> tuple[str, str]:
    """The word, and the priority of one that runs or waits, where it is not the usual: `running`, `p9`."""
    over = row.state in FINISHED or row.state == "assembling"
    word = "done" if row.state == "done with problems" else row.state
    return word, "" if over or row.priority == 5 else f"p{row.priority}"


def sources(row: JobRow) -> list[str]:
    """What goes in, and what comes out where there is room: richest first."""
    into = os.path.basename(row.output.rstrip("/")) + ("/" if row.output.endswith("/") else "")
    if not row.inputs:
        return [f"output of {', '.join(row.after)} → {into}", f"→ {into}"]
    told = _inputs(row)
    suffix = os.path.splitext(into)[1]
    kept = {os.path.splitext(path)[1] for path in row.inputs}
    short = [f"{told[0]} → {suffix[1:]}"] if suffix and suffix not in kept else []
    return [f"{told[0]} → {into}", *short, *told]


def _inputs(row: JobRow) -> list[str]:
    names, count = [_name(path) for path in row.inputs], len(row.inputs) + row.more_inputs
    if count == 1:
        return names
    counted = f"{names[0]} +{count - 1}"
    folder = os.path.commonpath([os.path.dirname(path) for path in row.inputs]) if _absolute(row.inputs) else ""
    if count <= _FEW or len(folder) <= 1:
        return [", ".join(names), counted] if count <= _FEW else [counted]
    where = f"{os.path.basename(folder)}/"
    return [f"{where} ({count:,} files)", f"{where} ({measures.short(count)})"]


def _absolute(paths: Sequence[str]) -> bool:
    return all(os.path.isabs(path) for path in paths)


def _name(path: str) -> str:
    """`a.jsonl`, `lectures/` for a folder, and `lectures/*.mp3` for a pattern, whose folder says what it is."""
    whole = path.rstrip("/")
    name = os.path.basename(whole) or path
    if _PATTERN.intersection(name) and (folder := os.path.basename(os.path.dirname(whole))):
        return f"{folder}/{name}"
    return f"{name}/" if path.endswith("/") and whole else name


def total(row: JobRow) -> int | None:
    """How many units it has, or will have as far as one can tell."""
    return row.units_expected if row.units_total is None else row.units_total


def fraction(row: JobRow) -> float | None:
    """How much of the job has ended, 0..1; below 1 while that is an estimate; None where not even that is known."""
    ended, units = row.units_done + row.units_failed, total(row)
    if units is None:
        return None
    share = ended / units if units else 1.0
    return share if row.units_total is not None else min(share, 0.99)


def percent(row: JobRow) -> str:
    """`14 %`, `~14 %`, `—`."""
    share = fraction(row)
    return f"{'' if share is None else _mark(row)}{measures.percent(share)}"


def count(row: JobRow, width: int) -> str:
    """`1,388/9,900`, `1,204/~1,700`, `120/—`; shorter where that is too wide."""
    units = total(row)
    long = f"{row.units_done:,}/{_mark(row) if units is not None else ''}{measures.count(units)}"
    if len(long) <= width or units is None:
        return long
    return f"{measures.short(row.units_done)}/{_mark(row)}{measures.short(units)}"


def _mark(row: JobRow) -> str:
    return "~" if row.units_total is None else ""


def rate(row: JobRow) -> str:
    """`RTF 0.04` where there is sound, else tokens or units per second; a dash while it does not run."""
    if row.state != "running":
        return measures.UNKNOWN
    if row.rtf is not None:
        return rtf(row.rtf)
    if row.tokens_per_second is None and row.units_per_second is not None:
        return measures.rate(row.units_per_second, "units/s")
    return measures.rate(row.tokens_per_second)


def rtf(factor: float | None) -> str:
    """`RTF 0.04`, `RTF 1.3`, `—`."""
    return measures.UNKNOWN if factor is None else f"RTF {factor:.2f}" if factor < 1 else f"RTF {factor:.1f}"


def end(row: JobRow, now: float) -> str:
    """When it ended, or what it will still take."""
    if row.finished_unix is not None:
        return f" {measures.moment(row.finished_unix, now)}"
    return left(row)


def left(row: JobRow) -> str:
    """What it will still take; a dash while it does not run."""
    return measures.left(row.eta_seconds if row.state == "running" else None, row.eta_spread_seconds)


def problems(row: JobRow, width: int) -> str:
    """`2 set aside`, `1,204 aside`, `12k aside`, `—`."""
    if not row.units_failed:
        return measures.UNKNOWN
    number = row.units_failed
    told = (f"{number:,} set aside", f"{number:,} aside", f"{measures.short(number)} aside", measures.short(number))
    return next((text for text in told if len(text) <= width), told[-1])


def waits_for(row: JobRow, jobs: Mapping[str, JobRow]) -> list[str]:
    """The jobs that must end before this one begins, and have not."""
    if row.state not in ("queued", "held", "paused"):
        return []
    return [one for one in row.after if one in jobs and jobs[one].state not in ("done", "done with problems")]


def why(row: JobRow, jobs: Mapping[str, JobRow]) -> str:
    """Why it waits or failed, one sentence; empty where it goes on, or only another one is before it in the queue."""
    if row.state not in ("held", "failed", "queued"):
        return ""
    waits = waits_for(row, jobs)
    return row.reason or (f"after {', '.join(waits)}" if waits else "")
