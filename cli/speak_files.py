"""Where the sound of `say` goes: known to be possible before anything is spoken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from ipc.errors import Problem, RequestFailed

STDOUT = "-"
SUFFIX = ".flac"
_HINT = f"For example -o hello{SUFFIX}, or -o - into a player."


def check(cwd: Path, told: str | None, takes: int, *, force: bool, as_json: bool) -> None:
    """Raises RequestFailed: sound cannot go there, or would replace what is there without being told to."""
    if told == STDOUT:
        _check_stdout(takes, as_json=as_json)
    elif told is not None and not (cwd / told).is_dir():
        if told.endswith("/"):
            raise RequestFailed(Problem("No such folder", f"There is no folder {told}.", "Make it, or name another."))
        if Path(told).suffix.lower() != SUFFIX:
            detail = f"{told}: sound of `say` comes as FLAC; a job (`submit tts`) writes wav, mp3, opus and m4b, too."
            raise RequestFailed(Problem("Only FLAC", detail, _HINT))
        if not (folder := (cwd / told).parent).is_dir():
            raise RequestFailed(Problem("No such folder", f"There is no folder {folder}.", "Make it, or name another."))
        for path in _named(cwd / told, takes):
            if not force and path.exists():
                hint = "--force replaces it; without -o nothing is replaced."
                raise RequestFailed(Problem("Output exists", f"{path} is there already.", hint))


def paths(cwd: Path, told: str | None, takes: int) -> Iterator[Path]:
    """Where takes go: `hello.flac`, or `hello-1.flac` and on; in a folder the first numbers that are free."""
    if told is None or (cwd / told).is_dir():
        folder = cwd / (told or "")
        numbered = (folder / f"say-{number}{SUFFIX}" for number in count(1))
        return (path for path in numbered if not path.exists())
    return iter(_named(cwd / told, takes))


def _named(path: Path, takes: int) -> list[Path]:
    if takes == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, takes + 1)]


def _check_stdout(takes: int, *, as_json: bool) -> None:
    if as_json or takes > 1:
        what = "JSON" if as_json else "several takes"
        raise RequestFailed(Problem("One thing on stdout", f"Sound goes there, so {what} cannot.", _HINT))
    if sys.stdout.isatty():
        raise RequestFailed(Problem("Sound in a terminal", "Stdout is a terminal, which plays no sound.", _HINT))
