"""Model files as a person reads them, none wider than 80 columns but for paths, which are to be copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from cli import say, words
from ipc.models import ModelRow, Quality

FINENESS = ("q32", "q16", "q8", "q4")


def page(rows: Sequence[ModelRow]) -> Iterator[str]:
    """A block for each model, its levels the finest first; what is broken comes last."""
    whole = sorted((row for row in rows if row.problem is None), key=_order)
    tables = iter(say.aligned([_cells(row) for row in whole], right=frozenset({2})) if whole else [])
    for place, (name, group) in enumerate(groupby(whole, key=lambda row: row.name)):
        if place:
            yield ""
        yield from words.folded(name, indent="")
        for row in group:
            yield next(tables)
            yield f"      {row.path}"
            for remark in filter(None, (f"made of {row.made_of}" if row.made_of else "", row.note)):
                yield f"      {remark}"
    broken = [row for row in rows if row.problem is not None]
    if whole and broken:
        yield ""
    for row in broken:
        yield from broken_lines(row)


def to_use(row: ModelRow) -> Iterator[str]:
    """One that was found: what it is, and what to write into the configuration."""
    level = " ".join(filter(None, (row.level, f"({row.quantization})" if row.quantization else "")))
    label = f"{row.label} · " if row.label and row.label != row.name else ""
    yield f"  {label}{row.name} · {level} · {words.size(row.bytes)}"
    yield f"    model = {toml_text(row.path)}"


def broken_lines(row: ModelRow) -> Iterator[str]:
    """What cannot be used, and why."""
    assert row.problem is not None
    who = f" ({', '.join(row.engines)})" if row.engines else ""
    yield from words.folded(f"✕ {row.label or row.name or Path(row.path).name}{who}: {row.problem.title}", indent="  ")
    yield f"      {row.problem.detail}"


def quality(one: Quality | None) -> str:
    """`ppl 6.31 → 6.58 (+4 %)`, on a text that both were measured on; a dash where nothing was."""
    if one is None:
        return words.UNKNOWN
    percent = round(100 * one.lost)
    return f"ppl {one.before:.2f} → {one.after:.2f} ({f'{percent:+}' if percent else '±0'} %)"


def toml_text(path: str) -> str:
    """As a value in the configuration file."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _order(row: ModelRow) -> tuple[str, int, int]:
    level = FINENESS.index(row.level) if row.level in FINENESS else len(FINENESS)
    return row.name, level, -(row.bytes or 0)


def _cells(row: ModelRow) -> tuple[str, ...]:
    where = " ".join(filter(None, (row.origin if row.origin != "configured" else "", row.label)))
    used = ", ".join(row.engines)
    return (
        f"  {row.level or words.UNKNOWN}",
        row.quantization or words.UNKNOWN,
        words.size(row.bytes),
        quality(row.quality),
        " · ".join(filter(None, (where, f"used by {used}" if used else ""))),
    )
