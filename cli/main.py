"""From argv to an exit code."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from cli import exits, say
from cli.exits import Exit
from cli.parser import parse
from cli.record import record
from cli.session import Dashboard, Session, session
from cli.verb import looped
from ipc.errors import EngineRoomError, Problem, RequestFailed


def main(argv: Sequence[str], dashboard: Dashboard) -> int:
    """Run one command line; `dashboard` shows the dashboard where no verb is told. Returns the exit code."""
    arguments, verb = parse(argv)
    without_verb = record if arguments.record else _dashboard
    run = looped(without_verb) if verb is None else verb.run
    try:
        where = session(
            os.environ,
            Path.cwd(),
            dashboard,
            state=arguments.state,
            config=arguments.config,
            host=arguments.host,
        )
        return run(where, arguments)
    except EngineRoomError as error:
        say.problem(error.problem)
        return exits.of_error(error)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        say.no_more_data()
        return Exit.CLOSED_OUTPUT


async def _dashboard(where: Session, arguments: Namespace) -> Exit:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise RequestFailed(
            Problem(
                "No terminal",
                "The dashboard needs a terminal on stdin and stdout.",
                "Use a verb (engineroom --help), or --record FILE to run without one.",
            )
        )
    if not arguments.readonly:
        await where.ensure()
    await where.dashboard(where.connect, readonly=arguments.readonly)
    return Exit.OK
