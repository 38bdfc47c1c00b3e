"""Whether bytes came back, and whose process still holds them."""

from __future__ import annotations

import os
import subprocess
import sys

from engines.bootstrap import ENGINE
from supervisor.memory.returns import belongs_to


def test_only_the_engines_own_process_is_its_own() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()"]
    environ = {**os.environ, ENGINE: "writer"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert belongs_to(process.pid, "writer")
        assert not belongs_to(process.pid, "voice"), "another has its pid"
        process.kill()
    assert not belongs_to(process.pid, "writer"), "it has ended"
    assert not belongs_to(os.getpid(), "writer"), "somebody who is no engine"
