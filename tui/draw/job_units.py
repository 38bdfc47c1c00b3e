"""The problems and the units of a job: one row each, and what is said of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import RunRow, UnitProblem, UnitRow, UnitState
from tui import measures
from tui.draw import table
from tui.draw.table import Column, title_row
from tui.ink import Line, Span, Tone, clean, fit, line, squeeze, wrap

_GLYPHS: dict[UnitState, tuple[str, Tone]] = {
    "planned": ("○", "dim"),
    "flying": ("▶", "ready"),
    "done": ("✓", "ready"),
    "failed": ("✕", "bad"),
    "quarantined": ("▴", "warn"),
}
_PROBLEMS = (
    Column("unit", "problems", 8),
    Column("name", "name", 12, rank=2),
    Column("where", "where", 24, rank=1, ends=True),
    Column("cause", "cause", 20, grows=True),
)
_UNITS = (
    Column("unit", "units", 8),
    Column("state", "state", 11),
    Column("name", "name", 12, rank=3),
    Column("where", "where", 14, rank=1, grows=True, most=56, ends=True),
    Column("attempts", "attempts", 8, rank=6, right=True),
    Column("run", "run", 4, rank=7, right=True),
    Column("tokens", "tokens", 7, rank=2, right=True),
    Column("seconds", "took", 8, rank=1, right=True),
    Column("ttft", "TTFT", 8, rank=4, right=True),
    Column("energy", "energy", 8, rank=5, right=True),
    Column("size", "result", 7, rank=8, right=True),
)


def problems_title(count: int, width: int) -> Line:
    """Heads of the problems."""
    return title_row(_PROBLEMS, width, f"{count:,}")


def units_title(width: int) -> Line:
    """Heads of the units."""
    return title_row(_UNITS, width)


def problem_row(problem: UnitProblem, width: int, lit: bool) -> Line:
    """What was set aside, and why in a word."""
    named = "source" if problem.index is None else f"#{problem.index}"
    cells: dict[str, tuple[Span, ...]] = {
        "unit": (Span(named, "strong" if lit else "plain"),),
        "name": (Span(clean(problem.unit or measures.UNKNOWN)),),
        "where": (Span(clean(problem.where)),),
        "cause": (Span(clean(f"{problem.problem.title}: {problem.problem.detail}"), "warn"),),
    }
    gutter = (Span("▸" if lit else " ", "accent"), Span("▴", "warn"), Span(" "))
    return table.row(_PROBLEMS, width, gutter, cells, None)._replace(lit=lit)


def unit_row(index: int, unit: UnitRow | None, width: int, lit: bool) -> Line:
    """One unit; one that was not told yet has its number only."""
    glyph, tone = _GLYPHS[unit.state] if unit else ("…", "dim")
    quiet: Tone = "dim" if unit is None or unit.state == "planned" else "plain"
    word = "" if unit is None else unit.state
    cells: dict[str, tuple[Span, ...]] = {
        "unit": (Span(f"#{index}", "strong" if lit else quiet),),
        "state": (Span(word, tone if tone in ("warn", "bad") else quiet),),
        **({name: (Span(text, quiet),) for name, text in _measured(unit).items()} if unit else _NOTHING),
    }
    gutter = (Span("▸" if lit else " ", "accent"), Span(glyph, tone), Span(" "))
    return table.row(_UNITS, width, gutter, cells, None)._replace(lit=lit)


def _measured(unit: UnitRow) -> dict[str, str]:
    return {
        "name": clean(unit.name or measures.UNKNOWN),
        "where": clean(unit.where),
        "attempts": measures.count(unit.attempts),
        "run": measures.count(unit.run),
        "tokens": measures.count(unit.tokens),
        "seconds": measures.latency(unit.seconds),
        "ttft": measures.latency(unit.ttft_seconds),
        "energy": measures.energy(unit.joules),
        "size": measures.size(unit.result_bytes),
    }


_NOTHING: dict[str, tuple[Span, ...]] = {column.key: (Span(""),) for column in _UNITS[2:]}


def problem_pane(problem: UnitProblem, width: int, room: int) -> list[Line]:
    """Cause, way out, and as much of the engine's last words as there is room for, the newest last."""
    room_for = max(8, width - 4)
    cause = [line(Span(f"   {text}")) for text in wrap(clean(problem.problem.detail), room_for)]
    hint = [line(Span(f"   {text}", "accent")) for text in wrap(clean(problem.problem.hint), room_for) if text]
    tail = [fit(f"   │ {text}", width) for said in problem.log_tail for text in wrap(clean(said), max(8, width - 6))]
    left = max(0, room - len(cause) - len(hint))
    if len(tail) > left > 0:
        left -= 1
        hint.append(line(Span(f"   │ … {len(tail) - left:,} lines above: enter shows them", "dim")))
    shown = tail[max(0, len(tail) - left) :] if left else []
    return [*cause, *hint, *(line(Span(text, "dim")) for text in shown)][:room]


def unit_pane(unit: UnitRow, runs: Sequence[RunRow], width: int) -> list[Line]:
    """All that is known of it, also where there is no column for it."""
    run = next((run for run in runs if run.number == unit.run), None)
    said = [f"#{unit.index} {unit.name or ''}".rstrip(), unit.where, unit.state]
    said += [f"run {run.number} on {run.engine}"] if run else []
    said += [measures.plural(unit.attempts, "attempt")] if unit.attempts else []
    said += [f"asked again {unit.take}×"] if unit.take else []
    said += [f"took {measures.latency(unit.seconds)}"] if unit.seconds is not None else []
    said += [f"{measures.count(unit.tokens)} tokens"] if unit.tokens is not None else []
    said += [f"first token {measures.latency(unit.ttft_seconds)}"] if unit.ttft_seconds is not None else []
    said += [f"{measures.latency(unit.audio_seconds)} of sound"] if unit.audio_seconds is not None else []
    said += [f"confidence {measures.confidence(unit.confidence)}"] if unit.confidence is not None else []
    said += [measures.energy(unit.joules)] if unit.joules is not None else []
    said += [f"result {measures.size(unit.result_bytes)}"] if unit.result_bytes is not None else []
    rows = wrap(clean(" · ".join(part for part in said if part)), max(8, width - 4))
    return [Line(squeeze((Span("   "), Span(row)), width)) for row in rows]


def no_units(width: int) -> Line:
    """What stands where none is told."""
    return line(Span(fit("   no unit yet", width), "dim"))
