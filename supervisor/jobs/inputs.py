"""From what a person names to files: folders, patterns, and the outputs of jobs that come first."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from engines.catalog import Kind
from ipc.errors import Problem, RequestFailed
from ipc.work import SourceProblem

MOST = 100_000


class Expanded(NamedTuple):
    """The files, and what is left out of them because nobody can write down its name."""

    files: tuple[str, ...]
    left_out: tuple[SourceProblem, ...]


def expand(named: Iterable[str], kind: Kind, promised: Collection[str]) -> Expanded:
    """The files, each once, in the order in which they were named; inside a folder or pattern as people count.

    `promised` are files that unfinished jobs will write. May block.

    Raises:
        RequestFailed: something named is not there or cannot be read, or nothing is left.
    """
    found = list(dict.fromkeys(file for name in named for file in _files(name, kind, promised)))
    files = [file for file in found if _is_text(file)]
    left_out = tuple(_left_out(file) for file in found if not _is_text(file))
    if left_out and not files:
        raise RequestFailed(left_out[0].problem)
    if len(files) > MOST:
        raise RequestFailed(
            Problem("Too many inputs", f"These are {len(files):,} files, over {MOST:,}.", "Divide them over jobs.")
        )
    return Expanded(tuple(files), left_out)


def _left_out(file: str) -> SourceProblem:
    """File systems allow names that are no text: no job, message or log can hold them."""
    legible = os.fsencode(file).decode(errors="backslashreplace")
    problem = Problem("Name unreadable", f"The name of {legible} is no UTF-8.", "Rename it, and submit it then.")
    return SourceProblem(legible, problem)


def outputs_for(files: tuple[str, ...], output: str, kind: Kind, writes: str = "") -> tuple[str, ...]:
    """The files that a job writes: `output`, or one in that folder for each input, named after it.

    `writes` is the suffix of those in a folder, where it is not as the kind has it.

    Raises:
        RequestFailed: two inputs would write the same file, or the kind writes no files of that name.
    """
    # One place has one name, so that no two jobs write there.
    folder = os.path.realpath(os.path.dirname(output))
    if not output.endswith("/"):
        _check_form(output, kind)
        return (os.path.join(folder, os.path.basename(output)),)
    made: dict[str, str] = {}
    for file in files:
        name = os.path.join(folder, Path(file).stem + (writes or kind.writes))
        if name in made:
            raise RequestFailed(
                Problem("Same name twice", f"{made[name]} and {file} would both write {name}.", "Submit them apart.")
            )
        made[name] = file
    return tuple(made)


def _check_form(output: str, kind: Kind) -> None:
    if kind.forms and Path(output).suffix.lower() not in kind.forms:
        raise RequestFailed(
            Problem(
                "Unknown form",
                f"The name of {output} does not say in which form {kind.name} is to write it.",
                f"Name a file that ends in {', '.join(kind.forms[:-1])} or {kind.forms[-1]}.",
            )
        )


def _files(name: str, kind: Kind, promised: Collection[str]) -> list[str]:
    if (real := os.path.realpath(name)) in promised:
        return [real]
    if os.path.isdir(name):
        found = [str(path) for path in Path(name).iterdir() if path.suffix.lower() in kind.reads and path.is_file()]
        why = f"{name} holds no file that {kind.name} reads ({', '.join(kind.reads)})."
    elif glob.has_magic(name) and not os.path.lexists(name):
        found = [path for path in glob.glob(name, recursive=True) if os.path.isfile(path)]
        why = f"Nothing matches {name}."
    else:
        found, why = [name], ""
    if not found:
        raise RequestFailed(Problem("No input", why, "Check the path; it is looked up on the supervisor's machine."))
    for file in found:
        if not _is_text(file):
            continue
        if not os.path.isfile(file) or not os.access(file, os.R_OK):
            raise RequestFailed(
                Problem("Input unreadable", f"{file} is no file that can be read.", "Check the path and its rights.")
            )
    return sorted(found, key=_as_people_count)


def _is_text(path: str) -> bool:
    """Whether it can be written down."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_people_count(path: str) -> list[tuple[int, str]]:
    """`part 2` comes before `part 10`."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", path)]
