"""The room that a benchmark makes leaves nothing behind, however the benchmark ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from room_kit import ROOT, gone

from config.paths import lock_path

BENCH = """
import signal
from bench.room import open_room
with open_room('[engine.fake]\\nkind = "fake"\\npreload = true\\n') as room:
    print(room.state, flush=True)
    signal.pause()
"""


def test_a_benchmark_that_is_told_to_end_takes_its_room_along() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", BENCH], stdout=subprocess.PIPE, text=True, env=environment) as bench:
        assert bench.stdout is not None
        state = Path(bench.stdout.readline().strip())
        supervisor = int(lock_path(state).read_text())
        assert not gone(supervisor)
        bench.send_signal(signal.SIGTERM)
        assert bench.wait(timeout=60) == 128 + signal.SIGTERM
    assert gone(supervisor)
    assert not state.parent.exists()
