"""How many words the miniature gets wrong, as its judge counts."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper import WhisperModel

from bench.stt.sounds import utterances
from engines.stt.folder import found
from engines.stt.miniature import judge
from engines.stt.miniature.speech import Phrase
from engines.stt.settings import SttSettings


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return WhisperModel(str(found(SttSettings()).path), device="cpu", compute_type="float32", cpu_threads=1)


def test_few_words_of_the_bundled_utterances_are_wrong(model: WhisperModel) -> None:
    said = [Phrase(one.text, np.asarray(one.samples * 32767, np.int16)) for one in utterances()]
    assert judge.share_wrong(model, said) <= 0.04


def test_what_was_not_said_counts_as_wrong(model: WhisperModel) -> None:
    one = utterances()[0]
    samples = np.asarray(one.samples * 32767, np.int16)
    assert judge.share_wrong(model, [Phrase("voice " * 20, samples)]) > 0.9
