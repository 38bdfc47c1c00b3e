"""How many chunks together is measured only while all of them are decoded."""

from __future__ import annotations

from pathlib import Path

from flights_kit import Heard

from engines.gpu_memory import GpuMemory
from engines.tts.decode.chunk import Chunk
from engines.tts.loaded import Loaded
from engines.tts.settings import TtsSettings
from engines.tts.together import measured

pytest_plugins = ["speech_fixtures"]


def test_chunks_that_end_early_are_not_taken_for_fast_ones(miniature: Path) -> None:
    loaded = Loaded(TtsSettings(model=str(miniature), gpu="cpu", parallel=1), Heard(), GpuMemory())
    decoder, short = loaded._decoder, 2
    steps: list[int] = []

    def chunk() -> Chunk:
        return loaded._boarding.sample(short)

    speeds = measured(decoder, chunk, 2, lambda: steps.append(decoder.aloft))
    loaded.close()
    assert set(speeds) == {1, 2}
    assert steps == [1, 0, 2, 0], "nothing is timed once they are over"
