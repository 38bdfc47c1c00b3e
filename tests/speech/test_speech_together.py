"""How many chunks are decoded together, by what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from flights_kit import Heard

from engines.gpu_memory import GpuMemory
from engines.tts.decode.chunk import Chunk
from engines.tts.decode.decoder import Decoder
from engines.tts.engine import create
from engines.tts.loaded import Loaded
from engines.tts.settings import TtsSettings
from engines.tts.together import Measured, enough, measured

pytest_plugins = ["speech_fixtures"]


@pytest.mark.parametrize(
    ("speeds", "fits", "chosen"),
    [
        ({1: 10, 2: 19, 4: 35, 8: 60}, 8, 8),
        ({1: 10, 2: 19, 4: 35, 8: 36}, 8, 4),
        ({1: 10, 2: 9, 4: 8}, 4, 1),
        ({1: 5, 2: 9}, 8, 8),  # time ran out while more were faster
        ({1: 10, 2: 19}, 2, 2),  # memory ran out
        ({}, 1, 1),
    ],
)
def test_the_fewest_that_are_about_as_fast_as_the_best(speeds: Mapping[int, float], fits: int, chosen: int) -> None:
    assert enough(Measured(speeds, fits)) == chosen


def test_what_has_no_room_is_not_tried_again(miniature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, begun = Decoder.begin, list[int]()

    def with_room_for_three(self: Decoder, chunks: list[object]) -> None:
        begun.append(len(chunks))
        if len(chunks) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        begin(self, chunks)  # type: ignore[arg-type]

    monkeypatch.setattr(Decoder, "begin", with_room_for_three)
    engine = create(Heard())
    engine.load(TtsSettings(model=str(miniature), gpu="cpu", parallel=16))
    engine.close()
    assert begun == [1, 1, 2, 4], "the self-test, then more and more"


def test_chunks_that_end_early_are_not_taken_for_fast_ones(miniature: Path) -> None:
    loaded = Loaded(TtsSettings(model=str(miniature), gpu="cpu", parallel=1), Heard(), GpuMemory())
    decoder, steps = loaded._decoder, list[int]()

    def chunk() -> Chunk:
        return loaded._boarding.sample(2)

    measured(decoder, chunk, 2, lambda: steps.append(decoder.aloft))
    loaded.close()
    assert steps == [1, 0, 2, 0], "nothing is timed once they are over"
