"""Which Python works for the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from command_lines import no_dashboard

from cli.interpreter import interpreter_of
from cli.session import Session, session
from engines.environments.machine import this_machine
from engines.environments.present import digests_of
from engines.environments.record import RECORD, Environment, SelfTest


def here(folder: Path, config: str = "") -> Session:
    (folder / "engineroom.toml").write_text(config)
    return session({"HOME": str(folder), "ENGINEROOM_DATA": str(folder / "data")}, folder, no_dashboard)


def made(folder: Path, kind: str) -> Path:
    """A complete environment of the kind; returns its Python."""
    machine = this_machine(())
    record = Environment(
        kind=kind,
        device="cpu",
        requirements=digests_of(kind)["cpu"],
        build="",
        instructions=(),
        capabilities=(),
        platform=machine.platform,
        python=machine.python,
        origin="",
        made_unix=1.0,
        made_seconds=1.0,
        tested_unix=1.0,
        test=SelfTest(True, "cpu", "it computes"),
    )
    place = folder / "data" / "environments" / f"{kind}-cpu-1"
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").symlink_to(sys.executable)
    (place / RECORD).write_bytes(msgspec.json.encode(record))
    return place / "bin" / "python"


def test_our_own_where_nothing_else_is(tmp_path: Path) -> None:
    assert interpreter_of(here(tmp_path), "llm") == sys.executable


def test_the_environment_of_the_kind_and_of_no_other(tmp_path: Path) -> None:
    python = made(tmp_path, "embed")
    assert interpreter_of(here(tmp_path), "embed") == str(python)
    assert interpreter_of(here(tmp_path), "llm") == sys.executable


def test_what_an_engine_is_configured_with_comes_first(tmp_path: Path) -> None:
    made(tmp_path, "llm")
    config = '[engine.plain]\nkind = "llm"\n\n[engine.own]\nkind = "llm"\npython = "/opt/llm/bin/python"\n'
    assert interpreter_of(here(tmp_path, config), "llm") == "/opt/llm/bin/python"
