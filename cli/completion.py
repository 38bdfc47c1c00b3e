"""`completion`: a script for the shell, drawn from the same parser."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cli import say
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb

SHELLS = ("bash", "zsh", "tcsh")


def _run(session: Session, arguments: Namespace) -> Exit:
    import shtab  # ~10 ms

    from cli.parser import build_parser  # it reads the table of verbs, which has this one

    say.data(shtab.complete(build_parser(), shell=arguments.shell))
    return Exit.OK


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)


VERB = Verb("completion", 'print a completion script: eval "$(engineroom completion bash)"', _arguments, _run)
