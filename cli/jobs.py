"""`jobs` and `job show|pause|resume|cancel|wait`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable

from cli import exits, json_shapes, say, waiting, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc import control
from ipc.snapshot import JobDetail, JobRow

HEADS = ("JOB", "KIND", "ENGINE", "STATE", "DONE", "SET ASIDE", "RATE", "LEFT", "OUTPUT", "REASON")
CONTROLS: dict[str, Callable[[str], control.OneAnswer]] = {
    "pause": control.PauseJob,
    "resume": control.ResumeJob,
    "cancel": control.CancelJob,
}


async def _jobs(session: Session, arguments: Namespace) -> Exit:
    rows = (await session.ask(control.Jobs(), control.JobList)).rows
    if arguments.json:
        say.document([json_shapes.job(row) for row in rows])
    else:
        table(rows)
    return Exit.OK


def table(rows: Iterable[JobRow]) -> None:
    """Print the jobs."""
    say.table(HEADS, [_cells(row) for row in rows], right=frozenset({4, 5, 6, 7}))


async def _job(session: Session, arguments: Namespace) -> Exit:
    match arguments.what:
        case "show":
            detail = (await session.ask(control.ShowJob(arguments.id), control.JobWhole)).detail
            _show(detail, as_json=arguments.json)
            return Exit.OK
        case "wait":
            last = (await waiting.finish(session, [arguments.id]))[arguments.id]
            _show_row(last, as_json=arguments.json)
            return exits.of_job(last.state)
        case what:
            now = (await session.ask(CONTROLS[what](arguments.id), control.JobIs)).row
            _show_row(now, as_json=arguments.json)
            return Exit.OK


def _cells(row: JobRow) -> tuple[str, ...]:
    return (
        row.id,
        row.kind,
        row.engine or words.UNKNOWN,
        row.state,
        words.progress_of(row),
        str(row.units_failed),
        words.rate(row.tokens_per_second, "tok"),
        words.span(row.eta_seconds),
        row.output,
        row.reason,
    )


def _show_row(row: JobRow, *, as_json: bool) -> None:
    if as_json:
        say.document(json_shapes.job(row))
    else:
        say.data(waiting.line(row))


def _show(detail: JobDetail, *, as_json: bool) -> None:
    if as_json:
        say.document(json_shapes.job_detail(detail))
        return
    row, numbers = detail.row, detail.numbers
    say.data(waiting.line(row))
    for name, value in (
        ("kind", row.kind + (f" on {row.engine}" if row.engine else "")),
        ("inputs", ", ".join(row.inputs)),
        ("output", row.output),
        ("submitted", words.moment(row.submitted_unix)),
        ("finished", words.UNKNOWN if row.finished_unix is None else words.moment(row.finished_unix)),
        ("tokens", f"{row.tokens} at {words.rate(numbers.tokens_per_second, 'tok')}"),
        ("TTFT", f"p50 {words.span(numbers.ttft_p50_seconds)}, p95 {words.span(numbers.ttft_p95_seconds)}"),
        ("attempts", str(numbers.attempts)),
        ("settings", ", ".join(f"{name}={value}" for name, value in detail.settings.items()) or words.UNKNOWN),
    ):
        say.data(f"  {name:<10} {value}")
    for one in detail.problems:
        unit = f" ({one.unit})" if one.unit else ""
        say.data(f"  ✕ {one.where}{unit}: {one.problem}")
        for text in one.log_tail:
            say.data(f"      {text}")


def _job_arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("what", choices=("show", *CONTROLS, "wait"), help="wait: until it ends; exit code as `submit`")
    parser.add_argument("id", help="a job's id (engineroom jobs)")


JOBS = Verb("jobs", "list the jobs", takes_json, looped(_jobs))
JOB = Verb("job", "show or steer one job", _job_arguments, looped(_job))
