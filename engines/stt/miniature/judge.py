"""How well a model hears phrases that were said just now: `python -m engines.stt.miniature.judge [FOLDER]`.

Needs espeak-ng and faster-whisper. The phrases are none of those that the miniature learned from.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from faster_whisper import WhisperModel

from engines.stt.miniature.speech import PROGRAM, Phrase, installed, phrases
from engines.stt.miniature.words import HELD_OUT, VOICES
from engines.stt.miniature.wrong_words import error_share
from engines.stt.unit import RATE

PHRASES: Final = 300
SEED: Final = 7_000_000
"""Far from those of the recipe."""
_EDGE_SAMPLES: Final = RATE // 10


def verdict(folder: Path, count: int = PHRASES) -> str:
    """In words, for the voices that it learned from and for others.

    Raises:
        OSError, subprocess.CalledProcessError: espeak-ng does not speak. RuntimeError, ValueError: no model is there.
    """
    model = WhisperModel(str(folder), device="cpu", compute_type="float32", cpu_threads=1)
    known, others = (share_wrong(model, phrases(count, SEED, voices)) for voices in (VOICES, HELD_OUT))
    text = f"{known:.1%} of the words are wrong in voices that it learned from, {others:.1%} in others"
    return text.replace("%", " %")


def share_wrong(model: WhisperModel, said: Sequence[Phrase]) -> float:
    """Errors per word."""
    return error_share((one.text, _heard(model, one)) for one in said)


def _heard(model: WhisperModel, phrase: Phrase) -> str:
    samples = np.pad(phrase.samples / np.float32(32768), _EDGE_SAMPLES)
    segments, _ = model.transcribe(samples, language="en", beam_size=1, temperature=0.0)
    return " ".join(segment.text for segment in segments)


def main() -> None:
    """Judge one, print."""
    parser = argparse.ArgumentParser(prog="python -m engines.stt.miniature.judge")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).with_name("model"))
    parser.add_argument("--phrases", type=int, default=PHRASES, help="in each sort of voice")
    told = parser.parse_args()
    if not installed():
        sys.exit(f"Nobody says phrases here: {PROGRAM} is missing, which is a package of your system.")
    sys.stdout.write(f"{verdict(told.folder, told.phrases)}\n")


if __name__ == "__main__":
    main()
