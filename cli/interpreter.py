"""The Python that does a kind's work for the command line, which imports no model library itself."""

from __future__ import annotations

import sys

from cli.environments.here import machine_here
from cli.session import Session
from config.load import load
from engines.environments.present import chosen
from ipc.places import data_folder, environments_folder


def interpreter_of(session: Session, kind: str) -> str:
    """That of the first engine of this kind which is configured with one, else the kind's environment, else this one.

    Raises:
        BadConfig
    """
    return own_interpreter_of(session, kind) or sys.executable


def own_interpreter_of(session: Session, kind: str) -> str | None:
    """As `interpreter_of`; None where the kind has none of its own. Raises BadConfig."""
    config = load(file=session.config_file, state=session.state, environ=session.environ)
    own = next((engine.python for engine in config.engines if engine.kind == kind and engine.python), None)
    if own is not None:
        return own
    environments = environments_folder(data_folder(session.environ))
    environment = chosen(environments, kind, machine_here(), on_gpu=False) if environments.is_dir() else None
    return None if environment is None else str(environment.python)
