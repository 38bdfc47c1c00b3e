"""Memory that runs out steps down a ladder, however torch says it; all else ends the process."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from flying_kit import Heard

from engines.contract import OutOfMemory
from engines.tts.engine import create
from engines.tts.settings import TtsSettings
from engines.tts.trouble import memory_told

pytest_plugins = ["speech_fixtures"]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        torch.AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be reported asynchronously"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to"),
        MemoryError(),
    ],
)
def test_not_enough_memory_is_told_as_that(error: BaseException) -> None:
    with pytest.raises(OutOfMemory, match="memory"), memory_told():
        raise error


def test_an_assert_on_the_device_is_not_taken_for_anything_else() -> None:
    with pytest.raises(torch.AcceleratorError, match="device-side assert"), memory_told():
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")


def test_a_host_without_memory_for_the_model_does_not_blame_the_checkpoint(
    miniature: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatterbox.tts import ChatterboxTTS

    def full(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 2130706432 bytes.")

    monkeypatch.setattr(ChatterboxTTS, "from_local", full)
    with pytest.raises(OutOfMemory, match="2130706432 bytes"):
        create(Heard()).load(TtsSettings(model=str(miniature)))
