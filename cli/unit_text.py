"""The text of the systemd user unit that runs a supervisor, and whose text a unit file has. Pure.

Its first line has a digest of the rest, so that a file that somebody edited is known as such.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from ipc.errors import Problem, RequestFailed

STOP_SECONDS: Final = 90
"""From SIGTERM to SIGKILL: the supervisor gives its engines 60 s."""
_FIRST = re.compile(r"# engineroom: lingering (enabled by us|as it was), sha256 ([0-9a-f]{64})\n")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_/.,:=@+-]+")
_BODY = """\
# Written by `engineroom service install`. Once this file is edited, it writes over it only with --force;
# `systemctl --user edit {name}` changes things beside it.

[Unit]
Description=Engine Room supervisor of {state}
# Home folders may be shared: only this box has that state folder.
ConditionHost={host}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
WorkingDirectory={state}
{environment}
StandardOutput=append:{log}
StandardError=append:{log}
# It ends by its own will with 0 and refuses to start with 3; anything else is a crash.
Restart=on-failure
RestartPreventExitStatus=3
RestartSec=2
# SIGTERM goes to the supervisor, which stops its engines in order; what is left of them is killed.
KillMode=mixed
TimeoutStopSec={stop_seconds}
# An engine that runs the box out of memory is the supervisor's to judge, and no reason to stop them all.
OOMPolicy=continue

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True)
class Unit:
    """A supervisor as a unit: its command's first word is the absolute path of an interpreter."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    state: Path
    log: Path
    host: str


@dataclass(frozen=True)
class Mark:
    """What the first line of a unit file says: it is ours. `edited`: the rest is not as we wrote it."""

    edited: bool
    lingered: bool
    """Lingering was enabled together with it, so it goes with it, too."""


def unit_name(state: Path) -> str:
    """The same for the same folder, and another for every other: `engineroom-box-1f2e3d4c.service`."""
    told = re.sub(r"[^A-Za-z0-9_.-]", "_", state.name)[:60]
    return f"engineroom-{told}-{sha256(str(state).encode(errors='surrogateescape')).hexdigest()[:8]}.service"


def text_of(unit: Unit, *, lingered: bool) -> str:
    """The whole file.

    Raises:
        RequestFailed: a path or a variable that cannot be written in a unit file.
    """
    body = _BODY.format(
        name=unit.name,
        command=exec_start(unit.command),
        environment="\n".join(
            f"Environment={_word(f'variable {name}', f'{name}={value}')}"
            for name, value in sorted(unit.environment.items())
        ),
        state=_rest_of_line("state folder", str(unit.state)),
        log=_rest_of_line("log", str(unit.log)),
        host=unit.host,
        stop_seconds=STOP_SECONDS,
    )
    return f"# engineroom: {_lingering(lingered)}, sha256 {_digest(lingered, body)}\n{body}"


def mark_of(text: str) -> Mark | None:
    """Whether we wrote this text; None where somebody else did."""
    first = _FIRST.match(text)
    if first is None:
        return None
    lingered = first[1] == "enabled by us"
    return Mark(_digest(lingered, text[first.end() :]) != first[2], lingered)


def runs(text: str, command: Sequence[str]) -> bool:
    """Whether the unit of this text runs that command."""
    return f"ExecStart={exec_start(command)}" in text.splitlines()


def exec_start(command: Sequence[str]) -> str:
    """The command as systemd reads it; raises what `text_of` raises."""
    program, *arguments = command
    if "$" in program:
        # Its first word is the one in which systemd knows no way to write a `$`.
        raise _unfit("interpreter", program)
    return " ".join([_word("interpreter", program), *(_word("path", one.replace("$", "$$")) for one in arguments)])


def _word(what: str, text: str) -> str:
    """One word, quoted where it must be (systemd.syntax(7)); `%` begins a specifier."""
    if not text.isprintable():
        raise _unfit(what, text)
    text = text.replace("%", "%%")
    if _PLAIN_WORD.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rest_of_line(what: str, text: str) -> str:
    """A path as the settings read it that take no quotes."""
    if not text.isprintable() or text != text.strip() or text.endswith("\\"):
        raise _unfit(what, text)
    return text.replace("%", "%%")


def _unfit(what: str, text: str) -> RequestFailed:
    return RequestFailed(
        Problem(
            "Not for systemd",
            f"The {what} {text!r} has characters that cannot be written in a unit file.",
            "Use a path of letters, digits and the like, or `engineroom up`, which needs no unit file.",
        )
    )


def _lingering(lingered: bool) -> str:
    return f"lingering {'enabled by us' if lingered else 'as it was'}"


def _digest(lingered: bool, body: str) -> str:
    return sha256(f"{_lingering(lingered)}\n{body}".encode(errors="surrogateescape")).hexdigest()
