"""`engineroom voices` with the program that really reads sound."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

ROOT = Path(__file__).parents[2]


def voices(folder: Path, *arguments: str, code: int = 0) -> Any:
    environ = {**os.environ, "ENGINEROOM_STATE": str(folder / "state"), "ENGINEROOM_DATA": str(folder / "data")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "engineroom.py"), "voices", *arguments, "--json"],
        env=environ, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def test_a_recording_becomes_a_voice_and_one_that_is_too_short_does_not(tmp_path: Path) -> None:
    hum = (0.3 * np.sin(np.arange(6 * 24000) / 20)).astype("float32")
    soundfile.write(tmp_path / "hum.wav", hum, 24000)
    soundfile.write(tmp_path / "short.flac", hum[:4800], 24000)
    added = voices(tmp_path, "add", "anna", "hum.wav")
    assert (added["audio_seconds"], added["rate"], added["problems"]) == (6.0, 24000, [])
    assert "short.flac is 0.2 s long" in voices(tmp_path, "add", "ben", "short.flac", code=1)
    assert [voice["name"] for voice in voices(tmp_path, "list")] == ["anna"]
