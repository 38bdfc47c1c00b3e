"""The configuration in force: layers laid over each other, each value's layer known.

From the strongest: flag · environment (`ENGINEROOM_ENGINE_<NAME>_<SETTING>`) · set at run time · file · default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from config.environment import from_environment
from config.errors import BadConfig, did_you_mean
from config.house import HeatSettings, JobSettings, MemorySettings, SupervisorSettings
from config.overrides import Overrides, read_overrides
from config.paths import config_candidates, set_path
from config.pools import Pool
from config.schema import EngineTable, Entry, File, parse
from config.toml_file import read_toml
from config.units import BadUnit, amount
from engines.catalog import KINDS
from engines.settings import EngineSettings, knobs_of, with_changes
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Scalar

Layer: TypeAlias = Literal["default", "file", "set", "environment", "flag"]
DEFAULT_ENGINE = EngineTable(name="writer", kind="llm", preload=False, python=None, settings={})
NO_FILE = File(Path(), SupervisorSettings(), MemorySettings(), HeatSettings(), JobSettings(), (DEFAULT_ENGINE,))
"""What there is with no file at all: the miniature language model."""


class Origin(Struct, frozen=True):
    """Which layer a value comes from, and where exactly: a file and line, or a variable's name."""

    layer: Layer
    where: str


class EngineConfig(Struct, frozen=True):
    """One engine. `declared` is what its settings would be had nothing been set at run time.

    `python` is the interpreter of its environment, None for the supervisor's own; `origins` has every setting.
    """

    name: str
    kind: str
    settings: EngineSettings
    declared: EngineSettings
    preload: bool
    python: str | None
    origins: dict[str, Origin]


class Config(Struct, frozen=True):
    """All of it. `warnings` are values set at run time that no longer fit and were left out."""

    file: Path | None
    supervisor: SupervisorSettings
    memory: MemorySettings
    heat: HeatSettings
    jobs: JobSettings
    engines: tuple[EngineConfig, ...]
    warnings: tuple[Problem, ...]
    pools: tuple[Pool, ...] = ()

    def engine(self, name: str) -> EngineConfig:
        """The engine of that name. Raises RequestFailed with the nearest one."""
        for engine in self.engines:
            if engine.name == name:
                return engine
        raise RequestFailed(
            Problem("Unknown engine", f"There is no engine {name!r}.", did_you_mean(name, self._names()))
        )

    def _names(self) -> Iterable[str]:
        return (engine.name for engine in self.engines)


def find_file(flag: str | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The configuration file to use, absolute: the one told by flag or `$ENGINEROOM_CONFIG` (even when missing, so
    that `load` complains), else the first candidate that exists, else None."""
    if flag:
        return cwd / Path(flag).expanduser()
    candidates = config_candidates(environ, cwd)
    if len(candidates) == 1:
        return candidates[0]
    return next((path for path in candidates if path.is_file()), None)


def load(
    *,
    file: Path | None,
    state: Path,
    environ: Mapping[str, str],
    flags: Mapping[str, Mapping[str, Scalar]] | None = None,
) -> Config:
    """The configuration of the supervisor whose state folder is `state`; `flags` are by engine, then by setting.

    Raises:
        BadConfig: what is written cannot be used; says file, line and key, or the variable, and the way out.
    """
    told = NO_FILE if file is None else parse(read_toml(file), environ)
    kinds = {table.name: table.kind for table in told.engines}
    variables = from_environment(environ, kinds)
    flagged = _from_flags(flags or {}, kinds)
    overrides = read_overrides(set_path(state))
    warnings: list[Problem] = []
    engines = tuple(_engine(table, variables, flagged, overrides, state, warnings) for table in told.engines)
    return Config(file, told.supervisor, told.memory, told.heat, told.jobs, engines, tuple(warnings), told.pools)


def _engine(
    table: EngineTable,
    variables: Mapping[str, Mapping[str, Entry]],
    flagged: Mapping[str, Mapping[str, Entry]],
    overrides: Overrides,
    state: Path,
    warnings: list[Problem],
) -> EngineConfig:
    defaults = KINDS[table.kind].settings()
    origins = {knob.name: Origin("default", "") for knob in knobs_of(defaults)}
    settings = declared = defaults
    layers: tuple[tuple[Layer, Mapping[str, Entry]], ...] = (
        ("file", table.settings),
        ("set", _from_set(overrides, table.name, state)),
        ("environment", variables.get(table.name, {})),
        ("flag", flagged.get(table.name, {})),
    )
    for layer, entries in layers:
        for name, entry in entries.items():
            try:
                settings = with_entry(settings, name, entry)
            except BadConfig as error:
                if layer != "set":
                    raise
                warnings.append(error.problem)
                continue
            origins[name] = Origin(layer, entry.where)
            if layer != "set":
                declared = with_entry(declared, name, entry)
    return EngineConfig(table.name, table.kind, settings, declared, table.preload, table.python, origins)


def with_entry(settings: EngineSettings, name: str, entry: Entry) -> EngineSettings:
    """`settings` with one value laid over it; amounts may be text such as `5m`.

    Raises:
        BadConfig
    """
    units = {knob.name: knob.unit for knob in knobs_of(settings)}
    try:
        return with_changes(settings, {name: amount(entry.value, units.get(name, ""))}, entry.where)
    except RequestFailed as error:
        raise BadConfig(error.problem) from error
    except BadUnit as error:
        raise BadConfig(
            Problem("Bad value", f"{entry.where}: {name} = {entry.value!r}: {error.why}.", f"Write {error.write}.")
        ) from error


def _from_set(overrides: Overrides, engine: str, state: Path) -> dict[str, Entry]:
    where = f"{set_path(state)} (set at run time), {engine}"
    return {name: Entry(value, where) for name, value in overrides.get(engine, {}).items()}


def _from_flags(flags: Mapping[str, Mapping[str, Scalar]], kinds: Mapping[str, str]) -> dict[str, dict[str, Entry]]:
    for engine in flags:
        if engine not in kinds:
            raise BadConfig(
                Problem("Unknown engine", f"A flag names the engine {engine!r}.", did_you_mean(engine, kinds))
            )
    return {
        engine: {name: Entry(value, f"the flag {engine}.{name}") for name, value in changes.items()}
        for engine, changes in flags.items()
    }
