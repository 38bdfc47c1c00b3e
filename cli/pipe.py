"""`pipe`: the far end of `--host`: standard input and output become a connection to the supervisor here."""

from __future__ import annotations

import os
import socket
from argparse import Namespace
from threading import Thread

from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, nothing
from config.paths import socket_path
from ipc.errors import ConnectionFailed, Problem

CHUNK_BYTES = 65536


def _run(session: Session, arguments: Namespace) -> Exit:
    """Two blocking copies: they cannot wait for each other, and need no event loop, which would cost ~50 ms."""
    path = socket_path(session.state)
    with socket.socket(socket.AF_UNIX) as supervisor:
        try:
            supervisor.connect(os.fspath(path))
        except OSError as error:
            raise ConnectionFailed(
                Problem("No supervisor", f"Nothing answers at {path}: {error}.", "Start one there: `engineroom up`.")
            ) from error
        Thread(target=_send, args=(supervisor,), daemon=True).start()
        while chunk := supervisor.recv(CHUNK_BYTES):
            view = memoryview(chunk)
            while view:
                view = view[os.write(1, view) :]
    return Exit.OK


def _send(supervisor: socket.socket) -> None:
    try:
        while chunk := os.read(0, CHUNK_BYTES):
            supervisor.sendall(chunk)
        supervisor.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the supervisor hung up: the other copy sees it too, and ends the process


VERB = Verb("pipe", "connect standard input and output to the supervisor (what --host runs)", nothing, _run)
