"""`config check|show|schema`: the configuration, without any supervisor."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cli import json_shapes, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, takes_json
from config.json_schema import json_schema
from config.load import Config, load
from engines.settings import knobs_of


def _run(session: Session, arguments: Namespace) -> Exit:
    if arguments.what == "schema":
        say.document(json_schema())
        return Exit.OK
    config = load(file=session.config_file, state=session.state, environ=session.environ)
    for warning in config.warnings:
        say.problem(warning)
    if arguments.json:
        say.document(json_shapes.config(config))
    elif arguments.what == "check":
        _check(config)
    else:
        _show(config)
    return Exit.OK


def _check(config: Config) -> None:
    file = f"{config.file} is good" if config.file else "no configuration file: the miniature language model"
    names = ", ".join(f"{engine.name} ({engine.kind})" for engine in config.engines) or "none"
    pools = ", ".join(f"{pool.name} ({pool.kind})" for pool in config.pools)
    say.data(f"{file}; engines: {names}{f'; pools: {pools}' if pools else ''}")


def _show(config: Config) -> None:
    say.note(f"file: {config.file or 'none'}; layers: flag > environment > set > file > default")
    rows = [
        (engine.name, knob.name, str(knob.value), engine.origins[knob.name].layer, engine.origins[knob.name].where)
        for engine in config.engines
        for knob in knobs_of(engine.settings)
    ]
    say.table(("ENGINE", "SETTING", "VALUE", "LAYER", "WHERE"), rows)
    routes = [
        (pool.name, language, str(route), words.UNKNOWN if pool.budget_bytes is None else words.size(pool.budget_bytes))
        for pool in config.pools
        for language, route in (("any", pool.route), *pool.languages.items())
    ]
    if routes:
        say.data("")
        say.table(("POOL", "LANGUAGE", "ROUTE", "BUDGET"), routes)


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("what", choices=("check", "show", "schema"), help="show: every value and its layer")


VERB = Verb("config", "check and show the configuration", _arguments, _run)
