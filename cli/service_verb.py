"""`service install|uninstall|show`: the supervisor as a service of the user's systemd, started at boot."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping

from cli import installing, launch, say, systemd, unit_text
from cli.exits import Exit
from cli.installing import Step
from cli.service import Service, service_of
from cli.session import Session
from cli.unit_here import unit_here
from cli.unit_text import Mark
from cli.verb import Verb
from ipc.errors import EngineRoomError, Problem, RequestFailed


def _run(session: Session, arguments: Namespace) -> Exit:
    if session.host is not None:
        raise RequestFailed(
            Problem("Not over ssh", "A service is installed on its own box.", f"Run it there: ssh {session.host}")
        )
    match arguments.what:
        case "install":
            exit_code = _told(installing.install(session, force=arguments.force))
            say.note(_next(session))
            return exit_code
        case "uninstall":
            return _told(installing.uninstall(session, force=arguments.force))
        case _:
            return _show(session)


def _told(steps: Iterator[Step]) -> Exit:
    """Print each step as it ends, and at last what remains to be typed."""
    by_hand = []
    for step in steps:
        say.data(f"{step.outcome:<7} {step.text}")
        if step.outcome == "failed":
            by_hand.append(step.by_hand)
    if not by_hand:
        return Exit.OK
    say.note("What failed, to be typed in a session of this user where its systemd answers (`doctor` says whether):")
    for command in by_hand:
        say.note(f"  {command}")
    return Exit.FAILED


def _next(session: Session) -> str:
    """When what was installed counts."""
    service, pid = service_of(session.state, session.environ), launch.holder(session.state)
    if systemd.condition(session.environ, service.name) == "active":
        return "It runs as this service; what has changed counts from its next start on."
    if not service.at_boot():
        return "Until then nothing starts at boot, and `engineroom up` starts a supervisor as before."
    if pid is not None:
        return f"One runs already (pid {pid}): it becomes this service by `engineroom down` and `engineroom up`."
    return "It starts at the next boot; `engineroom up` starts it now."


def _show(session: Session) -> Exit:
    """Print what is there, then the unit file, or what would be written."""
    service, environ = service_of(session.state, session.environ), session.environ
    text = service.text()
    for name, value in (
        ("service", service.name),
        ("file", f"{service.file} ({_compared(text, session)})"),
        ("at boot", _boot(service, environ)),
        ("now", _now(service, session)),
    ):
        say.data(f"{name:<9} {value}")
    say.data("")
    say.data(_would(session, None) if text is None else text, end="")
    return Exit.OK


def _compared(text: str | None, session: Session) -> str:
    if text is None:
        return "not there; below is what `engineroom service install` would write"
    mark = unit_text.mark_of(text)
    if mark is None or mark.edited:
        return "edited by hand"
    try:
        same = text == _would(session, mark)
    except EngineRoomError as error:
        return f"what would be written now cannot be told: {error.problem.detail}"
    return "as it would be written now" if same else "`engineroom service install` would write another now"


def _would(session: Session, mark: Mark | None) -> str:
    return unit_text.text_of(unit_here(session), lingered=mark is not None and mark.lingered)


def _boot(service: Service, environ: Mapping[str, str]) -> str:
    if not service.at_boot():
        return "no"
    if systemd.lingers(environ):
        return "starts"
    return f"no: lingering is off, so it starts at the login of {systemd.user(environ)}"


def _now(service: Service, session: Session) -> str:
    if silent := systemd.silent(session.environ):
        return f"— (the user's systemd does not answer: {silent})"
    condition, pid = systemd.condition(session.environ, service.name) or "—", launch.holder(session.state)
    if pid is None:
        return condition
    return f"{condition} (pid {pid})" if condition == "active" else f"{condition}; one runs without it (pid {pid})"


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=("install", "uninstall", "show"), help="show: what is there, and the unit file")
    parser.add_argument("--force", action="store_true", help="even where the unit file was edited, or it runs")


VERB = Verb("service", "start the supervisor at boot, as a service of your systemd", _arguments, _run)
