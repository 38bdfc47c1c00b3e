"""Make a supervisor a service of the user's systemd, and take that back: step by step, each with its outcome."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cli import systemd, unit_text
from cli.service import Service, living_units, service_of
from cli.session import Session
from cli.unit_here import unit_here
from config.durable import replace_whole
from ipc.errors import Problem, RequestFailed

Outcome: TypeAlias = Literal["done", "as is", "failed"]


@dataclass(frozen=True)
class Step:
    """One step. `by_hand` is the command to type later where it did not work."""

    outcome: Outcome
    text: str
    by_hand: str = ""


def install(session: Session, *, force: bool) -> Iterator[Step]:
    """Start it at boot, and let the user's systemd start at boot; nothing is started now.

    Raises:
        BadConfig: the supervisor would refuse to start.
        RequestFailed: the unit file was edited by hand and is not to be written over, or cannot be written.
    """
    service, unit, environ = service_of(session.state, session.environ), unit_here(session), session.environ
    before = service.text()
    _refuse_edited(service, before, force=force)
    unit_text.text_of(unit, lingered=False)  # what cannot be written is said before anything is done
    lingering = _enable_lingering(environ)
    yield lingering
    marked = None if before is None else unit_text.mark_of(before)
    text = unit_text.text_of(unit, lingered=lingering.outcome == "done" or (marked is not None and marked.lingered))
    if text == before:
        yield Step("as is", f"the unit file {service.file}")
    else:
        with _on_disk():
            session.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            service.file.parent.mkdir(parents=True, exist_ok=True)
            replace_whole(service.file, text.encode(errors="surrogateescape"))
        runs_with = session.config_file or "no configuration file: the miniature language model"
        yield Step("done", f"the unit file {service.file} is written; it runs with {runs_with}")
    yield from _told(environ, {"daemon-reload": "systemd has read it", f"enable {service.name}": "it starts at boot"})


def uninstall(session: Session, *, force: bool) -> Iterator[Step]:
    """Take back what `install` did.

    Raises:
        RequestFailed: the unit file was edited by hand, or its supervisor runs, and that is not to be overruled.
    """
    service, environ = service_of(session.state, session.environ), session.environ
    text = service.text()
    if text is None and not os.path.lexists(service.link):
        yield Step("as is", f"{service.name} is not installed")
        return
    _refuse_edited(service, text, force=force)
    _refuse_running(session, force=force)
    mark = None if text is None else unit_text.mark_of(text)
    if not systemd.silent(environ):
        yield from _told(environ, {f"disable {service.name}": "it no longer starts at boot"})
    with _on_disk():
        service.link.unlink(missing_ok=True)  # where systemd does not answer
        service.file.unlink(missing_ok=True)
    yield Step("done", f"the unit file {service.file} is removed")
    yield from _told(environ, {"daemon-reload": "systemd knows it no more"})
    if mark is not None and mark.lingered:
        yield _disable_lingering(environ)
    else:
        yield Step("as is", f"lingering of {systemd.user(environ)}, which `engineroom service install` did not enable")


def _refuse_edited(service: Service, text: str | None, *, force: bool) -> None:
    mark = None if text is None else unit_text.mark_of(text)
    if text is not None and (mark is None or mark.edited) and not force:
        raise RequestFailed(
            Problem(
                "Edited by hand",
                f"{service.file} is not as `engineroom service install` wrote it.",
                f"--force overrules that; `systemctl --user edit {service.name}` keeps changes in a file of their own.",
            )
        )


def _refuse_running(session: Session, *, force: bool) -> None:
    running = living_units(session.state, session.environ)
    if running and not force:
        raise RequestFailed(
            Problem(
                "Running",
                f"The supervisor runs as {running[0]}: nobody would start it again after a crash, "
                "and it might end with your last session.",
                "`engineroom down` first, or --force.",
            )
        )


def _enable_lingering(environ: Mapping[str, str]) -> Step:
    user = systemd.user(environ)
    if systemd.lingers(environ):
        return Step("as is", f"lingering is on for {user}")
    said = systemd.tell(environ, "loginctl", "enable-linger", user)
    if said.worked:
        return Step("done", f"lingering is enabled for {user}: its systemd starts at boot and outlives the last logout")
    text = f"lingering, without which it starts at {user}'s login and ends with the last logout: {said.words}"
    return Step("failed", text, shlex.join(["sudo", "loginctl", "enable-linger", user]))


def _disable_lingering(environ: Mapping[str, str]) -> Step:
    user = systemd.user(environ)
    said = systemd.tell(environ, "loginctl", "disable-linger", user)
    if said.worked:
        return Step("done", f"lingering of {user} is disabled, as it was before")
    text = f"lingering of {user} is not disabled again: {said.words}"
    return Step("failed", text, shlex.join(["sudo", "loginctl", "disable-linger", user]))


def _told(environ: Mapping[str, str], commands: Mapping[str, str]) -> Iterator[Step]:
    """Arguments of `systemctl --user`, each with what is so once it worked."""
    silent = systemd.silent(environ)
    for arguments, result in commands.items():
        command = f"systemctl --user {arguments}"
        if silent:
            yield Step("failed", f"`{command}` was not run: the user's systemd does not answer ({silent})", command)
            continue
        said = systemd.tell(environ, *command.split())
        if said.worked:
            yield Step("done", f"{result} (`{command}`)")
        else:
            yield Step("failed", f"`{command}`: {said.words}", command)


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RequestFailed(
            Problem("Not written", f"{error.filename}: {error.strerror}.", "Allow writing there, then do it again.")
        ) from error
