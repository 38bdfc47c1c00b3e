"""`job export`: one file about a job for a bug report, without what only its owner may know."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from cli import job_json, say
from cli.archive import Archive, archive
from cli.exits import Exit
from cli.export_facts import LOG_LINES, Facts, gather
from cli.export_private import CONTENT, scrubber
from cli.job_units import pages
from cli.session import Session
from cli.verb import Verb, completes_files, looped
from ipc.client import expect
from ipc.control import JobWhole, ShowJob
from ipc.snapshot import Json

README = f"""\
What Engine Room knows about one job, for a bug report. The fields are those of docs/json.md.

versions.json      of the supervisor, and of the program that wrote this
job.json           the job: numbers, settings, runs, problems
units.jsonl        its units, one a line: state, attempts, time, tokens, energy
events.jsonl       what was decided about it and its engines, and why
logs/ENGINE.jsonl  the last {LOG_LINES:,} lines that each of its engines printed
knobs/ENGINE.json  the settings of each of its engines
engines.json       every engine, as `engineroom ps` lists them
ledger.json        who holds and who was promised memory
"""
NEVER_IN_IT = "Prompts, answers and results are not in it."
WORDS = f"Settings that hold words of yours ({', '.join(sorted(CONTENT))})"
SCRUBBED = f"""\
{NEVER_IN_IT} Of each path only the last component is left, and what stands in quotes is
shown as '…' unless it is a single word. {WORDS}
are shown as …, wherever they are told. Names of units, models and engines are as they were.
Engines print what they like: look through logs/ and job.json before you show them to others."""
AS_IT_WAS = f"""\
Prompts of units, answers and results are not in it. Paths and quoted texts are as they were (--with-content).
{WORDS} are, too."""


async def _export(session: Session, arguments: Namespace) -> Exit:
    target = _target(session.cwd, arguments.output, arguments.id)
    with archive(target, arguments.id) as into:
        async with session.connect() as client:
            detail = expect(await client.ask(ShowJob(arguments.id)), JobWhole).detail
            facts = await gather(client, detail)
            scrub = _as_it_was if arguments.with_content else scrubber(facts.paths, facts.words)
            for name, content in facts.members.items():
                _add(into, name, scrub(content))
            with into.member("units.jsonl") as add:
                async for rows in pages(client, arguments.id):
                    add("".join(f"{_json(scrub(job_json.unit(row)))}\n" for row in rows))
        left_out = AS_IT_WAS if arguments.with_content else SCRUBBED
        with into.member("README.txt") as add:
            add("\n".join([README, left_out, *_missing(facts), ""]))
    say.data(str(target))
    for line in (left_out, *_missing(facts)):
        say.note(line)
    return Exit.OK


def _target(cwd: Path, told: str | None, id_: str) -> Path:
    named = cwd / Path(told or "").expanduser()
    return named / f"{id_}.tar.gz" if named.is_dir() else named


def _add(into: Archive, name: str, content: Json) -> None:
    lines: Sequence[Json] = content if isinstance(content, list) and name.endswith(".jsonl") else [content]
    with into.member(name) as add:
        for line in lines:
            add(f"{_json(line)}\n")


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _as_it_was(value: Json) -> Json:
    return value


def _missing(facts: Facts) -> list[str]:
    return [f"Could not be had: {why}" for why in facts.missing]


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a job's id (engineroom jobs)")
    completes_files(
        parser.add_argument("-o", "--output", metavar="FILE.tar.gz", help="default: ID.tar.gz here; never overwritten")
    )
    parser.add_argument(
        "--with-content", action="store_true", help="keep whole paths, prompts that settings hold, and quoted texts"
    )


VERB = Verb("export", "write all that is known about a job to one file, for a bug report", _arguments, looped(_export))
