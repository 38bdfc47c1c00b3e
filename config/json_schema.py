"""The JSON schema of a configuration file, drawn from the declared settings of every kind; editors read it."""

from __future__ import annotations

from typing import Any

import msgspec

from config.house import HeatSettings, JobSettings, MemorySettings, SupervisorSettings
from config.names import NAME
from config.pool_tables import LANGUAGE
from engines.catalog import KINDS, Kind
from engines.settings import knobs_of
from ipc.snapshot import Knob

_REFERENCE = {"type": "string", "pattern": r"\$\{env\.[A-Za-z_][A-Za-z0-9_]*\}"}
_AMOUNTS = {
    "seconds": {"type": "string", "pattern": r"^(\s*\d+(\.\d+)?\s*(ms|s|m|min|h|d)\s*)+$"},
    "bytes": {"type": "string", "pattern": r"^(\s*\d+(\.\d+)?\s*([kKMGT]i?)?B\s*)+$"},
}
_ROUTE = {"type": "string", "pattern": r"^[^<]+(<[^<]+<[^<]+)*$"}


def json_schema() -> dict[str, Any]:
    """The whole schema, of draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "engineroom.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "supervisor": {**_house(SupervisorSettings), "description": "the supervisor itself"},
            "memory": {**_house(MemorySettings), "description": "how memory is given out and got back"},
            "heat": {**_house(HeatSettings), "description": "when GPUs are too warm to begin more work"},
            "jobs": {**_house(JobSettings), "description": "how long finished jobs are kept, and engines take turns"},
            "engine": {
                "type": "object",
                "description": "one table per engine: [engine.NAME]",
                "propertyNames": {"pattern": f"^{NAME.pattern}$", "not": {"const": "supervisor"}},
                "additionalProperties": {
                    "type": "object",
                    "required": ["kind"],
                    "properties": {"kind": {"enum": list(KINDS)}},
                    "allOf": [
                        {
                            "if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]},
                            "then": {"$ref": f"#/$defs/{kind.name}"},
                        }
                        for kind in KINDS.values()
                    ],
                },
            },
            "pool": {
                "type": "object",
                "description": "one name over several engines of a kind: [pool.NAME]",
                "propertyNames": {"pattern": f"^{NAME.pattern}$", "not": {"const": "supervisor"}},
                "additionalProperties": _pool(),
            },
        },
        "$defs": {kind.name: _kind(kind) for kind in KINDS.values()},
    }


def _house(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """A table of the house, with text amounts where they are understood."""
    definition = _definition(struct)
    for name, declared in definition["properties"].items():
        unit = declared.pop("unit", "")
        if unit in _AMOUNTS:
            about = {key: declared.pop(key) for key in ("description", "default") if key in declared}
            definition["properties"][name] = {"anyOf": [declared, _AMOUNTS[unit], _REFERENCE], **about}
    return definition


def _pool() -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["route"],
        "properties": {
            "route": {
                **_ROUTE,
                "description": "which engine for recordings of which length: engines with bounds between them, such as "
                "`small < 30s < medium < 10m < large`; several engines share their work: `a b < 30s < c`",
            },
            "languages": {
                "type": "object",
                "description": 'routes of their own, by language: fr = "small < 20s < french"',
                "propertyNames": {"pattern": f"^{LANGUAGE.pattern}$"},
                "additionalProperties": _ROUTE,
            },
            "budget": {
                "anyOf": [{"type": "integer", "minimum": 1}, _AMOUNTS["bytes"], _REFERENCE],
                "description": "what its engines may hold together of GPUs, or of the host where they are on none: "
                "before one is loaded beyond that, idle ones are unloaded; unit: bytes",
            },
        },
    }


def _kind(kind: Kind) -> dict[str, Any]:
    declared = _definition(kind.settings)["properties"]
    return {
        "title": kind.name,
        "description": kind.summary,
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "kind": {"const": kind.name},
            "preload": {
                "type": "boolean",
                "default": False,
                "description": "make it ready when the supervisor starts, not only when work wants it",
            },
            "python": {
                "type": "string",
                "description": "the Python interpreter of the environment this engine runs in; absolute",
            },
            **{knob.name: _setting(knob, declared[knob.name]) for knob in knobs_of(kind.settings())},
        },
    }


def _setting(knob: Knob, declared: dict[str, Any]) -> dict[str, Any]:
    """The declaration, with text amounts and references allowed where the loader takes them."""
    about = {"description": _sentence(knob), "default": knob.default}
    shape = {name: value for name, value in declared.items() if name not in ("description", "default")}
    if shape == {"type": "string"}:
        return {**shape, **about}
    others = [_AMOUNTS[knob.unit]] if knob.unit in _AMOUNTS else []
    return {"anyOf": [shape, *others, _REFERENCE], **about}


def _sentence(knob: Knob) -> str:
    parts = [knob.help, f"unit: {knob.unit}" if knob.unit else "", f"a change applies: {knob.applies}"]
    return "; ".join(part for part in parts if part)


def _definition(struct: type[msgspec.Struct]) -> dict[str, Any]:
    (_,), components = msgspec.json.schema_components([struct])
    definition: dict[str, Any] = dict(components[struct.__name__])
    definition.pop("title", None)
    return definition
