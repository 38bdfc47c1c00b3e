"""Trains the miniature from its recipe: `python -m engines.stt.miniature.train [--out FOLDER] [--share 0.05]`.

Needs espeak-ng and the extra `miniatures` (torch, faster-whisper), and an hour of one core.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from engines.stt.miniature.speech import PROGRAM, installed

PHRASES: Final = 6000
_MODULES: Final = {"torch": "torch", "faster_whisper": "faster-whisper", "ctranslate2": "ctranslate2"}
HINT: Final = "`make miniatures` brings the Python packages; espeak-ng is a package of your system."

_log = logging.getLogger("miniature")


def missing(has_module: Callable[[str], bool], has_program: bool) -> str | None:
    """What is not here that training needs, in a sentence; None: nothing."""
    lacking = [] if has_program else [PROGRAM]
    lacking += [name for module, name in _MODULES.items() if not has_module(module)]
    if not lacking:
        return None
    *others, last = lacking
    names = f"{', '.join(others)} and {last}" if others else last
    return f"The miniature Whisper cannot be trained without {names}. {HINT}"


def main() -> None:
    """Train, then write the folder."""
    parser = argparse.ArgumentParser(prog="python -m engines.stt.miniature.train", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("model"))
    parser.add_argument("--share", type=float, default=1.0, help="of the phrases, clips and steps: less is a rehearsal")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="only say what is missing, if anything is")
    told = parser.parse_args()
    if lacking := missing(lambda name: find_spec(name) is not None, installed()):
        sys.exit(lacking)
    if told.check:
        return
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    train(told.out, told.share, told.seed, told.threads)


def train(out: Path, share: float, seed: int, threads: int) -> None:
    """All stages, then the export.

    Raises:
        OSError, subprocess.CalledProcessError: espeak-ng does not speak.
    """
    import torch

    from engines.stt.miniature import (
        compose,
        examples,
        export,
        judge,
        learning,
        network,
        shape,
        speech,
        tokenizer,
        words,
    )

    stages = (
        learning.Stage(compose.SPARSE, 6000, 2900, 2e-3, short_first=True),
        learning.Stage(compose.SPARSE, 6000, 1400, 8e-4),
        learning.Stage(compose.SPARSE, 6000, 900, 8e-4),
        learning.Stage(compose.DENSE, 8000, 4200, 8e-4),
    )
    torch.set_num_threads(threads)
    marks = tokenizer.build()
    numbers = tokenizer.Numbers(marks)
    size = shape.Shape(numbers.size)
    weights = network.fresh_weights(size, len(words.WORDS) + 1, torch.Generator().manual_seed(seed))
    learner = learning.Learner(size, weights, numbers, seed)
    _log.info("%d weights", sum(weights[name].numel() for name in size.arrays()))
    bank = speech.phrases(max(100, int(PHRASES * share)), seed, words.VOICES)
    _log.info("%d phrases said", len(bank))
    for number, stage in enumerate(stages, 1):
        some = stage.shortened(share)
        clips = examples.drawn(bank, some.manner, some.clips, seed + 1_000_000 * number)
        _log.info("stage %d of %d: %d clips", number, len(stages), len(clips))
        learner.learn(some, clips)
    arrays = {name: weights[name].detach().numpy() for name in size.arrays()}
    export.write_model(out, size, marks, arrays, compose.WINDOW_SECONDS)
    _log.info("wrote %s, %.1f MB", out, (out / "model.bin").stat().st_size / 1e6)
    _log.info("%s", judge.verdict(out))


if __name__ == "__main__":
    main()
