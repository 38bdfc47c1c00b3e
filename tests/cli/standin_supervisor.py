"""A fixture: starting a supervisor starts a real process whose module is a stand-in that answers from a script."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import launch

ROOT = Path(__file__).parents[2]

KEEPER = """
import os, sys
sys.exit(os.spawnv(os.P_WAIT, sys.executable, sys.argv[sys.argv.index("--") + 1:]))
"""
DAEMON = """
import os, sys
from pathlib import Path
import anyio
from scripted_supervisor import Script, listening

state = Path(sys.argv[sys.argv.index("--state") + 1])
if os.environ.get("STANDIN") == "fails":
    sys.exit("first line\\nthe reason it failed")
(state / "lock").write_text(str(os.getpid()))
(state / "seen.json").write_text(__import__("json").dumps({"argv": sys.argv, "environ": dict(os.environ)}))

async def serve():
    async with listening(Script(state)) as script:
        await script.down.wait()
        (state / "socket").unlink()

anyio.run(serve)
"""


@pytest.fixture
def standin(tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A root whose `supervisor` package is the stand-in; whatever it started is gone at the end."""
    root = tmp_path / "root"
    (root / "supervisor").mkdir(parents=True)
    (root / "supervisor" / "__init__.py").touch()
    (root / "supervisor" / "keeper.py").write_text(KEEPER)
    (root / "supervisor" / "daemon.py").write_text(DAEMON)
    monkeypatch.setattr(launch, "ROOT", root)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(Path(__file__).parent)]))
    yield root
    if (pid := launch.holder(state)) is not None:
        os.kill(pid, signal.SIGKILL)
