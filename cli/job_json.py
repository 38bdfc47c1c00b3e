"""Jobs in `--json`, field by field: promised to scripts and documented in docs/json.md."""

from __future__ import annotations

from cli.json_shapes import problem
from ipc.control import Cleared
from ipc.snapshot import JobDetail, JobRow, Json, RunRow, UnitProblem, UnitRow


def job(row: JobRow) -> dict[str, Json]:
    """One entry of `engineroom jobs`."""
    return {
        "id": row.id,
        "kind": row.kind,
        "engine": row.engine,
        "state": row.state,
        "reason": row.reason,
        "inputs": list(row.inputs),
        "more_inputs": row.more_inputs,
        "output": row.output,
        "priority": row.priority,
        "after": list(row.after),
        "units_total": row.units_total,
        "units_expected": row.units_expected,
        "units_done": row.units_done,
        "units_failed": row.units_failed,
        "units_flying": row.units_flying,
        "tokens": row.tokens,
        "tokens_per_second": row.tokens_per_second,
        "units_per_second": row.units_per_second,
        "audio_seconds": row.audio_seconds,
        "rtf": row.rtf,
        "confidence": row.confidence,
        "joules": row.joules,
        "eta_seconds": row.eta_seconds,
        "eta_spread_seconds": row.eta_spread_seconds,
        "result_bytes": row.result_bytes,
        "submitted_unix": row.submitted_unix,
        "finished_unix": row.finished_unix,
    }


def detail(whole: JobDetail) -> dict[str, Json]:
    """`engineroom job show`."""
    numbers = whole.numbers
    return {
        **job(whole.row),
        "numbers": {
            "ttft_p50_seconds": numbers.ttft_p50_seconds,
            "ttft_p95_seconds": numbers.ttft_p95_seconds,
            "tokens_per_second": numbers.tokens_per_second,
            "attempts": numbers.attempts,
            "unit_p50_seconds": numbers.unit_p50_seconds,
            "unit_p95_seconds": numbers.unit_p95_seconds,
        },
        "problems": [unit_problem(one) for one in whole.problems],
        "settings": dict(whole.settings),
        "own": dict(whole.own),
        "runs": [run(one) for one in whole.runs],
    }


def unit_problem(one: UnitProblem) -> dict[str, Json]:
    """One entry of `engineroom job problems`."""
    return {
        "index": one.index,
        "unit": one.unit,
        "where": one.where,
        "state": one.state,
        "problem": problem(one.problem),
        "log_tail": list(one.log_tail),
    }


def unit(row: UnitRow) -> dict[str, Json]:
    """One line of `engineroom job units`."""
    return {
        "index": row.index,
        "name": row.name,
        "where": row.where,
        "state": row.state,
        "attempts": row.attempts,
        "run": row.run,
        "tokens": row.tokens,
        "seconds": row.seconds,
        "ttft_seconds": row.ttft_seconds,
        "audio_seconds": row.audio_seconds,
        "joules": row.joules,
        "result_bytes": row.result_bytes,
        "take": row.take,
        "confidence": row.confidence,
    }


def cleared(answer: Cleared) -> Json:
    """`engineroom job clear`."""
    return {
        "ids": list(answer.ids),
        "freed_bytes": answer.freed_bytes,
        "kept": [{"id": id_, "problem": problem(why)} for id_, why in answer.kept],
    }


def run(one: RunRow) -> Json:
    """One stretch of a job under the same settings."""
    return {
        "number": one.number,
        "engine": one.engine,
        "since_unix": one.since_unix,
        "settings": dict(one.settings),
        "units": one.units,
    }
