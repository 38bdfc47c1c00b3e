"""What a configuration file may say: the house's tables, one `[engine.NAME]` per engine, one `[pool.NAME]` per pool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from config.errors import BadConfig, did_you_mean
from config.house import HeatSettings, JobSettings, MemorySettings, SupervisorSettings
from config.names import NAME
from config.pool_tables import read_pools
from config.pools import Pool
from config.tables import only_known, scalar, table_of, wrong
from config.toml_file import TomlFile
from config.units import BadUnit, amount
from engines.catalog import KINDS
from ipc.errors import Problem
from ipc.snapshot import Scalar

S = TypeVar("S", bound=Struct)
RESERVED = ("kind", "preload", "python")
"""The keys of an engine's table that are no settings of its kind."""


class Entry(Struct, frozen=True):
    """One setting as written, and where."""

    value: Scalar
    where: str


class EngineTable(Struct, frozen=True, kw_only=True):
    """One `[engine.NAME]` table: which kind, and that kind's settings as written."""

    name: str
    kind: str
    preload: bool
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
    pools: tuple[Pool, ...] = ()


def parse(file: TomlFile, environ: Mapping[str, str]) -> File:
    """Check the shape of a file and expand its references; settings are checked later, layer by layer.

    Raises:
        BadConfig
    """
    only_known(file, "", file.tables, ("supervisor", "memory", "heat", "jobs", "engine", "pool"))
    raw = table_of(file, "engine", file.tables.get("engine", {}))
    engines = tuple(_engine(file, name, table, environ) for name, table in raw.items())
    return File(
        file.path,
        _house(file, "supervisor", SupervisorSettings, environ),
        _house(file, "memory", MemorySettings, environ),
        _house(file, "heat", HeatSettings, environ),
        _house(file, "jobs", JobSettings, environ),
        engines,
        read_pools(file, {engine.name: engine.kind for engine in engines}, environ),
    )


def _house(file: TomlFile, name: str, kind: type[S], environ: Mapping[str, str]) -> S:
    table = table_of(file, name, file.tables.get(name, {}))
    only_known(file, name, table, kind.__struct_fields__)
    values = {key: _in_unit(file, name, kind, key, scalar(file, name, key, table[key], environ)) for key in table}
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
    table = table_of(file, label, raw)
    if not NAME.fullmatch(name) or name == "supervisor":
        raise BadConfig(
            Problem(
                "Bad engine name",
                f"{file.where(label)}: {name!r} cannot name an engine.",
                "Use a lower-case letter, then up to 31 letters, digits, - or _; 'supervisor' is taken.",
            )
        )
    values = {key: scalar(file, label, key, value, environ) for key, value in table.items()}
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        said = "says no kind" if kind is None else f"is of unknown kind {kind!r}"
        hint = f"Write kind = one of {', '.join(map(repr, KINDS))}."
        if isinstance(kind, str):
            hint = did_you_mean(kind, KINDS)
        raise BadConfig(Problem("Unknown kind", f"{file.where(label, 'kind' if kind else '')} {said}.", hint))
    preload, python = values.pop("preload", False), values.pop("python", None)
    if not isinstance(preload, bool):
        raise BadConfig(wrong(file, label, "preload", preload, "true or false, without quotes"))
    if not (python is None or (isinstance(python, str) and Path(python).is_absolute())):
        raise BadConfig(wrong(file, label, "python", python, "the absolute path of a Python interpreter"))
    settings = {key: Entry(value, file.where(label, key)) for key, value in values.items()}
    return EngineTable(name=name, kind=kind, preload=preload, python=python, settings=settings)
