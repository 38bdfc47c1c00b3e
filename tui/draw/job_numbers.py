"""What was measured of a job, as a grid of named numbers, and where it reads and writes."""

from __future__ import annotations

from collections.abc import Sequence

from engines.catalog import KINDS
from engines.settings import as_dict
from ipc.snapshot import JobDetail, JobRow
from tui import measures
from tui.draw import job_words
from tui.draw.facts import fact
from tui.draw.knobs import show
from tui.ink import Line, Span, fit, squeeze

_NAME, _VALUE, _GAP = 12, 17, 2
_LEFT = 3


def grid(detail: JobDetail, row: JobRow, now: float, width: int) -> list[Line]:
    """As many columns as there is room for, each read downwards; `row` may be newer than the detail."""
    cells = _cells(detail, row, now)
    cell = _NAME + 1 + _VALUE + _GAP
    columns = max(1, (width - _LEFT) // cell)
    rows = -(-len(cells) // columns)
    return [_grid_row(cells[index::rows], width) for index in range(rows)]


def _grid_row(cells: Sequence[tuple[str, str]], width: int) -> Line:
    spans = [Span(" " * _LEFT)]
    for name, value in cells:
        spans += (Span(f"{name:{_NAME}} ", "dim"), Span(fit(value, _VALUE)), Span(" " * _GAP))
    return Line(squeeze(spans[:-1], width))


def places(detail: JobDetail, row: JobRow, models: Sequence[str], width: int) -> list[Line]:
    """What it reads, what it writes, what it waits for, the models at work, and the settings that were the same all the
    time."""
    more = [f"{row.more_inputs:,} more"] if row.more_inputs else []
    said = [("from", ", ".join([*row.inputs, *more]) or "the outputs of the jobs before it"), ("to", row.output)]
    said += [("after", ", ".join(row.after))] if row.after else []
    said += [("model", " · ".join(models))] if models else []
    own = " · ".join(f"{name} {show(value)}" for name, value in detail.own.items())
    said += [("its own", own)] if own else []
    said.append(("settings", settings(detail)))
    return [line for name, text in said for line in fact(name, _least(text), width)]


def settings(detail: JobDetail) -> str:
    """Those that it was submitted under and that no run changed; of those at their default only how many."""
    changed = {name for run in detail.runs for name in run.settings if run.settings[name] != detail.settings.get(name)}
    kept = {name: value for name, value in detail.settings.items() if name not in changed}
    kind = KINDS.get(detail.row.kind)
    usual = as_dict(kind.settings()) if kind else {}
    own = {name: value for name, value in kept.items() if name not in usual or usual[name] != value}
    others = [f"{len(kept) - len(own)} by default"] if len(own) < len(kept) else []
    return " · ".join([*(f"{name} {show(value)}" for name, value in own.items()), *others])


def _least(text: str, most: int = 600) -> str:
    """Thousands of inputs are not read by anyone."""
    return text if len(text) <= most else f"{text[:most]}…"


def _cells(detail: JobDetail, row: JobRow, now: float) -> list[tuple[str, str]]:
    told = detail.numbers
    ended = measures.UNKNOWN if row.finished_unix is None else measures.moment(row.finished_unix, now)
    latencies, unit_rate = measures.latency, measures.rate(told.tokens_per_second)
    sound = row.audio_seconds is not None or row.rtf is not None
    heard = measures.UNKNOWN if row.audio_seconds is None else measures.span(row.audio_seconds)
    return [
        ("units", job_words.count(row, _VALUE)),
        ("set aside", measures.count(row.units_failed)),
        ("in flight", measures.count(row.units_flying)),
        ("attempts", measures.count(told.attempts)),
        ("rate", measures.rate(row.tokens_per_second) if sound and row.tokens else job_words.rate(row)),
        ("left", job_words.left(row).strip()),
        ("unit p50·p95", f"{latencies(told.unit_p50_seconds)} · {latencies(told.unit_p95_seconds)}"),
        ("TTFT p50·p95", f"{latencies(told.ttft_p50_seconds)} · {latencies(told.ttft_p95_seconds)}"),
        *([("audio", heard), ("RTF", measures.UNKNOWN if row.rtf is None else f"{row.rtf:.2f}")] if sound else []),
        *([("confidence", measures.confidence(row.confidence))] if row.confidence is not None else []),
        *([("tokens", measures.count(row.tokens)), ("unit's rate", unit_rate)] if row.tokens or not sound else []),
        ("energy", measures.energy(row.joules)),
        ("each second", _each(row.joules, row.audio_seconds))
        if sound
        else ("each token", _each(row.joules, row.tokens)),
        ("priority", str(row.priority)),
        ("results kept", measures.size(row.result_bytes)),
        ("submitted", measures.moment(row.submitted_unix, now)),
        ("ended", ended),
    ]


def _each(joules: float | None, of: float | None) -> str:
    return measures.energy(joules / of if joules is not None and of else None)
