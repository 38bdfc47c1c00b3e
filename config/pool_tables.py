"""`[pool.NAME]` tables: what is written becomes pools, or a sentence that says where it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from config.errors import BadConfig
from config.names import NAME
from config.pools import BadRoute, Pool, Route, kind_of, parse_route
from config.tables import only_known, scalar, table_of, wrong
from config.toml_file import TomlFile
from config.units import amount
from ipc.errors import Problem

KEYS = ("route", "languages", "budget")
LANGUAGE = re.compile(r"[a-z]{2,3}")


def read_pools(file: TomlFile, kinds: Mapping[str, str], environ: Mapping[str, str]) -> tuple[Pool, ...]:
    """The pools of a file whose engines are of these kinds. Raises BadConfig."""
    pools = table_of(file, "pool", file.tables.get("pool", {}))
    return tuple(_pool(file, name, table_of(file, f"pool.{name}", raw), kinds, environ) for name, raw in pools.items())


def _pool(
    file: TomlFile, name: str, table: Mapping[str, Any], kinds: Mapping[str, str], environ: Mapping[str, str]
) -> Pool:
    label = f"pool.{name}"
    _check_name(file, label, name, kinds)
    only_known(file, label, table, KEYS)
    if "route" not in table:
        hint = 'Write route = "ENGINE < 30s < ENGINE".'
        raise BadConfig(Problem("No route", f"{file.where(label)} has no route.", hint))
    route = _route(file, label, "route", table["route"], kinds, environ)
    within = f"{label}.languages"
    told = table_of(file, within, table.get("languages", {}))
    for language in told:
        if not LANGUAGE.fullmatch(language):
            where = file.where(within, language)
            raise BadConfig(
                Problem("Bad language", f"{where}: {language!r} is no language.", "Write its code, such as en or fr.")
            )
    languages = {language: _route(file, within, language, text, kinds, environ) for language, text in told.items()}
    pool = Pool(name, kinds[route.engines[0]], route, languages, _budget(file, label, table.get("budget"), environ))
    try:
        kind_of(pool.members, kinds)
    except BadRoute as error:
        raise BadConfig(Problem("Bad route", f"{file.where(within)}: {error.why}.", error.hint)) from error
    return pool


def _budget(file: TomlFile, label: str, value: Any, environ: Mapping[str, str]) -> int | None:
    if value is None:
        return None
    takes = "more than 0 bytes as a number, or text such as '500 MB' or '12 GiB'"
    try:
        told = amount(scalar(file, label, "budget", value, environ), "bytes")
        count = int(told) if isinstance(told, str) else told
    except ValueError:
        count = None
    if isinstance(count, bool) or not isinstance(count, int) or count <= 0:
        raise BadConfig(wrong(file, label, "budget", value, takes))
    return count


def _check_name(file: TomlFile, label: str, name: str, kinds: Mapping[str, str]) -> None:
    if not NAME.fullmatch(name) or name == "supervisor":
        raise BadConfig(
            Problem(
                "Bad pool name",
                f"{file.where(label)}: {name!r} cannot name a pool.",
                "Use a lower-case letter, then up to 31 letters, digits, - or _; 'supervisor' is taken.",
            )
        )
    if name in kinds:
        hint = "Give the pool another name: jobs and requests name either."
        raise BadConfig(Problem("Name taken", f"{file.where(label)}: an engine is named {name}.", hint))


def _route(
    file: TomlFile, label: str, key: str, value: Any, kinds: Mapping[str, str], environ: Mapping[str, str]
) -> Route:
    text = scalar(file, label, key, value, environ)
    if not isinstance(text, str):
        raise BadConfig(wrong(file, label, key, value, 'a route, such as "small < 30s < medium"'))
    try:
        return parse_route(text, kinds)
    except BadRoute as error:
        detail = f"{file.where(label, key)}: {key} = {text!r}: {error.why}."
        raise BadConfig(Problem("Bad route", detail, error.hint)) from error
