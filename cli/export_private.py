"""What a bug report may tell strangers: names of files but not where they lie, and nothing that may quote a prompt.

Paths are cut to their last component. What stands in quotes becomes `'…'` unless it is a single word such as `'n_ctx'`:
an engine's log or a problem may quote what it was given. What a setting such as `prompt` holds becomes `…` everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import TypeAlias

from engines.catalog import KINDS
from engines.settings import content_names
from ipc.snapshot import Json, Scalar

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
CONTENT = frozenset[str]().union(*(content_names(kind.settings) for kind in KINDS.values()))
_HIDDEN = "…"
_SHORTEST = 3
"""Characters; a shorter text is in too many others to be looked for."""


def words_in(settings: Mapping[str, Scalar]) -> Iterator[str]:
    """What is in those settings that hold words of their owner."""
    return (value for name, value in settings.items() if name in CONTENT and isinstance(value, str))


def scrubber(paths: Iterable[str], words: Iterable[str] = ()) -> Scrub:
    """A function that takes out of a document what only its owner may know.

    `paths` are known ones: they and their folders are recognised in any text, even with spaces in them. So are `words`,
    whole or a line of them.
    """
    known = {str(one) for path in paths for one in (PurePosixPath(path), *PurePosixPath(path).parents)} - {"/", "."}
    longest_first = sorted(known, key=len, reverse=True)
    any_words = _any_of(words)
    any_path = re.compile("|".join([*(rf"{re.escape(one)}(?!\w){_REST}" for one in longest_first), _ANY_PATH]))

    def scrub(value: Json, name: str = "") -> Json:
        match value:
            case str() if any_words is not None and any_words.search(value):
                return scrub(any_words.sub(_HIDDEN, value), name)
            case str() if name in _PATHS or (name in _VALUES and value.startswith(("/", "~/"))):
                return _last(value)
            case str():
                return _QUOTED.sub(_unquoted, any_path.sub(lambda found: _last(found[0]), value))
            case list():
                return [scrub(one, name) for one in value]
            case dict() if name in ("settings", "own"):
                return {key: _hidden(one) if key in CONTENT else scrub(one, "value") for key, one in value.items()}
            case dict() if value.get("name") in CONTENT:
                return {key: _hidden(one) if key in _VALUES else scrub(one, key) for key, one in value.items()}
            case dict():
                return {key: scrub(one, key) for key, one in value.items()}
            case _:
                return value

    return scrub


def _any_of(words: Iterable[str]) -> re.Pattern[str] | None:
    lines = {line.strip() for text in words for line in (text, *text.splitlines())}
    longest_first = sorted((line for line in lines if len(line) >= _SHORTEST), key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(line)}(?!\w)" for line in longest_first)) if longest_first else None


def _hidden(value: Json) -> Json:
    return _HIDDEN if isinstance(value, str) and value else value


def _last(path: str) -> str:
    """The last component, with whatever follows it."""
    return path.rstrip("/").rpartition("/")[2] or path


def _unquoted(found: re.Match[str]) -> str:
    quote = found[0].lstrip("bBfFrRuU")[0]
    inner = next(group for group in found.groups() if group is not None)
    return found[0] if _HARMLESS.fullmatch(inner) else f"{quote}…{'”' if quote == '“' else quote}"
