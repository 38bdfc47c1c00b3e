"""Take an environment out of use before its files go: nobody new starts in it, and nobody runs in it."""

from __future__ import annotations

from pathlib import Path

from cli.environments.running import pids_in
from config.durable import replace_whole
from engines.environments.record import RECORD
from ipc.errors import Problem, RequestFailed


def retire(folder: Path) -> None:
    """Unlink the record, for what is half gone must not look whole; who holds the environment's lock calls it.

    Raises:
        RequestFailed: it is used, and stays as it is.
        OSError
    """
    if pids := pids_in(folder):
        raise RequestFailed(_in_use(folder.name, pids))
    record = folder / RECORD
    try:
        written = record.read_bytes()
    except FileNotFoundError:
        return
    record.unlink()
    # An engine may have started in it between the look and that.
    if pids := pids_in(folder):
        replace_whole(record, written)
        raise RequestFailed(_in_use(folder.name, pids))


def _in_use(name: str, pids: tuple[int, ...]) -> Problem:
    which = f"process{'es' if len(pids) > 1 else ''} {', '.join(map(str, pids))}"
    return Problem("In use", f"{name} is used by the {which}.", "Stop those engines first: `engineroom stop ENGINE`.")
