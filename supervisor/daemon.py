"""`python -m supervisor.daemon --state DIR [--config FILE]`: the supervisor itself.

Exit codes: 0 it was told to end; 3 it cannot start (another one runs, or the configuration is no good), so that a
keeper does not try again; anything else is a crash, or (4) an end so that the keeper starts another.
"""

from __future__ import annotations

import argparse
import logging
import logging.handlers
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from config.capabilities import has_uvloop
from config.errors import BadConfig
from config.load import Config, load
from config.paths import socket_path, supervisor_log_path
from ipc.errors import RequestFailed
from ipc.serving import serve
from ipc.snapshot import Happening
from ipc.sockets import SocketStream
from supervisor.keeping import Keeping
from supervisor.listener import accept, listening
from supervisor.lock import Lock
from supervisor.process.sweep import Swept, new_instance, sweep
from supervisor.room import Room
from supervisor.service import ControlService

REFUSED = 3
LOG_BYTES = 4 * 1024 * 1024
LOG_FILES = 3
LAST_ANSWER_SECONDS = 0.1
"""For the answer to `Down` to leave before its connection is cut."""

_logger = logging.getLogger("engineroom")
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def main() -> int:
    """Run until told to end; returns the exit code."""
    parser = argparse.ArgumentParser(prog="supervisor.daemon")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--config", type=Path)
    options = parser.parse_args()
    try:
        _run(options.state, options.config)
    except (BadConfig, RequestFailed) as error:
        _logger.error("%s", error.problem)
        sys.stderr.write(f"{error.problem}\n")
        return REFUSED
    except Exception:
        _logger.exception("the supervisor crashed")
        raise
    return 0


def _run(state: Path, config_file: Path | None) -> None:
    """Live until told to end."""
    lock = Lock(state)
    lock.take()
    config = load(file=config_file, state=state, environ=os.environ)
    _begin_log(state, config.supervisor.log_level)
    instance = new_instance(state)
    how = _beginning(after_crash=socket_path(state).exists(), swept=sweep(instance))
    anyio.run(_live, config, state, instance, how, backend_options={"use_uvloop": has_uvloop()})


def _beginning(*, after_crash: bool, swept: Sequence[Swept]) -> str:
    """How this supervisor came to be, in a sentence."""
    text = f"The supervisor is up (pid {os.getpid()})"
    if after_crash:
        text += "; the one before it did not end in order"
    if swept:
        text += f"; killed what that had left: {', '.join(f'{one.name} ({one.pid})' for one in swept)}"
    return f"{text}."


def _begin_log(state: Path, level: str) -> None:
    handler = logging.handlers.RotatingFileHandler(
        supervisor_log_path(state), maxBytes=LOG_BYTES, backupCount=LOG_FILES
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=level.upper())


async def _live(config: Config, state: Path, instance: str, how: str) -> None:
    command = (sys.executable, "-P", "-m", "supervisor.daemon", *sys.argv[1:])
    keeping = Keeping(state, os.environ.get("ENGINEROOM_KEEPER", ""), command)
    async with listening(socket_path(state)) as listener, anyio.create_task_group() as hooks:
        room = Room(config, state, instance, _log_happening, keeping, hooks)
        await room.begin(how)
        async with anyio.create_task_group() as group:
            group.start_soon(_obey_signals, room)
            group.start_soon(_welcome, listener, room)
            await room.run()
            await anyio.sleep(LAST_ANSWER_SECONDS)
            group.cancel_scope.cancel()
        hooks.cancel_scope.cancel()


async def _obey_signals(room: Room) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
        async for signum in received:
            if signum != signal.SIGHUP:  # a closed terminal stops nothing
                await room.shut_down(f"{signal.Signals(signum).name} received")


async def _welcome(listener: socket.socket, room: Room) -> None:
    service = ControlService(room)
    async with anyio.create_task_group() as clients:
        while True:
            clients.start_soon(_serve, await accept(listener), service, room)


async def _serve(stream: SocketStream, service: ControlService, room: Room) -> None:
    room.clients += 1
    try:
        ended = await serve(stream, service)
    finally:
        room.clients -= 1
    if ended is not None:
        _logger.warning("a client's connection ended: %s", ended)


def _log_happening(happening: Happening) -> None:
    _logger.log(_LEVELS[happening.severity], "%s %s: %s", happening.about, happening.word, happening.text)


if __name__ == "__main__":
    sys.exit(main())
