"""`python -m tests.room.speech_kit`: the interpreter that has Chatterbox, of the environment that this project made."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from engines.environments.machine import this_machine
from engines.environments.present import chosen, digests_of
from engines.environments.record import RECORD, Environment, SelfTest, python_of
from ipc.places import environments_folder

TOLD: Final = "ENGINEROOM_TEST_SPEECH_PYTHON"
"""The variable that names another one."""
DATA: Final = Path(__file__).parents[2] / ".data"
_told: Final = os.environ.get(TOLD)  # now: while a test runs, there are no variables of ours


def speech_python(data: Path = DATA, told: str | None = _told) -> str:
    """Raises RuntimeError where there is none; it says what makes it."""
    if told:
        return told
    found = chosen(environments_folder(data), "tts", this_machine(), on_gpu=False)
    if found is None:
        raise RuntimeError(f"no environment of kind tts fits in {data}: `make speech` makes it, or set {TOLD}")
    return str(found.python)


def with_speech(data: Path, before: str = "") -> Path:
    """Give a room's data folder that environment: engines, desks and appraisers of kind `tts` run in it. The folder.

    `before` are lines for the shell, such as `export X=y`, before each of them starts.
    """
    python = python_of(environments_folder(data) / "tts")
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\n{before}\nexec {shlex.quote(speech_python())} "$@"\n')
    python.chmod(0o755)
    here, now = this_machine(), time.time()
    made = Environment(
        "tts", "cpu", digests_of("tts")["cpu"], "", (), (), here.platform, here.python, "", now, 1.0, now,
        SelfTest(True, "cpu", "of the tests"),
    )  # fmt: skip
    (environments_folder(data) / "tts" / RECORD).write_bytes(msgspec.json.encode(made))
    return data


if __name__ == "__main__":
    sys.stdout.write(f"{speech_python()}\n")
