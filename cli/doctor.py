"""`doctor`: what this box has and lacks, what each lack costs, and the way out."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib.util import find_spec

from cli import (
    build_findings,
    engine_findings,
    environment_findings,
    gpu_findings,
    host_findings,
    ledger_findings,
    say,
    store_findings,
)
from cli.env_place import environments_here
from cli.environments.here import machine_here
from cli.exits import Exit
from cli.finding import Finding
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from config.capabilities import probe
from config.load import load
from config.paths import database_path, socket_path
from engines.environments.record import stored
from ipc.errors import ConnectionFailed, EngineRoomError

SOCKET_PATH_LIMIT_BYTES = 107


async def _doctor(session: Session, arguments: Namespace) -> Exit:
    findings = [*_local(session), *await _supervisor(session)]
    if arguments.json:
        say.document(
            [{"what": one.what, "verdict": one.verdict, "text": one.text, "hint": one.hint} for one in findings]
        )
    else:
        for one in findings:
            say.data(f"{one.verdict:<5} {one.what}: {one.text}{' ' + one.hint if one.hint else ''}")
    return Exit.FAILED if any(one.verdict == "bad" for one in findings) else Exit.OK


def _local(session: Session) -> Iterator[Finding]:
    yield _state_folder(session)
    yield store_findings.finding(database_path(session.state))
    yield _socket(session)
    yield from _config(session)
    yield _dashboard()
    for capability in probe():
        if capability.present:
            yield Finding(capability.name, "ok", "there")
        else:
            yield Finding(capability.name, "warn", capability.cost, capability.hint)


def _state_folder(session: Session) -> Finding:
    nearest = next(folder for folder in (session.state, *session.state.parents) if folder.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        return Finding("state folder", "bad", f"{nearest} cannot be written.", "Set ENGINEROOM_STATE to another.")
    free = os.statvfs(nearest)
    gib = free.f_bavail * free.f_frsize / 2**30
    if gib < 1:
        return Finding("state folder", "warn", f"{session.state}: {gib:.1f} GiB free; jobs are held when it is full.")
    return Finding("state folder", "ok", f"{session.state}, {gib:.0f} GiB free")


def _socket(session: Session) -> Finding:
    length = len(os.fsencode(socket_path(session.state)))
    if length > SOCKET_PATH_LIMIT_BYTES:
        text = f"its path has {length} bytes, {SOCKET_PATH_LIMIT_BYTES} are possible."
        return Finding("socket", "bad", text, "Set ENGINEROOM_STATE to a shorter folder.")
    return Finding("socket", "ok", f"its path has {length} of {SOCKET_PATH_LIMIT_BYTES} bytes")


def _config(session: Session) -> Iterator[Finding]:
    try:
        config = load(file=session.config_file, state=session.state, environ=session.environ)
    except EngineRoomError as error:
        yield Finding("configuration", "bad", error.problem.detail, error.problem.hint)
        return
    yield Finding("configuration", "ok", str(config.file or "no file: the miniature language model"))
    for warning in config.warnings:
        yield Finding("configuration", "warn", f"left out: {warning.detail}", warning.hint)
    found = stored(environments_here(session.environ))
    yield from environment_findings.findings(config.engines, found, machine_here())


def _dashboard() -> Finding:
    if find_spec("textual") is None:
        return Finding("dashboard", "warn", "textual is not installed: verbs work, the dashboard does not.")
    return Finding("dashboard", "ok", "textual is installed")


async def _supervisor(session: Session) -> list[Finding]:
    try:
        async with session.connect() as client:
            theirs = client.supervisor
            whole = await session.look(client)
            builds = await build_findings.ask(client)
    except ConnectionFailed as error:
        unseen = Finding("GPU driver", "warn", "it is asked by the supervisor, and none answers.", "engineroom up")
        return [Finding("supervisor", "warn", error.problem.detail, error.problem.hint), unseen]
    by_age = not builds or any(build_findings.leaves_open(one) for one in builds)
    explained = [one.engine for one in builds if build_findings.explains_cpu(one)]
    answers = Finding("supervisor", "ok", f"pid {theirs.pid} answers, Engine Room {theirs.software}")
    return [
        answers,
        *host_findings.findings(whole.host),
        *([host_findings.disk(whole.host)] if session.host else []),  # this host's was looked at above
        *gpu_findings.findings(whole, by_age=by_age),
        *ledger_findings.findings(whole.ledger),
        *build_findings.findings(whole, builds),
        *engine_findings.findings(whole, explained),
    ]


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)


VERB = Verb("doctor", "look for what is missing on this box", _arguments, looped(_doctor))
