"""The parser, drawn from the table of verbs."""

from __future__ import annotations

import re
import sys
from argparse import (
    SUPPRESS,
    ZERO_OR_MORE,
    ArgumentError,
    ArgumentParser,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from cli.exits import Exit
from cli.record import duration, job_spec
from cli.verb import Verb, completes_files, takes_json
from cli.verbs import VERBS
from config.errors import did_you_mean
from ipc.version import SOFTWARE

DESCRIPTION = "Run local AI engines, each in its own supervised process. With no verb: the dashboard."
EPILOG = """\
exit codes:
  0 ok · 1 the request failed · 2 wrong arguments or configuration · 3 no supervisor answers
  4 the job ended with problems · 5 the job failed or was cancelled · 6 the engine died while it answered
  130 interrupted (jobs and engines go on)
"""


if TYPE_CHECKING:
    from argparse import _SubParsersAction


class Parser(ArgumentParser):
    """An ArgumentParser that offers the nearest name for a mistyped one, and takes a list that may be empty from behind
    an option, too: `submit llm -o out a b`."""

    def parse_known_args(  # type: ignore[override]  # (its overloads are about other namespaces)
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """The arguments, and what is none of them."""
        told, rest = super().parse_known_args(args, namespace)
        for action in self._get_positional_actions():
            if action.nargs == ZERO_OR_MORE:
                setattr(told, action.dest, [*getattr(told, action.dest), *filter(_is_value, rest)])
                rest = [text for text in rest if not _is_value(text)]
        return told, rest

    def error(self, message: str) -> NoReturn:
        """End with the usage on stderr."""
        if wrong := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            known = re.findall(r"[^', ]+", wrong[2])
            message = f"{wrong[1]!r} is not known here. {did_you_mean(wrong[1], known)}"
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"{self.prog}: {message}\n")


def build_parser() -> ArgumentParser:
    """The whole command line."""
    parser = Parser(
        prog="engineroom",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(verb=None, host=None, state=None, config=None, json=False)
    _where(parser)
    parser.add_argument("--version", action="version", version=f"Engine Room {SOFTWARE}")
    parser.add_argument("--readonly", action="store_true", help="a dashboard that cannot change anything")
    without = parser.add_argument_group("without a terminal")
    completes_files(without.add_argument("--record", metavar="FILE", help="record to FILE (.jsonl.zst) and wait"))
    without.add_argument(
        "--job",
        action="append",
        default=[],
        type=job_spec,
        metavar="KIND:INPUT:OUTPUT",
        help="submit this too; the recording ends with the last job",
    )
    without.add_argument("--for", dest="for_seconds", type=duration, metavar="TIME", help="at most this long: 10m, 8h")
    takes_json(parser)
    _add(VERBS, parser.add_subparsers(title="verbs", metavar="VERB", parser_class=Parser))
    return parser


def _add(verbs: Sequence[Verb], to: _SubParsersAction[Parser]) -> None:
    for verb in verbs:
        parser = to.add_parser(verb.name, help=verb.help, description=verb.help, allow_abbrev=False)
        verb.arguments(parser)
        if verb.below:
            _add(verb.below, parser.add_subparsers(title="verbs", metavar="WHAT", required=True, parser_class=Parser))
        _where(parser)
        parser.set_defaults(verb=verb)


def _is_value(text: str) -> bool:
    return text == "-" or not text.startswith("-")


def parse(argv: Sequence[str]) -> tuple[Namespace, Verb | None]:
    """The arguments, and the verb where one is told; ends the process with exit code 2 where they make no sense."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    verb: Verb | None = arguments.verb
    if verb is not None and arguments.record:
        parser.error(f"--record goes without a verb, not with {verb.name!r}")
    if arguments.host and (arguments.state or arguments.config):
        parser.error("--state and --config name files here, --host another box: set ENGINEROOM_STATE in its shell")
    if not arguments.record and (arguments.job or arguments.for_seconds is not None):
        parser.error("--job and --for go with --record FILE")
    return arguments, verb


def _where(parser: ArgumentParser) -> None:
    """Which supervisor: before the verb or after it."""
    group = parser.add_argument_group("which supervisor")
    group.add_argument("--host", default=SUPPRESS, metavar="USER@BOX", help="the one on another box, over ssh")
    with suppress(ArgumentError):  # `job units --state failed` has one of its own: there this one goes before the verb
        completes_files(
            group.add_argument("--state", default=SUPPRESS, metavar="DIR", help="its state folder ($ENGINEROOM_STATE)")
        )
    completes_files(
        group.add_argument("--config", default=SUPPRESS, metavar="FILE", help="its configuration ($ENGINEROOM_CONFIG)")
    )
