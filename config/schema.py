"""What a configuration file may say: the house's tables and one `[engine.NAME]` per engine."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from config.errors import BadConfig, did_you_mean
from config.house import HeatSettings, JobSettings, MemorySettings, SupervisorSettings
from config.toml_file import TomlFile, expanded
from config.units import BadUnit, amount
from engines.catalog import KINDS
from ipc.errors import Problem
from ipc.snapshot import Scalar

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
S = TypeVar("S", bound=Struct)
RESERVED = ("kind", "autostart", "python")
"""The keys of an engine's table that are no settings of its kind."""


class Entry(Struct, frozen=True):
    """One setting as written, and where."""

    value: Scalar
    where: str


class EngineTable(Struct, frozen=True, kw_only=True):
    """One `[engine.NAME]` table: which kind, and that kind's settings as written."""

    name: str
    kind: str
    autostart: bool
    python: str | None
    settings: dict[str, Entry]


class File(Struct, frozen=True):
    """A whole configuration file."""

    path: Path
    supervisor: SupervisorSettings
    memory: MemorySettings
    heat: HeatSettings
    jobs: JobSettings
    engines: tuple[EngineTable, ...]


def parse(file: TomlFile, environ: Mapping[str, str]) -> File:
    """Check the shape of a file and expand its references; settings are checked later, layer by layer.

    Raises:
        BadConfig
    """
    _only_known(file, "", file.tables, ("supervisor", "memory", "heat", "jobs", "engine"))
    engines = _table(file, "engine", file.tables.get("engine", {}))
    return File(
        file.path,
        _house(file, "supervisor", SupervisorSettings, environ),
        _house(file, "memory", MemorySettings, environ),
        _house(file, "heat", HeatSettings, environ),
        _house(file, "jobs", JobSettings, environ),
        tuple(_engine(file, name, table, environ) for name, table in engines.items()),
    )


def _house(file: TomlFile, name: str, kind: type[S], environ: Mapping[str, str]) -> S:
    table = _table(file, name, file.tables.get(name, {}))
    _only_known(file, name, table, kind.__struct_fields__)
    values = {key: _in_unit(file, name, kind, key, _scalar(file, name, key, table[key], environ)) for key in table}
    for key, value in values.items():
        try:
            msgspec.convert({key: value}, kind)
        except msgspec.ValidationError as error:
            detail = str(error).split(" - at ")[0]
            raise BadConfig(
                Problem(
                    "Bad value",
                    f"{file.where(name, key)}: {key} = {value!r}: {detail[0].lower()}{detail[1:]}.",
                    "engineroom config schema lists what it takes.",
                )
            ) from error
    return msgspec.convert(values, kind)


def _in_unit(file: TomlFile, name: str, kind: type[Struct], key: str, value: Scalar) -> Scalar:
    """`300 MiB` as a number, where the setting declares a unit."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    declared = next(field.type for field in info.fields if field.name == key)
    unit = (declared.extra_json_schema or {}).get("unit", "") if isinstance(declared, msgspec.inspect.Metadata) else ""
    try:
        return amount(value, unit)
    except BadUnit as error:
        raise BadConfig(
            Problem("Bad value", f"{file.where(name, key)}: {key} = {value!r}: {error.why}.", f"Write {error.write}.")
        ) from error


def _engine(file: TomlFile, name: str, raw: Any, environ: Mapping[str, str]) -> EngineTable:
    label = f"engine.{name}"
    table = _table(file, label, raw)
    if not NAME.fullmatch(name) or name == "supervisor":
        raise BadConfig(
            Problem(
                "Bad engine name",
                f"{file.where(label)}: {name!r} cannot name an engine.",
                "Use a lower-case letter, then up to 31 letters, digits, - or _; 'supervisor' is taken.",
            )
        )
    values = {key: _scalar(file, label, key, value, environ) for key, value in table.items()}
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        said = "says no kind" if kind is None else f"is of unknown kind {kind!r}"
        hint = f"Write kind = one of {', '.join(map(repr, KINDS))}."
        if isinstance(kind, str):
            hint = did_you_mean(kind, KINDS)
        raise BadConfig(Problem("Unknown kind", f"{file.where(label, 'kind' if kind else '')} {said}.", hint))
    autostart, python = values.pop("autostart", False), values.pop("python", None)
    if not isinstance(autostart, bool):
        raise BadConfig(_wrong(file, label, "autostart", autostart, "true or false, without quotes"))
    if not (python is None or (isinstance(python, str) and Path(python).is_absolute())):
        raise BadConfig(_wrong(file, label, "python", python, "the absolute path of a Python interpreter"))
    settings = {key: Entry(value, file.where(label, key)) for key, value in values.items()}
    return EngineTable(name=name, kind=kind, autostart=autostart, python=python, settings=settings)


def _only_known(file: TomlFile, label: str, table: dict[str, Any], known: Collection[str]) -> None:
    for key in table:
        if key not in known:
            where = file.where(label, key) if label else file.where(key)
            raise BadConfig(Problem("Unknown key", f"{where}: nothing is named {key!r}.", did_you_mean(key, known)))


def _table(file: TomlFile, label: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise BadConfig(
        Problem("Not a table", f"{file.path}: {label} = {value!r} is a value.", f"Write a table: [{label}].")
    )


def _scalar(file: TomlFile, label: str, key: str, value: Any, environ: Mapping[str, str]) -> Scalar:
    if isinstance(value, str):
        return expanded(value, environ, f"{file.where(label, key)}, {key}")
    if isinstance(value, bool | int | float):
        return value
    raise BadConfig(_wrong(file, label, key, value, "text, a number, true or false"))


def _wrong(file: TomlFile, label: str, key: str, value: Any, takes: str) -> Problem:
    return Problem("Bad value", f"{file.where(label, key)}: {key} = {value!r}.", f"{key} takes {takes}.")
