"""What a desk imports as it starts: none of the libraries of sound."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_desk_starts_without_the_libraries_of_sound() -> None:
    heavy = ("numpy", "scipy", "av", "soundfile", "pyloudnorm", "torch", "chatterbox")
    asked = f"import sys, engines.tts.assemble; print([one for one in {heavy} if one in sys.modules])"
    said = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
