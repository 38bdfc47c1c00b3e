"""Numbers within bounds as pieces of a grammar, digit by digit."""

from __future__ import annotations

MOST_DIGITS = 16
"""Of the whole part of a number: as many as a 64-bit float tells apart."""
FRACTION = f'"." [0-9]{{1,{MOST_DIGITS}}}'
_NOT_ZERO = f'"." "0"{{0,{MOST_DIGITS - 2}}} [1-9] [0-9]{{0,{MOST_DIGITS - 2}}}'
_ALL_ZERO = f'("." "0"{{1,{MOST_DIGITS}}})?'
_MOST = 10**MOST_DIGITS - 1


def integers(low: int | None, high: int | None) -> str:
    """Alternatives for the whole numbers from `low` to `high`, both included; empty where there is none."""
    low, high = _held(low, -_MOST), _held(high, _MOST)
    parts = []
    if low < 0:
        parts += [f'"-" {part}' for part in _naturals(max(1, -high), -low)]
    if high >= 0:
        parts += _naturals(max(0, low), high)
    return " | ".join(parts)


def numbers(low: int | None, high: int | None, *, above: bool, below: bool) -> str:
    """The same with fractions; `above` and `below` leave out the bound itself."""
    low, high = _held(low, -_MOST), _held(high, _MOST)
    parts = []
    if low < 0:
        parts += [f'"-" ({part})' for part in _fractions(max(0, -high), -low, below and high <= 0, above)]
    if high > 0 or (high == 0 and not below):
        parts += _fractions(max(0, low), high, above and low >= 0, below)
    return " | ".join(parts)


def _held(bound: int | None, usual: int) -> int:
    return usual if bound is None else max(-_MOST, min(_MOST, bound))


def _fractions(low: int, high: int, above: bool, below: bool) -> list[str]:
    """From 0 up."""
    parts = []
    if low < high and above:
        parts.append(f'"{low}" {_NOT_ZERO}')
    if whole := _naturals(low + above, high - 1):
        parts.append(f"({' | '.join(whole)}) ({FRACTION})?")
    if not below and not (above and low == high):
        parts.append(f'"{high}" {_ALL_ZERO}')
    return parts


def _naturals(low: int, high: int) -> list[str]:
    """From 0 up, alternatives by the number of digits; those with every number are one."""
    parts: list[str] = []
    full: list[int] = []
    for digits in range(len(str(low)), len(str(max(high, 0))) + 1):
        first, last = 10 ** (digits - 1) if digits > 1 else 0, 10**digits - 1
        if digits > 1 and low <= first and last <= high:
            full.append(digits - 1)
        elif max(low, first) <= min(high, last):
            parts += _same_length(str(max(low, first)), str(min(high, last)))
    return [*parts, f"[1-9] [0-9]{{{full[0]},{full[-1]}}}"] if full else parts


def _same_length(low: str, high: str) -> list[str]:
    """Numbers of as many digits as both bounds have: a first digit in between lets every other be anything."""
    first, last = low[0], high[0]
    rest = len(low) - 1
    if low[1:] == "0" * rest and high[1:] == "9" * rest:
        return [_digit(first, last) + _anything(rest)]
    if first == last:
        return [f'"{first}" {tail}' for tail in _same_length(low[1:], high[1:])]
    parts = [f'"{first}" {tail}' for tail in _same_length(low[1:], "9" * rest)]
    if int(last) - int(first) > 1:
        parts.append(_digit(str(int(first) + 1), str(int(last) - 1)) + _anything(rest))
    return parts + [f'"{last}" {tail}' for tail in _same_length("0" * rest, high[1:])]


def _digit(low: str, high: str) -> str:
    return f'"{low}"' if low == high else f"[{low}-{high}]"


def _anything(digits: int) -> str:
    return f" [0-9]{{{digits}}}" if digits else ""
