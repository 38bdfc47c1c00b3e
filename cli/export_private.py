"""What a bug report may tell strangers: names of files but not where they lie, and nothing that may quote a prompt.

Paths are cut to their last component. What stands in quotes becomes `'…'` unless it is a single word such as `'n_ctx'`:
an engine's log or a problem may quote what it was given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import TypeAlias

from ipc.snapshot import Json

Scrub: TypeAlias = Callable[[Json], Json]

_NO_PATH = r"\s'\"`“”:,;()\[\]{}<>|"
_REST = rf"(?:/[^/{_NO_PATH}]+)*/?"
_ANY_PATH = rf"(?:(?<![\w:/.~*…-])|(?<=file://))~?/[^/{_NO_PATH}]+{_REST}"
_QUOTED = re.compile(
    r"""(?<!\w)[bBfFrRuU]{0,2}(?:
        "((?:[^"\\\n]|\\.?)*)(?:"|$)
      | '((?:[^'\\\n]|\\.?|'(?=\w))*)(?:'|$)
      | “([^”\n]*)(?:”|$)
      | `([^`\n]*)(?:`|$)
    )""",
    re.MULTILINE | re.VERBOSE,
)
_HARMLESS = re.compile(r"[\w.<>-]{0,40}|engineroom .*")
_PATHS = frozenset({"inputs", "output", "where", "name", "unit", "socket", "state_folder", "path"})
_VALUES = frozenset({"value", "default"})


def scrubber(paths: Iterable[str]) -> Scrub:
    """A function that takes out of a document what only its owner may know.

    `paths` are known ones: they and their folders are recognised in any text, even with spaces in them.
    """
    known = {str(one) for path in paths for one in (PurePosixPath(path), *PurePosixPath(path).parents)} - {"/", "."}
    longest_first = sorted(known, key=len, reverse=True)
    any_path = re.compile("|".join([*(rf"{re.escape(one)}(?!\w){_REST}" for one in longest_first), _ANY_PATH]))

    def scrub(value: Json, name: str = "") -> Json:
        match value:
            case str() if name in _PATHS or (name in _VALUES and value.startswith(("/", "~/"))):
                return _last(value)
            case str():
                return _QUOTED.sub(_unquoted, any_path.sub(lambda found: _last(found[0]), value))
            case list():
                return [scrub(one, name) for one in value]
            case dict() if name == "settings":
                return {key: scrub(one, "value") for key, one in value.items()}
            case dict():
                return {key: scrub(one, key) for key, one in value.items()}
            case _:
                return value

    return scrub


def _last(path: str) -> str:
    """The last component, with whatever follows it."""
    return path.rstrip("/").rpartition("/")[2] or path


def _unquoted(found: re.Match[str]) -> str:
    quote = found[0].lstrip("bBfFrRuU")[0]
    inner = next(group for group in found.groups() if group is not None)
    return found[0] if _HARMLESS.fullmatch(inner) else f"{quote}…{'”' if quote == '“' else quote}"
