"""What went wrong while an environment was made, by what the programs printed; pure."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cli.environments.program import Output
from ipc.errors import Problem

_FULL: Final = re.compile(r"No space left on device|Disk quota exceeded|Errno 28|Errno 122")
_UNREACHABLE: Final = re.compile(
    r"NewConnectionError|ConnectTimeoutError|NameResolutionError|Temporary failure in name resolution|"
    r"Network is unreachable|ProxyError|ReadTimeoutError|Failed to establish a new connection|SSLError|"
    r"Connection refused|Connection broken|Connection to .* timed out"
)
_NOT_OFFERED: Final = re.compile(r"No matching distribution found for ([^\s;]+)")
_NO_PIP: Final = re.compile(r"ensurepip is not available|No module named '?ensurepip")
_COMPILER: Final = re.compile(r"\berror\b.*:|FAILED:|CMake Error|ninja: build stopped|\*\*\*")
_ERROR: Final = re.compile(r"error", re.IGNORECASE)
_CLIPPED: Final = 300


def of_output(output: Output, doing: str, folder: Path, log: Path) -> Problem:
    """Of a program that failed while it was `doing` something; `log` has all that it printed."""
    text = "\n".join(output.lines)
    if _FULL.search(text):
        return full(folder)
    if _NO_PIP.search(text):
        return Problem(
            "No ensurepip",
            "This Python cannot make an environment with pip in it.",
            "Install what is missing: on Debian and Ubuntu, apt install python3-venv.",
        )
    if _UNREACHABLE.search(text):
        return Problem(
            "No package index",
            f"While {doing}, the package index could not be reached.",
            "Look after the network, or name another index: engineroom env sync … --index URL.",
        )
    if (offered := _NOT_OFFERED.search(text)) and offered[1].endswith("+cpu"):
        return Problem(
            "Not offered",
            f"The package index has no {offered[1]}, the build for the CPU alone.",
            "Add PyTorch's own index for CPUs (pytorch.org shows its address): --extra-index URL.",
        )
    if offered:
        return Problem(
            "Not offered",
            f"The package index has no {offered[1]} for this Python and machine.",
            "Use another Python (3.11 to 3.13 are the safest), or another index (--index URL).",
        )
    return Problem(
        "Environment not made", f"While {doing}: {_last_word(output)}.", f"All that was printed is in {log}."
    )


def of_build(output: Output, package: str, folder: Path, log: Path) -> Problem:
    """Of a compile that failed."""
    text = "\n".join(output.lines)
    told = [line.strip() for line in output.lines if _COMPILER.search(line)]
    if not told or _FULL.search(text) or _UNREACHABLE.search(text):
        return of_output(output, f"compiling {package}", folder, log)
    return Problem(
        "Not compiled",
        f"{package} could not be compiled: {told[0][:_CLIPPED].rstrip('.')}.",
        f"All that the compiler printed is in {log}.",
    )


def of_system(error: OSError, folder: Path) -> Problem:
    """Of a file or folder that could not be made."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full(folder)
    return Problem(
        "Folder unusable",
        f"{error.filename or folder}: {error.strerror or error}.",
        "Set ENGINEROOM_DATA to a folder of yours.",
    )


def full(folder: Path) -> Problem:
    """No room was left."""
    return Problem(
        "Disk full",
        f"No room was left for the environment in {folder}.",
        "Make room (`engineroom env list` shows what each one takes), or set ENGINEROOM_DATA to a larger disk.",
    )


def _last_word(output: Output) -> str:
    """The last line that speaks of an error, else the last one."""
    lines: Sequence[str] = [line.strip() for line in output.lines if line.strip()]
    spoken = [line for line in lines if _ERROR.search(line)]
    chosen = (spoken or lines or [f"it ended with {output.code}"])[-1]
    return chosen[:_CLIPPED].rstrip(".")
