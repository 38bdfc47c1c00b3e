"""The shape of tables: only what is known, and each value of a type that it may have. What is wrong says where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from config.errors import BadConfig, did_you_mean
from config.toml_file import TomlFile, expanded
from ipc.errors import Problem
from ipc.snapshot import Scalar


def only_known(file: TomlFile, label: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises BadConfig: a key of the table is none of these."""
    for key in table:
        if key not in known:
            where = file.where(label, key) if label else file.where(key)
            raise BadConfig(Problem("Unknown key", f"{where}: nothing is named {key!r}.", did_you_mean(key, known)))


def table_of(file: TomlFile, label: str, value: Any) -> dict[str, Any]:
    """The value, which must be a table. Raises BadConfig."""
    if isinstance(value, dict):
        return value
    raise BadConfig(
        Problem("Not a table", f"{file.path}: {label} = {value!r} is a value.", f"Write a table: [{label}].")
    )


def scalar(file: TomlFile, label: str, key: str, value: Any, environ: Mapping[str, str]) -> Scalar:
    """The value, its references expanded. Raises BadConfig: it is a list or a table."""
    if isinstance(value, str):
        return expanded(value, environ, f"{file.where(label, key)}, {key}")
    if isinstance(value, bool | int | float):
        return value
    raise BadConfig(wrong(file, label, key, value, "text, a number, true or false"))


def wrong(file: TomlFile, label: str, key: str, value: Any, takes: str) -> Problem:
    """A value that is no good; `takes` are words for those that are."""
    return Problem("Bad value", f"{file.where(label, key)}: {key} = {value!r}.", f"{key} takes {takes}.")
