"""Miniatures of Chatterbox, and a room whose engine speaks with one of them, made once for all modules that name this.

A load takes seconds, nearly all of it to import the libraries: whoever shares the room finds its engine loaded.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from room_kit import ROOT
from speaking_kit import Speaking, open_speaking, speaking
from speech_kit import speech_python

_MAKE = """
import sys
from pathlib import Path
from engines.tts.miniature.make import make
from engines.tts.miniature.shrink import Sizes
for stops in ("quick", "late", "never"):
    make(Path(sys.argv[1]) / stops, Sizes(), stops=stops)
"""


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one that speaks quickly, one that goes on for long, and one that never ends."""
    folder = tmp_path_factory.mktemp("checkpoints")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [speech_python(), "-P", "-c", _MAKE, str(folder)], env=environment, capture_output=True, check=True
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def speaking_room(checkpoints: Path) -> Iterator[Speaking]:
    """With one engine that is deterministic and fast; who changes its settings sets them back."""
    with open_speaking(speaking("voice", checkpoints / "quick", deterministic=True)) as room:
        yield room
