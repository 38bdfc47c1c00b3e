"""Numbers and states as a person reads them; unknown is a dash."""

from __future__ import annotations

import math
import re
import textwrap
import time
from collections.abc import Mapping

from ipc.snapshot import EngineRow, Happening, LogLine, Scalar, Severity
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


def left(seconds: float | None, spread_seconds: float | None) -> str:
    """How long something will still take: `01:47:00 ±9 min`; `~01:10` where nobody knows how far that may be off.

    The spread is rounded up to whole seconds, minutes (from 100 s on), hours (from 100 min) or days (from 48 h).
    """
    if seconds is None:
        return UNKNOWN
    if spread_seconds is None:
        return f"~{span(seconds)}"
    amount, unit = spread_seconds, "s"
    for least, size_seconds, larger in ((100, 60, "min"), (100 * 60, 3600, "h"), (48 * 3600, 86400, "d")):
        if spread_seconds > least:
            amount, unit = spread_seconds / size_seconds, larger
    return f"{span(seconds)} ±{max(1, math.ceil(amount))} {unit}"


def rate(per_second: float | None, what: str) -> str:
    """`212 tok/s`, `3.4 tok/s`, `0.012 units/s`."""
    if per_second is None:
        return UNKNOWN
    digits = ".0f" if per_second >= 10 else ".1f" if per_second >= 1 else ".2g"
    return f"{per_second:{digits}} {what}/s"


def energy(joules: float | None) -> str:
    """`840 J`, `12.4 kJ`, `3.1 MJ`; `0.62 J` below ten."""
    if joules is None:
        return UNKNOWN
    amount, unit = joules, "J"
    for larger in ("kJ", "MJ", "GJ"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}" if unit != "J" else f"{amount:.0f} J" if amount >= 10 else f"{amount:.2g} J"


def rtf(seconds_of_work: float | None) -> str:
    """Real-time factor, seconds of work for each second of audio: `RTF 0.04`; below 1 is faster than real time."""
    if seconds_of_work is None:
        return UNKNOWN
    return f"RTF {seconds_of_work:.2f}" if seconds_of_work >= 0.01 else f"RTF {seconds_of_work:.1g}"


def confidence(mean: float | None) -> str:
    """Mean natural logarithm of the probability of a token: `−0.31`; 0 is certain."""
    return UNKNOWN if mean is None else f"{mean:.2f}".replace("-", "−")


def count(number: int | None) -> str:
    """`1388`, or a dash."""
    return UNKNOWN if number is None else str(number)


def clock(unix: float) -> str:
    """Time of day here."""
    return time.strftime("%H:%M:%S", time.localtime(unix))


def moment(unix: float) -> str:
    """Date and time of day here."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix))


def state_of(row: EngineRow) -> str:
    """`ready · 3 in flight`, `loading 62 %`, `stopped · idle`."""
    match row.state:
        case Ready(units=units) if units:
            return f"ready · {units} in flight"
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
    """Why its work waits, what was chosen for it, what it says of itself, what its other process does, and why it is in
    that state or the last decision about it."""
    match row.state:
        case Failed(cause=cause) | Backoff(cause=cause):
            why = cause
        case _:
            why = row.note
    said = row.said if isinstance(row.state, Ready | Draining) else ""
    return "; ".join(filter(None, (held(row.hold), row.chosen, said, row.beside, why)))


def held(hold: str) -> str:
    """`held · memory: 3.9 GiB short`; empty when nothing holds it."""
    return f"held · {hold}" if hold else ""


def folded(text: str, indent: str = "  ") -> list[str]:
    """A sentence in lines of at most `WIDTH` columns."""
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def clipped(text: str, width: int) -> str:
    """At most `width` columns."""
    return text if len(text) <= width else text[: width - 1] + "…"


def ending(text: str, width: int) -> str:
    """At most the last `width` columns: of a path, what tells it from its neighbours."""
    return text if len(text) <= width else f"…{text[len(text) - width + 1 :]}"


def settings(values: Mapping[str, Scalar]) -> str:
    """`n_ctx=4096, pinned=true`."""
    return ", ".join(f"{name}={setting(value)}" for name, value in values.items())


def setting(value: Scalar) -> str:
    """The value of a setting as `set` takes it; a dash for none."""
    match value:
        case None | "":
            return UNKNOWN
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def log_line(line: LogLine) -> str:
    """One line an engine printed."""
    return f"{clock(line.unix)} {line.stream:<6} {line.text}"


def happening(what: Happening) -> str:
    """One decision with its reason, led by what it is about where the text does not begin with that."""
    named = re.match(re.escape(what.about) + r"(?![\w-])", what.text, re.IGNORECASE)
    text = what.text if named else f"{what.about}: {what.text}"
    return f"{clock(what.unix)} {MARKS[what.severity]} {text}"
