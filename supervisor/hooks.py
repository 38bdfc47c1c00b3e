"""The operator's own command at a job's end, run beside the supervisor and never waited for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import anyio

from ipc.errors import Problem, RequestFailed
from ipc.snapshot import JobRow

LIMIT_SECONDS = 3600.0


async def run_on_done(row: JobRow, command: str) -> None:
    """Run `command` in a shell, in the output's folder, with ENGINEROOM_JOB, …_STATE and …_OUTPUT in its environment.

    The instance id is taken out of its environment, so that a sweep never takes it for one of our engines.

    Raises:
        RequestFailed: it exited non-zero, could not start, or ran over an hour.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ENGINEROOM_")}
    environment |= {
        "ENGINEROOM_JOB": row.id,
        "ENGINEROOM_JOB_STATE": row.state,
        "ENGINEROOM_JOB_OUTPUT": row.output,
    }
    try:
        with anyio.fail_after(LIMIT_SECONDS):
            done = await anyio.run_process(
                ["/bin/sh", "-c", command],
                check=False,
                env=environment,
                cwd=Path(row.output).parent,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
    except (OSError, TimeoutError, ValueError) as error:
        raise RequestFailed(_problem(row, f"{error}")) from error
    if done.returncode != 0:
        tail = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise RequestFailed(_problem(row, f"exit {done.returncode}{': ' + tail[0] if tail else ''}"))


def _problem(row: JobRow, why: str) -> Problem:
    return Problem(
        "Command failed", f"The --on-done command of {row.id} failed: {why}.", "The job itself is not affected."
    )
