"""Numbers over time, as a scenario writes them, turned into the words that the library reads."""

from __future__ import annotations

from typing import Any

from config.units import BadUnit, amount

SHAPES = ("sine", "saw", "square", "noise", "points")
_EXTRA = {"sine": ("phase", 0.0), "saw": ("phase", 0.0), "square": ("duty", 0.5), "noise": ("seed", 0.0)}


class ScenarioError(ValueError):
    """Raised when a scenario says something that no GPU could do, or says it wrongly; its text names the place."""


def number(value: object, where: str) -> float:
    """A number, or a size such as `40 GiB` in bytes.

    Raises:
        ScenarioError
    """
    try:
        if isinstance(value, str):
            value = amount(value, "bytes")
    except BadUnit as bad:
        raise ScenarioError(f"{where}: {value!r}: {bad}") from bad
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScenarioError(f"{where}: {value!r} is no number")
    return value


def curve_words(value: object, where: str) -> str:
    """One curve as the library's words.

    `value` is a number or size (constant), `"unknown"`, or a table with one shape:
    `{sine = [low, high], period, phase}`, `{saw = …, period, phase}`, `{square = …, period, duty}`,
    `{noise = …, period, seed}`, `{points = [[second, value], …], repeat}`. Seconds throughout.

    Raises:
        ScenarioError
    """
    if value == "unknown":
        return "unknown"
    if not isinstance(value, dict):
        return f"constant {number(value, where)!r}"
    table: dict[str, Any] = dict(value)
    shape = next((name for name in SHAPES if name in table), None)
    if shape is None:
        raise ScenarioError(f"{where}: a curve is one of {', '.join(SHAPES)}, not {', '.join(table) or 'nothing'}")
    ends = table.pop(shape)
    words = _points(ends, table, where) if shape == "points" else _wave(shape, ends, table, where)
    if table:
        raise ScenarioError(f"{where}: {shape} knows no {', '.join(table)}")
    return words


def _wave(shape: str, ends: object, table: dict[str, Any], where: str) -> str:
    if not isinstance(ends, list) or len(ends) != 2:
        raise ScenarioError(f"{where}: {shape} runs between two values, such as {shape} = [40, 80]")
    period = number(table.pop("period", 1 if shape == "noise" else 60), where)
    name, default = _EXTRA[shape]
    extra = number(table.pop(name, default), where)
    if period <= 0:
        raise ScenarioError(f"{where}: a period is longer than 0 s")
    return f"{shape} {number(ends[0], where)!r} {number(ends[1], where)!r} {period!r} {extra!r}"


def _points(points: object, table: dict[str, Any], where: str) -> str:
    repeat = number(table.pop("repeat", 0), where)
    if not isinstance(points, list) or not points or not all(isinstance(at, list) and len(at) == 2 for at in points):
        raise ScenarioError(f"{where}: points are pairs of second and value, such as points = [[0, 40], [60, 85]]")
    pairs = [(number(at, where), number(value, where)) for at, value in points]
    if any(after[0] < before[0] for before, after in zip(pairs, pairs[1:], strict=False)):
        raise ScenarioError(f"{where}: points go forward in time")
    return " ".join(["points", repr(repeat), str(len(pairs)), *(f"{at!r} {value!r}" for at, value in pairs)])
