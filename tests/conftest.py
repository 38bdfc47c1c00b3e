"""Shared by all tests: the loop under the anyio plugin, and an environment free of the developer's own settings."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path

import pytest

# A run in the background may ignore these, and every program that a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

if importlib.util.find_spec("hypothesis"):
    import hypothesis

    # Other tests compute beside these: how long an example took says nothing.
    hypothesis.settings.register_profile("busy", deadline=None)
    hypothesis.settings.load_profile("busy")

# These need the environment of another kind: `make unit-speech`.
collect_ignore = [] if importlib.util.find_spec("chatterbox") else ["speech"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("ENGINEROOM_", "TEXTUAL"))]:
        if not name.startswith("TEXTUAL_SNAPSHOT"):  # where the snapshot plugin keeps its report
            monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
