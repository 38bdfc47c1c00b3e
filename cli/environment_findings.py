"""What `doctor` finds about the Python that each engine runs in when it starts next."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Final

from cli.environments.standing import environment_of, standing_of
from cli.finding import Finding
from config.load import EngineConfig
from engines.environments.machine import Machine
from engines.environments.record import Stored
from engines.environments.requirements import devices_of

_LIBRARY: Final = {"llm": "llama_cpp", "embed": "onnxruntime", "stt": "faster_whisper", "tts": "chatterbox"}
"""What the supervisor's own Python must have where no environment is used."""


def findings(engines: Sequence[EngineConfig], found: Sequence[Stored], machine: Machine) -> Iterator[Finding]:
    """One an engine; `found` are the environments here."""
    for engine in engines:
        yield _of_engine(engine, found, machine)


def _of_engine(engine: EngineConfig, found: Sequence[Stored], machine: Machine) -> Finding:
    what = f"{engine.name} runs in"
    if engine.python is not None and not os.access(engine.python, os.X_OK):
        text = f"python = {engine.python!r} cannot be run: it will not start."
        return Finding(f"engine {engine.name}", "bad", text, "Make that environment, or name another.")
    environment = environment_of(engine, found, machine)
    if environment is not None and environment.environment is not None:
        return _of_environment(engine, environment, machine, what)
    if engine.python is not None:
        return Finding(what, "ok", engine.python)
    if (library := _LIBRARY.get(engine.kind)) is None or find_spec(library) is not None:
        return Finding(what, "ok", "the supervisor's own Python")
    unfit = [
        f"{one.name} is {standing.state}: {standing.why}"
        for one in found
        if one.environment is not None and one.environment.kind == engine.kind
        for standing in [standing_of(one, found, machine, ())]
    ]
    text = f"the supervisor's own Python, which has no {library}: it will not load. {'; '.join(unfit)}".strip()
    return Finding(what, "warn", f"{text.rstrip('.')}.", f"engineroom env sync {engine.kind}")


def _of_environment(engine: EngineConfig, one: Stored, machine: Machine, what: str) -> Finding:
    assert one.environment is not None
    made = one.environment
    text = f"{one.name}; its self-test: {made.test.text}"
    wants_gpu = engine.settings.gpu != "cpu" and "cuda" in devices_of(engine.kind)
    if made.device == "cpu" and wants_gpu and machine.capabilities:
        hint = f"engineroom env sync {engine.kind} --device cuda"
        return Finding(what, "warn", f"{text}. It is one for the CPU although a GPU is there.", hint)
    return Finding(what, "ok", text)
