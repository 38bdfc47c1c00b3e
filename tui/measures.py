"""Numbers with their units, as they are shown. Unknown is a dash, never 0; an estimate wears a `~`."""

from __future__ import annotations

import time
from collections.abc import Iterable

UNKNOWN = "—"
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
_BARS = "▁▂▃▄▅▆▇"


def size(count: int | None) -> str:
    """Bytes in at most six columns: `2.1 G`, `512 M`, `—`; below 0 (more was given out than is there) in seven."""
    if count is None:
        return UNKNOWN
    if count < 0:
        return f"-{size(-count)}"
    for unit, letter in ((GIB, "G"), (MIB, "M"), (KIB, "K")):
        if count >= unit:
            return f"{count / unit:.1f} {letter}" if count < 10 * unit else f"{count / unit:.0f} {letter}"
    return f"{count} B"


def gib(count: int) -> str:
    """Bytes as a bare number of GiB: `61.2`."""
    return f"{count / GIB:.1f}"


def rate(per_second: float | None, unit: str = "tok/s") -> str:
    """`212 tok/s`, `9.4 tok/s`, `0.04 tok/s`, `—`."""
    if per_second is None:
        return UNKNOWN
    digits = 0 if per_second >= 10 else 2 if 0 < per_second < 1 else 1
    return f"{per_second:,.{digits}f} {unit}"


def energy(joules: float | None) -> str:
    """`1.9 J`, `412 J`, `12.4 kJ`, `3.6 MJ`, `—`."""
    if joules is None:
        return UNKNOWN
    for size, unit in ((1e6, "MJ"), (1e3, "kJ")):
        if joules >= size:
            return f"{joules / size:.1f} {unit}"
    return f"{joules:.0f} J" if joules >= 10 else f"{joules:.2g} J"


def latency(seconds: float | None) -> str:
    """A short span: `180 ms`, `2.4 s`, `—`."""
    if seconds is None:
        return UNKNOWN
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def span(seconds: float) -> str:
    """How long something has gone on: `04:12:33`, `3 d 04:12`."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86400)
    hours, minutes, left = rest // 3600, rest // 60 % 60, rest % 60
    return f"{days} d {hours:02}:{minutes:02}" if days else f"{hours:02}:{minutes:02}:{left:02}"


def left(seconds: float | None, spread_seconds: float | None = None) -> str:
    """What something will still take, in exactly ten columns: ` 01:47 ±9 ` are hours and minutes, nine more or less.

    Without a spread it wears a `~`; from 100 hours on it is `~5d03h`, below a minute `~42 s`; unknown is a dash.
    """
    if seconds is None:
        return f" {UNKNOWN:9}"
    if seconds < 60 and (spread_seconds or 0.0) < 60:
        return f"~{max(1, round(seconds))} s".ljust(10)
    minutes = round(seconds / 60)
    hours = minutes // 60
    told = f"{hours:02}:{minutes % 60:02}" if hours < 100 else _days(hours)
    return f"~{told}".ljust(10) if spread_seconds is None else f" {told:5} ±{_spread(spread_seconds):2}"


def _days(hours: int) -> str:
    return f"{hours // 24}d{hours % 24:02}h" if hours < 240 else f"{hours // 24} d"


def _spread(seconds: float) -> str:
    minutes, hours = max(1, round(seconds / 60)), round(seconds / 3600)
    if minutes < 100:
        return str(minutes)
    return f"{hours}h" if hours < 10 else f"{max(1, min(9, round(hours / 24)))}d"


def idle(seconds: float) -> str:
    """A setting of how long, in at most four columns: `90 s`, `5 m`, `2 h`, `7 d`; `~2 m` where that is not exact."""
    if seconds < 100 and seconds % 60:
        return f"{seconds:g} s"
    unit, letter = (60, "m") if seconds < 100 * 60 else (3600, "h") if seconds < 96 * 3600 else (86400, "d")
    return f"{'~' if seconds % unit else ''}{int(seconds / unit + 0.5)} {letter}"


def confidence(mean: float | None) -> str:
    """Mean natural logarithm of the probability of a token: `−0.31`, `—`; 0 is certain."""
    return UNKNOWN if mean is None else f"{mean:.2f}".replace("-", "−")


def percent(fraction: float | None) -> str:
    """`62 %`, `—`. Never `100 %` before it is done."""
    if fraction is None:
        return UNKNOWN
    return f"{int(fraction * 100 + 1e-9)} %"


def count(number: int | None) -> str:
    """`9,900`, `—`."""
    return UNKNOWN if number is None else f"{number:,}"


def short(number: int) -> str:
    """A count in at most four columns: `9900`, `12k`, `100k`, `1.2M`."""
    if number < 10_000:
        return str(number)
    if number < 999_500:
        return f"{number / 1e3:.0f}k"
    return f"{number / 1e6:.1f}M" if number < 9_950_000 else f"{number / 1e6:.0f}M"


def plural(number: int, word: str) -> str:
    """`1 engine`, `3 engines`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def clock(unix: float) -> str:
    """The time of day where the terminal is: `21:07:33`."""
    return time.strftime("%H:%M:%S", time.localtime(unix))


def moment(unix: float, now: float) -> str:
    """The time of day where that is clear, else the day: `21:07:33`, `28 Oct`."""
    return clock(unix) if abs(now - unix) < 86400 else time.strftime("%d %b", time.localtime(unix)).lstrip("0")


def sparkline(samples: Iterable[float | None], width: int, top: float | None = None) -> str:
    """The newest `width` samples, one column each, scaled to `top` or their own largest; a gap where unknown."""
    shown = list(samples)[-width:]
    largest = top or max((value for value in shown if value is not None), default=0.0)
    marks = (" " if value is None else _bar(value, largest) for value in shown)
    return "".join(marks).rjust(width)


def _bar(value: float, largest: float) -> str:
    if largest <= 0:
        return _BARS[0]
    return _BARS[min(len(_BARS) - 1, max(0, int(value / largest * (len(_BARS) - 1) + 0.5)))]
