"""Many chunks decoded together are what the library writes of each alone."""

from __future__ import annotations

from typing import Any

import pytest
from speech_decode_kit import GREEDY, Kind, chunk, decoded, of_the_library, small_t3

from engines.tts.decode.chunk import Sampling
from engines.tts.decode.decoder import Decoder

LENGTHS = (9, 31, 90, 55)


@pytest.fixture(scope="module")
def english() -> Any:
    return small_t3("english")


@pytest.mark.parametrize("kind", ["english", "turbo"])
def test_unequal_chunks_together_are_the_librarys_own_tokens(kind: Kind) -> None:
    t3 = small_t3(kind)
    sampling = Sampling(temperature=0.0, top_k=1000, top_p=0.95, repetition_penalty=1.2) if kind == "turbo" else GREEDY
    written = decoded(Decoder(t3, "fp32"), [chunk(t3, length, sampling=sampling) for length in LENGTHS])
    assert written == [of_the_library(t3, length) for length in LENGTHS]
    assert [len(tokens) for tokens in written] == [120] * 4
    assert len({token for tokens in written for token in tokens}) > 50
