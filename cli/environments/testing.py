"""The self-test of an environment, in a process of it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

import msgspec

import ipc
from cli.environments.program import Output, Programs
from engines.environments.record import SelfTest, python_of
from engines.environments.requirements import Device

LIMIT_SECONDS: Final = 300.0
"""The first use of a GPU may compile code for it."""
_ROOT: Final = Path(ipc.__file__).parents[1]


def self_test(folder: Path, kind: str, device: Device, programs: Programs) -> SelfTest:
    """What it says about itself; also of one that crashes or hangs. Raises OSError where it cannot be started."""
    # -P: what lies in the current folder is data, and must not be imported.
    command = [str(python_of(folder)), "-P", "-m", "engines.environments.selftest", kind, device]
    output = programs.run(command, more={"PYTHONPATH": str(_ROOT)}, seconds=LIMIT_SECONDS)
    for line in reversed(output.lines):
        try:
            return msgspec.json.decode(line, type=SelfTest)
        except msgspec.MsgspecError:
            continue
    return SelfTest(False, "", f"its process {_ended(output)} and said nothing{_last(output)}")


def _ended(output: Output) -> str:
    if output.code == -signal.SIGKILL:
        return f"was killed, after {LIMIT_SECONDS:g} s at the latest,"
    if output.code == -signal.SIGILL:
        return "used an instruction that this CPU lacks"
    return f"ended by {signal.Signals(-output.code).name}" if output.code < 0 else f"ended with {output.code}"


def _last(output: Output) -> str:
    lines = [line.strip() for line in output.lines if line.strip()]
    return f"; its last word: {lines[-1]}" if lines else ""
