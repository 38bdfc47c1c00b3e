"""What was loaded is given back, also where a batch is under way, and where loading fails half-way."""

from __future__ import annotations

import threading
from typing import Any

import ctranslate2
import numpy as np
import pytest
from flying_kit import Heard
from stt_engine_kit import Engine, quick

from engines.contract import CannotLoad, LoadCancelled, OutOfMemory
from engines.gpu_memory import GpuMemory
from engines.memory import give_back, rss_bytes
from engines.stt import library, loaded
from engines.stt.decode.decoder import ENCODED_FRAMES
from engines.stt.loaded import Loaded


def test_a_model_is_given_back_while_it_computes() -> None:
    engine = Engine()
    model = engine._model.model
    windows = ctranslate2.StorageView.from_array(np.zeros((8, 80, ENCODED_FRAMES), np.float32))
    encoded: list[Any] = []
    busy = threading.Thread(target=lambda: encoded.append(model.encode(windows)))
    busy.start()
    while not model.num_active_batches and busy.is_alive():
        busy.join(0.001)
    assert busy.is_alive(), "it computes"
    engine.close()
    assert not model.model_is_loaded
    busy.join()
    assert encoded[0].shape[0] == 8


def test_memory_that_the_library_keeps_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine, give = Engine(), library.give_back
    monkeypatch.setattr(library, "give_back", lambda _: False)
    monkeypatch.setattr(loaded, "_RELEASE_PAUSE_SECONDS", 0.0)
    model = engine._model
    engine.close()
    assert "keeps the memory of miniature" in caplog.text
    assert give(model)


def test_a_dozen_loads_and_unloads_leave_nothing() -> None:
    for _ in range(3):
        Engine().close()
    give_back()
    before = rss_bytes()
    for _ in range(12):
        Engine().close()
    give_back()
    assert rss_bytes() - before < 8 * 2**20


def test_a_load_that_is_not_wanted_any_more_leaves_nothing() -> None:
    class Impatient(Heard):
        def cancelled(self) -> bool:
            return True

    library.prepare()
    with pytest.raises(LoadCancelled):
        Loaded(quick(), Impatient(), GpuMemory())


def test_too_little_memory_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def cramped(*_: object) -> None:
        raise RuntimeError("CUDA failed with error out of memory")

    library.prepare()
    monkeypatch.setattr(library, "whisper", cramped)
    with pytest.raises(OutOfMemory, match="out of memory"):
        Loaded(quick(), Heard(), GpuMemory())


def test_a_model_that_gives_no_numbers_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Engine):
        def hear(self, samples: object, way: object) -> object:  # type: ignore[override]
            class Take:
                logprob, no_speech, tokens = float("nan"), 0.0, 1

            return Take

    with pytest.raises(CannotLoad, match="no numbers"):
        Broken()
