"""`job show`: everything about one job that fits on a page."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

from cli import job_json, job_runs, job_words, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.control import JobWhole, ShowJob
from ipc.snapshot import JobDetail, JobRow

PROBLEMS_SHOWN = 10
INPUTS_SHOWN = 5
LABEL_COLUMNS = 11


async def _show(session: Session, arguments: Namespace) -> Exit:
    detail = (await session.ask(ShowJob(arguments.id), JobWhole)).detail
    if arguments.json:
        say.document(job_json.detail(detail))
        return Exit.OK
    for line in page(detail):
        say.data(line)
    return Exit.OK


def page(detail: JobDetail) -> Iterator[str]:
    """Its lines."""
    yield job_words.line(detail.row)
    for name, value in _facts(detail):
        yield f"  {name:<{LABEL_COLUMNS}}{value}"
    if detail.runs:
        yield "  runs"
        for line in job_runs.lines(detail.runs):
            yield f"    {line}"
    for one in detail.problems[:PROBLEMS_SHOWN]:
        unit = f" ({one.unit})" if one.unit else ""
        yield f"  ✕ {one.where}{unit}: {one.problem.title}"
        yield from words.folded(f"{one.problem.detail} {one.problem.hint}", "    ")
    more = len(detail.problems) - PROBLEMS_SHOWN
    if more > 0:
        yield f"  …and {more} more: engineroom job problems {detail.row.id}"


def _facts(detail: JobDetail) -> Iterator[tuple[str, str]]:
    row, numbers = detail.row, detail.numbers
    yield "kind", row.kind + (f" on {row.engine}" if row.engine else "")
    yield from _labelled("inputs", _inputs(row))
    yield "output", row.output
    yield "priority", str(row.priority)
    if row.after:
        yield "after", ", ".join(row.after)
    yield "submitted", words.moment(row.submitted_unix)
    yield "finished", words.UNKNOWN if row.finished_unix is None else words.moment(row.finished_unix)
    pace = f", {words.rate(numbers.tokens_per_second, 'tok')} of one unit" if row.audio_seconds is None else ""
    yield "tokens", f"{row.tokens}{pace}"
    yield "unit time", f"p50 {words.span(numbers.unit_p50_seconds)}, p95 {words.span(numbers.unit_p95_seconds)}"
    yield "TTFT", f"p50 {words.span(numbers.ttft_p50_seconds)}, p95 {words.span(numbers.ttft_p95_seconds)}"
    if row.audio_seconds is not None:
        yield "audio", f"{words.span(row.audio_seconds)}, {words.rtf(row.rtf)}"
    if row.confidence is not None:
        yield "confidence", f"{words.confidence(row.confidence)}, the mean log probability of a token"
    yield "energy", job_words.energy_of(row)
    yield "attempts", str(numbers.attempts)
    kept = " on the box, until `engineroom job clear`" if row.result_bytes else ""
    yield "results", f"{words.size(row.result_bytes)}{kept}"
    indent = " " * (LABEL_COLUMNS + 2)
    settings = words.folded(words.settings(detail.settings) or words.UNKNOWN, indent)
    yield from _labelled("settings", map(str.strip, settings))
    if detail.own:
        yield from _labelled("its own", map(str.strip, words.folded(words.settings(detail.own), indent)))


def _labelled(name: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The name beside the first line only."""
    yield from zip(chain((name,), repeat("")), lines, strict=False)


def _inputs(row: JobRow) -> Iterator[str]:
    """One a line, so that each can be copied."""
    yield from row.inputs[:INPUTS_SHOWN] or (words.UNKNOWN,)
    if (more := len(row.inputs) + row.more_inputs - INPUTS_SHOWN) > 0:
        yield f"…and {more} more"


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("id", metavar="ID", help="a job's id (engineroom jobs)")


VERB = Verb("show", "how a job goes: progress, speed, energy, runs, problems", _arguments, looped(_show))
