"""Values written as a person writes them: `5m`, `1h 30m`, `4 GiB`."""

from __future__ import annotations

import re

from ipc.snapshot import Scalar

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([^\W\d_]+)\s*")
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?")


class BadUnit(ValueError):
    """Raised when text is no amount of the unit: why, and what to write instead."""

    def __init__(self, why: str, write: str) -> None:
        super().__init__(f"{why}: write {write}")
        self.why = why
        self.write = write


def amount(value: Scalar, unit: str) -> Scalar:
    """`value` as a number of `unit` where that unit is seconds or bytes and `value` is text; else unchanged.

    Plain digits pass unchanged too: whoever knows the setting's type converts them.

    Raises:
        BadUnit
    """
    if not isinstance(value, str) or _PLAIN.fullmatch(value.strip()):
        return value
    match unit:
        case "seconds":
            return _sum(value, dict(SECONDS), "time", "seconds as a number, or text such as '90s', '5m' or '1h 30m'")
        case "bytes":
            known = {name.lower(): float(size) for name, size in BYTES.items()}
            return round(_sum(value.lower(), known, "size", "bytes as a number, or text such as '500 MB' or '4 GiB'"))
        case _:
            return value


def seconds(text: str) -> float:
    """A duration in seconds, from `90`, `90s`, `10m` or `1h 30m`.

    Raises:
        BadUnit
    """
    return float(amount(text, "seconds") or 0)


def duration(amount_seconds: float) -> str:
    """So long, as `seconds` reads it: `30 s`, `12 min 3 s`, `1 h 30 min`, `2.5 s`, `250 ms`."""
    if amount_seconds < 1:
        return f"{amount_seconds * 1000:g} ms" if amount_seconds else "0 s"
    if amount_seconds < 60:
        return f"{round(amount_seconds, 1):g} s"
    hours, rest = divmod(round(amount_seconds), 3600)
    parts = [f"{count} {unit}" for count, unit in ((hours, "h"), (rest // 60, "min"), (rest % 60, "s")) if count]
    return " ".join(parts)


def _sum(text: str, known: dict[str, float], what: str, write: str) -> float:
    total, at = 0.0, 0
    while at < len(text) or not text:
        part = _PART.match(text, at)
        if part is None:
            raise BadUnit(f"that is no {what}", write)
        number, unit = part.groups()
        if unit not in known:
            raise BadUnit(f"{unit!r} is no unit of {what}", write)
        total += float(number) * known[unit]
        at = part.end()
    return total
