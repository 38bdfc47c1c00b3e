"""Asks the language models' own process about model files; it reads what only its kind can read, and may take long.

It ends when nobody listens any more: by its answer, by Ctrl-C here, or by our death.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO

import msgspec

from cli import launch
from cli.interpreter import interpreter_of
from cli.session import Session
from config.load import EngineConfig, load
from engines.llm.settings import LlmSettings
from ipc.errors import Problem, RequestFailed
from ipc.models import Ask, Configured, Refused, Said

KIND = "llm"
MODULE = "engines.llm.models"
END_SECONDS = 5.0
"""How long it may take to clear up after a cancel."""


@contextmanager
def asked(session: Session, ask: Ask) -> Iterator[Iterator[Said]]:
    """What it says, as it says it; leaving the block ends it.

    Raises:
        RequestFailed: on another host, it cannot be done, or the process did not answer.
    """
    if session.host is not None:
        raise RequestFailed(
            Problem(
                "Not over ssh",
                "Model files are looked after on their own box.",
                f"Run it there: ssh {session.host} engineroom models",
            )
        )
    with TemporaryFile() as errors:
        process = _spawned(session, errors)
        try:
            yield _said(process, ask, errors)
        finally:
            _end(process)


def configured(session: Session) -> tuple[Configured, ...]:
    """The engines of this kind. Raises BadConfig."""
    return tuple(
        Configured(one.name, one.settings.model, one.settings.quantization)
        for one in _engines(session)
        if isinstance(one.settings, LlmSettings)
    )


def _engines(session: Session) -> tuple[EngineConfig, ...]:
    return load(file=session.config_file, state=session.state, environ=session.environ).engines


def _spawned(session: Session, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    python = interpreter_of(session, KIND)
    try:
        return subprocess.Popen(
            [python, "-P", "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**session.environ, "PYTHONPATH": launch.python_path(session.environ)},
            start_new_session=True,  # a Ctrl-C is ours to hear
        )
    except OSError as error:
        raise RequestFailed(
            Problem("Not started", f"{python}: {error.strerror}.", "`engineroom doctor` looks into that.")
        ) from error


def _said(process: subprocess.Popen[bytes], ask: Ask, errors: IO[bytes]) -> Iterator[Said]:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):  # it has ended: why, is said below
        process.stdin.write(msgspec.json.encode(ask) + b"\n")
        process.stdin.flush()
    for line in process.stdout:
        said = msgspec.json.decode(line, type=Said)
        if isinstance(said, Refused):
            raise RequestFailed(said.problem)
        yield said
    if process.wait() != 0:
        errors.seek(0)
        last = errors.read().decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise RequestFailed(
            Problem("No answer", f"{MODULE} ended with {process.returncode}: {last or 'no word'}.", "Try again.")
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """The end of its input is the sign to clear up and go."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
