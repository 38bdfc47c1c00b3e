"""When spare memory goes back."""

from __future__ import annotations

from typing import Any

import pytest

from engines.tts.cleanup import bound_bytes, chunks_of, why
from engines.tts.settings import TtsSettings

GIB = 2**30


@pytest.mark.parametrize(
    ("told", "since", "chunks", "spare_gib", "reason"),
    [
        ({}, 4, 0, 3.0, ""),
        ({}, 5, 0, 0.7, ""),
        ({}, 5, 0, 1.2, "1.2 GiB were spare"),
        ({}, 100, 0, 0.1, ""),
        ({"cleanup": "every"}, 2, 0, 3.0, ""),
        ({"cleanup": "every"}, 3, 0, 0.0, "3 chunks were spoken"),
        ({"cleanup": "every", "cleanup_every": 1}, 1, 0, 0.0, "a chunk was spoken"),
        ({"cleanup": "adaptive"}, 4, 6, 3.0, ""),
        ({"cleanup": "adaptive"}, 5, 6, 0.0, "5 chunks were spoken"),
        ({"cleanup": "adaptive"}, 5, 0, 0.0, "5 chunks were spoken"),
        ({"cleanup": "adaptive"}, 32, 100, 3.0, ""),
        ({"cleanup": "adaptive"}, 33, 100, 0.0, "33 chunks were spoken"),
    ],
)
def test_why_memory_is_given_back(told: dict[str, Any], since: int, chunks: int, spare_gib: float, reason: str) -> None:
    settings = TtsSettings(**told)
    spare = int(spare_gib * GIB)
    assert why(settings, since=since, chunks=chunks, spare_bytes=spare, total_bytes=8 * GIB, over=False) == reason


@pytest.mark.parametrize("mode", ["auto", "every", "adaptive"])
def test_it_is_always_given_back_at_the_end(mode: Any) -> None:
    settings = TtsSettings(cleanup=mode)
    assert why(settings, since=1, chunks=9, spare_bytes=0, total_bytes=8 * GIB, over=True) == "the work is done"


@pytest.mark.parametrize(("total_gib", "bound_gib"), [(2, 0.25), (8, 0.8), (80, 2)])
def test_a_tenth_of_the_card_may_lie_idle_within_reason(total_gib: int, bound_gib: float) -> None:
    assert bound_bytes(total_gib * GIB) == pytest.approx(bound_gib * GIB)


@pytest.mark.parametrize(("words", "chunks"), [(0, 0), (1, 1), (464, 10), (5000, 108)])
def test_how_many_chunks_a_text_makes(words: int, chunks: int) -> None:
    assert chunks_of(words, 280) == chunks
