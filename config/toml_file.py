"""One TOML file as text, tables and line numbers, with `${env.NAME}` and a leading `~/` expanded."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from config.errors import BadConfig
from ipc.errors import Problem

LIMIT_BYTES = 1024 * 1024
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"env\.([A-Za-z_][A-Za-z0-9_]*)")


class TomlFile(Struct, frozen=True):
    """What was read. `tables` is as written; values are expanded one by one, so that an error can name its key."""

    path: Path
    text: str
    tables: dict[str, Any]

    def where(self, table: str, key: str = "") -> str:
        """`/etc/engineroom.toml, line 7, [engine.writer]`; without the line where it cannot be told."""
        line = line_of(self.text, table, key)
        place = f"{self.path}, line {line}" if line else f"{self.path}"
        return f"{place}, [{table}]" if table else place


def read_toml(path: Path) -> TomlFile:
    """Read and parse.

    Raises:
        BadConfig: missing, unreadable, not text, larger than 1 MiB, or not TOML.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise BadConfig(
            Problem("No configuration", f"{path}: {error.strerror}.", "Name another file with --config FILE.")
        ) from error
    if len(raw) > LIMIT_BYTES:
        raise BadConfig(Problem("Not a configuration", f"{path} is larger than 1 MiB.", "Name another file."))
    try:
        text = raw.decode()
        return TomlFile(path, text, tomllib.loads(text))
    except UnicodeDecodeError as error:
        raise BadConfig(
            Problem("Not a configuration", f"{path} is not UTF-8 text at byte {error.start}.", "Save it as UTF-8.")
        ) from error
    except tomllib.TOMLDecodeError as error:
        detail = str(error)[0].lower() + str(error)[1:]
        raise BadConfig(
            Problem("Not TOML", f"{path}: {detail}.", "Text needs quotes; a table looks like [engine.writer].")
        ) from error


def expanded(value: str, environ: Mapping[str, str], where: str) -> str:
    """`value` with each `${env.NAME}` replaced and a leading `~/` made the home folder.

    Raises:
        BadConfig: NAME is unset, or another `${…}` is written.
    """

    def replace(reference: re.Match[str]) -> str:
        name = _NAME.fullmatch(reference[1])
        if name is None:
            raise BadConfig(
                Problem(
                    "Unknown reference", f"{where}: {reference[0]} means nothing here.", "Only ${env.NAME} is known."
                )
            )
        if name[1] not in environ:
            raise BadConfig(
                Problem(
                    "Variable not set",
                    f"{where}: the environment has no {name[1]}.",
                    f"Set it (export {name[1]}=…) or write the value instead of {reference[0]}.",
                )
            )
        return environ[name[1]]

    value = _REFERENCE.sub(replace, value)
    return str(Path(value).expanduser()) if value.startswith("~/") else value


def line_of(text: str, table: str, key: str) -> int | None:
    """The line where `key` of `table` is written (its header when `key` is empty), counted from 1.

    Good for tables written as `[table]`; inline tables and quoted keys give None.
    """
    inside = table == ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            inside = re.sub(r"\s", "", stripped.split("#")[0]) in (f"[{table}]", f"[[{table}]]")
            if inside and not key:
                return number
        elif inside and key and re.match(rf"{re.escape(key)}\s*[=.]", stripped):
            return number
    return None
