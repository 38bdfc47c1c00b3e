"""The miniature runs the whole real path of the library."""

from __future__ import annotations

from pathlib import Path

import torch

from engines.tts.unit import RATE, TOKENS_PER_SECOND

pytest_plugins = ["speech_fixtures"]


def test_the_library_speaks_with_it(miniature: Path) -> None:
    from chatterbox.models.t3.t3 import T3
    from chatterbox.tts import ChatterboxTTS

    model = ChatterboxTTS.from_local(miniature, "cpu")
    whole = T3.inference
    T3.inference = lambda self, **named: whole(self, **{**named, "max_new_tokens": 40})
    try:
        torch.manual_seed(0)
        sound = model.generate("Hello there.")
    finally:
        T3.inference = whole
    assert sound.shape[1] % (RATE // TOKENS_PER_SECOND) == 0
    assert 0 < sound.shape[1] <= 40 * RATE // TOKENS_PER_SECOND
