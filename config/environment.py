"""The environment as a layer: `ENGINEROOM_ENGINE_WRITER_N_CTX=2048` sets `n_ctx` of the engine `writer`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from config.errors import BadConfig
from config.schema import Entry
from engines.catalog import KINDS
from engines.settings import knobs_of
from ipc.errors import Problem

PREFIX = "ENGINEROOM_ENGINE_"


def variable(engine: str, setting: str) -> str:
    """The variable's name: upper case, `-` as `_`."""
    return f"{PREFIX}{engine}_{setting}".upper().replace("-", "_")


def from_environment(environ: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, dict[str, Entry]]:
    """What the environment says, by engine, then by setting; `kinds` maps the engines' names to their kinds.

    Raises:
        BadConfig: a variable with our prefix that names no setting, or the settings of two engines.
    """
    meant: dict[str, list[tuple[str, str]]] = {}
    for engine, kind in kinds.items():
        for knob in knobs_of(KINDS[kind].settings()):
            meant.setdefault(variable(engine, knob.name), []).append((engine, knob.name))
    found: dict[str, dict[str, Entry]] = {}
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        match meant.get(name, []):
            case [(engine, setting)]:
                found.setdefault(engine, {})[setting] = Entry(environ[name], name)
            case []:
                near = difflib.get_close_matches(name, meant, n=1)
                raise BadConfig(
                    Problem(
                        "Unknown variable",
                        f"The environment sets {name}, which names no setting of an engine here.",
                        f"Did you mean {near[0]}?" if near else f"Unset it, or write {PREFIX}<ENGINE>_<SETTING>.",
                    )
                )
            case several:
                both = " and ".join(f"{setting} of {engine}" for engine, setting in several)
                raise BadConfig(
                    Problem("Ambiguous variable", f"{name} means {both}.", "Write the value in the configuration file.")
                )
    return found
