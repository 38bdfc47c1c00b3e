"""Numbers and states as a person reads them; unknown is a dash."""

from __future__ import annotations

import textwrap
import time

from ipc.snapshot import EngineRow, Happening, JobRow, LogLine, Severity
from ipc.states import Backoff, Draining, Failed, Loading, Ready, Stopped, Stopping, word

UNKNOWN = "—"
MARKS: dict[Severity, str] = {"info": " ", "warning": "▲", "error": "✕"}
WIDTH = 80
"""Columns of a terminal that sentences are folded for."""


def size(count: int | None) -> str:
    """`2.1 GiB`; `-2.1 GiB` where more was given out than there is."""
    if count is None:
        return UNKNOWN
    if count < 0:
        return f"-{size(-count)}"
    amount, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def span(seconds: float | None) -> str:
    """`2 d 04:12`, `04:12:09`, `12:09`, `9.3 s`, `430 ms`."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if days:
        return f"{days} d {hours:02}:{minutes:02}"
    return f"{hours:02}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def rate(per_second: float | None, what: str) -> str:
    """`212 tok/s`."""
    if per_second is None:
        return UNKNOWN
    return f"{per_second:.0f} {what}/s" if per_second >= 10 else f"{per_second:.1f} {what}/s"


def clock(unix: float) -> str:
    """Time of day here."""
    return time.strftime("%H:%M:%S", time.localtime(unix))


def moment(unix: float) -> str:
    """Date and time of day here."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix))


def state_of(row: EngineRow) -> str:
    """`ready · 3 in flight`, `loading 62 %`, `stopped · idle`."""
    match row.state:
        case Ready(flights=flights) if flights:
            return f"ready · {flights} in flight"
        case Loading(fraction=fraction) if fraction is not None:
            return f"loading {fraction:.0%}".replace("%", " %")
        case Draining(purpose=purpose):
            return f"draining · {purpose}"
        case Stopped(why=why):
            return f"stopped · {why}"
        case Stopping(rung=rung):
            return f"stopping · {rung}"
        case Backoff(attempt=attempt):
            return f"backoff · attempt {attempt}"
        case other:
            return word(other)


def remark_of(row: EngineRow) -> str:
    """Why its work waits, what was chosen for it, and why it is in that state or the last decision about it."""
    match row.state:
        case Failed(cause=cause) | Backoff(cause=cause):
            why = cause
        case _:
            why = row.note
    return "; ".join(filter(None, (held(row.hold), row.chosen, why)))


def held(hold: str) -> str:
    """`held · memory: 3.9 GiB short`; empty when nothing holds it."""
    return f"held · {hold}" if hold else ""


def progress_of(row: JobRow) -> str:
    """`1388/9900`; the total is a dash until all is planned."""
    return f"{row.units_done}/{UNKNOWN if row.units_total is None else row.units_total}"


def folded(text: str, indent: str = "  ") -> list[str]:
    """A sentence in lines of at most `WIDTH` columns."""
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def clipped(text: str, width: int) -> str:
    """At most `width` columns."""
    return text if len(text) <= width else text[: width - 1] + "…"


def log_line(line: LogLine) -> str:
    """One line an engine printed."""
    return f"{clock(line.unix)} {line.stream:<6} {line.text}"


def happening(what: Happening) -> str:
    """One decision with its reason."""
    return f"{clock(what.unix)} {MARKS[what.severity]} {what.about}: {what.text}"
