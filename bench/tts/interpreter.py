"""The Python that has Chatterbox, and what its torch computes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.room import ROOT
from engines.environments.machine import this_machine
from engines.environments.present import chosen
from ipc.places import data_folder, environments_folder

TOLD: Final = "ENGINEROOM_TEST_SPEECH_PYTHON"
_HERE: Final = ROOT / ".data"
"""Where `make speech` keeps the environment."""


def speech_python(told: Path | None) -> str:
    """As told here or by the variable; else of the project's environment or, before that on a GPU, of the user's.

    Raises:
        SystemExit: there is none; says what makes it.
    """
    if told is not None or TOLD in os.environ:
        return str(told or os.environ[TOLD])
    for on_gpu, data in ((True, data_folder(os.environ)), (False, _HERE), (False, data_folder(os.environ))):
        found = chosen(environments_folder(data), "tts", this_machine(), on_gpu=on_gpu)
        if found is not None:
            return str(found.python)
    sys.exit("there is no environment of kind tts here: `make speech` makes one; or say --python FILE")


def device_of(python: str) -> str:
    """`cuda` or `cpu`: what that Python's torch finds.

    Raises:
        SystemExit: it has no torch; with what it said.
    """
    ask = [python, "-c", "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')"]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{python} has no torch that works:\n{done.stderr}")
    return done.stdout.split()[-1]
