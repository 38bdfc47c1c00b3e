"""A job as a person reads it on one line."""

from __future__ import annotations

from cli import words
from ipc.snapshot import JobRow, UnitRow


def line(row: JobRow) -> str:
    """`box-3 running 120/200 · 212 tok/s · 01:47:00 ±9 min left`."""
    parts = [f"{row.id} {row.state} {progress_of(row)}"]
    if row.state == "running":
        parts.append(speed_of(row))
        parts += [f"confidence {words.confidence(row.confidence)}"] if row.confidence is not None else []
        parts.append(f"{words.left(row.eta_seconds, row.eta_spread_seconds)} left")
    if row.units_failed:
        parts.append(f"{row.units_failed} set aside")
    if row.reason:
        parts.append(row.reason)
    return " · ".join(parts)


def progress_of(row: JobRow) -> str:
    """`1388/9900`; `1388/~9900` where the total is an estimate, `1388/—` where nobody can tell."""
    if row.units_total is None and row.units_expected is not None:
        return f"{row.units_done}/~{row.units_expected}"
    return f"{row.units_done}/{words.count(row.units_total)}"


def speed_of(row: JobRow) -> str:
    """`RTF 0.04` where there is audio, else `212 tok/s`; `3.4 units/s` for what makes no tokens."""
    if row.rtf is not None:
        return words.rtf(row.rtf)
    if row.tokens:
        return words.rate(row.tokens_per_second, "tok")
    return words.rate(row.units_per_second, "units")


def speed_of_unit(row: UnitRow) -> str:
    """`52 tok/s`; of audio none, because the seconds of a unit are those of the units beside it, too."""
    if row.audio_seconds is not None:
        return words.UNKNOWN
    return words.rate(row.tokens / row.seconds if row.tokens and row.seconds else None, "tok")


def energy_of(row: JobRow) -> str:
    """`12.4 kJ, 3.1 J/tok`; of audio `12.4 kJ, 0.82 J for each second of audio`."""
    if row.joules is None:
        return words.UNKNOWN
    if row.audio_seconds:
        return f"{words.energy(row.joules)}, {words.energy(row.joules / row.audio_seconds)} for each second of audio"
    return words.energy(row.joules) + (f", {words.energy(row.joules / row.tokens)}/tok" if row.tokens else "")
