"""What `env … --json` prints: promised to scripts and documented in docs/json.md."""

from __future__ import annotations

from cli.environments.size import size_bytes
from cli.environments.standing import Standing
from ipc.snapshot import Json


def environment(told: Standing) -> Json:
    """One entry of `engineroom env list`; `engineroom env sync`."""
    made = told.stored.environment
    kind, device = told.stored.name.rsplit("-", 2)[:2] if told.stored.name.count("-") >= 2 else (None, None)
    return {
        "name": told.stored.name,
        "kind": kind if made is None else made.kind,
        "device": device if made is None else made.device,
        "state": told.state,
        "why": told.why,
        "engines": list(told.engines),
        "folder": str(told.stored.folder),
        "size_bytes": size_bytes(told.stored.folder),
        "python": None if made is None else made.python,
        "requirements": None if made is None else made.requirements,
        "build": None if made is None else made.build or None,
        "capabilities": [] if made is None else list(made.capabilities),
        "origin": None if made is None else made.origin or None,
        "made_unix": None if made is None else made.made_unix,
        "made_seconds": None if made is None else made.made_seconds,
        "tested_unix": None if made is None else made.tested_unix,
        "test": None
        if made is None
        else {
            "ok": made.test.ok,
            "device": made.test.device or None,
            "text": made.test.text,
            "foreign": made.test.foreign or None,
        },
    }
