"""The client example runs as it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
import pytest
from scripted_supervisor import Script

from ipc import control

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
ROOT = Path(__file__).parents[2]


async def test_connect(script: Script) -> None:
    command = [sys.executable, str(ROOT / "examples" / "connect.py")]
    done = await anyio.run_process(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout.decode() == "Tokens are pieces."
    assert any(isinstance(one, control.Ask) and one.engine == "writer" for one in script.asked)


async def test_the_module_offers_the_words_and_no_more() -> None:
    import engineroom

    assert engineroom.control is control
    with pytest.raises(AttributeError, match="supervisor"):
        _ = engineroom.supervisor
