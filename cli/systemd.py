"""The user's systemd, asked and told: every call ends within its time and gives words."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LINGER = Path("/var/lib/systemd/linger")
"""A file for each user whose systemd starts at boot and outlives the last logout."""
ASK_SECONDS: Final = 1.0
UP: Final = ("running", "degraded", "starting")


@dataclass(frozen=True)
class Said:
    """How a command ended; `words` says why where it did not work. `answer` is what it printed."""

    worked: bool
    answer: str
    words: str


def tell(environ: Mapping[str, str], *command: str, seconds: float = 10.0) -> Said:
    """Run `systemctl` or `loginctl`."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=dict(environ),
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return Said(False, "", f"it did not end within {seconds:g} s")
    except FileNotFoundError:
        return Said(False, "", f"there is no {command[0]} here")
    except OSError as error:
        return Said(False, "", f"{command[0]}: {error.strerror}")
    answer = done.stdout.strip()
    words = " ".join(done.stderr.split()) or answer or f"exit code {done.returncode}"
    return Said(done.returncode == 0, answer, words.rstrip("."))


def ask(environ: Mapping[str, str], *arguments: str) -> str:
    """The one-word answer of `systemctl --user`, empty when there is none within a second."""
    return tell(environ, "systemctl", "--user", *arguments, seconds=ASK_SECONDS).answer


def silent(environ: Mapping[str, str]) -> str:
    """Why the user's systemd does not answer; empty where it does."""
    said = tell(environ, "systemctl", "--user", "is-system-running")
    if said.answer in UP:
        return ""
    return f"it is {said.answer}" if said.answer else said.words


def condition(environ: Mapping[str, str], unit: str) -> str:
    """`active`, `activating` (also between a crash and the next start), `inactive`, …; empty without an answer."""
    return ask(environ, "is-active", unit)


def lingers(environ: Mapping[str, str]) -> bool:
    """Whether this user's systemd starts at boot and outlives the last logout."""
    return (LINGER / user(environ)).exists()


def user(environ: Mapping[str, str]) -> str:
    """Whose systemd it is."""
    return environ.get("USER") or environ.get("LOGNAME") or pwd.getpwuid(os.getuid()).pw_name
