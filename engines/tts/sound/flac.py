"""Sound as a file in memory: FLAC, mono, 16 bit."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile
from numpy.typing import NDArray

from engines.tts.unit import RATE

Floats: TypeAlias = NDArray[np.float32]
"""Samples, -1 to 1."""


def encode(samples: Floats) -> bytes:
    """Samples at `RATE` as a FLAC file; no samples as one that is silent, because a file without any cannot be read."""
    file = io.BytesIO()
    soundfile.write(file, samples if len(samples) else np.zeros(1, np.float32), RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def decode(file: bytes | Path) -> Floats:
    """What `encode` was given, to 16 bit."""
    samples: Floats
    samples, _ = soundfile.read(io.BytesIO(file) if isinstance(file, bytes) else file, dtype="float32")
    return samples
