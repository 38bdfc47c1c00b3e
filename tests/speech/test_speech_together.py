"""How many chunks are decoded together, by what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from flights_kit import TEXT, Asked, unit
from flying_kit import Heard, Sky

from engines.contract import OutOfMemory
from engines.gpu_memory import GpuMemory
from engines.tts.decode.cache import BlockCache, Shape, WholeCache
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


def test_no_room_for_even_one_is_told(miniature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Loaded(TtsSettings(model=str(miniature), gpu="cpu", parallel=1), Heard(), GpuMemory())
    monkeypatch.setattr(Decoder, "begin", _full)
    with pytest.raises(RuntimeError, match="not enough memory"):
        measured(loaded._decoder, lambda: loaded._boarding.sample(9), 4, lambda: None)
    loaded.close()


def _full(*_: object) -> None:
    raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory: you tried to allocate")


def test_settings_that_have_no_room_leave_the_old_ones(miniature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = TtsSettings(model=str(miniature), gpu="cpu", parallel=1, attempts=0, flow_steps=1)
    engine = create(Heard())
    engine.load(old)
    with monkeypatch.context() as scarce:
        scarce.setattr(Decoder, "begin", _full)
        with pytest.raises(OutOfMemory):
            engine.apply(msgspec.structs.replace(old, parallel=4, flow_steps=2))
    loaded = engine._ready()
    assert loaded._boarding.settings == loaded._settings == old
    engine.close()


def test_a_cpu_without_room_for_more_decodes_fewer_and_the_next_flight_flies(
    miniature: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = TtsSettings(model=str(miniature), gpu="cpu", parallel=2, attempts=0, flow_steps=1)
    engine = create(Heard())
    engine.load(old)
    zeros, made = torch.zeros, list[object]()

    def scarce(*sizes: Any, **named: Any) -> torch.Tensor:
        if isinstance(sizes[0], tuple) and len(sizes[0]) == 5 and sizes[0][1] >= 8:  # the cache, for more than two
            made.append(sizes)
            if len(made) > 1:
                _full()
        return zeros(*sizes, **named)

    monkeypatch.setattr(torch, "zeros", scarce)
    engine.apply(msgspec.structs.replace(old, parallel=8))
    monkeypatch.undo()
    assert made
    assert engine._ready()._together <= 2
    flight = Asked(unit(TEXT), unit(TEXT))
    engine.fly(Sky(flight))
    assert len(flight.told) == 2
    engine.close()


@pytest.mark.parametrize("kind", [BlockCache, WholeCache])
def test_what_was_half_grown_grows_on(
    kind: type[BlockCache] | type[WholeCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = kind(Shape(2, 2, 8, torch.float32, torch.device("cpu")))
    cache.reserve(1, 64)
    zeros, made = torch.zeros, list[object]()

    def scarce(*sizes: Any, **named: Any) -> torch.Tensor:
        made.append(sizes)
        if len(made) == 2:
            _full()
        return zeros(*sizes, **named)

    with monkeypatch.context() as patched:
        patched.setattr(torch, "zeros", scarce)
        with pytest.raises(RuntimeError, match="not enough memory"):
            cache.reserve(4, 64)
    cache.reserve(1, 128)
    assert cache.size() == (1, 128)
