"""What `auto` means for the precision of sound, by what a device computes itself."""

from __future__ import annotations

import pytest
import torch

from engines.tts.sound.precision import automatic


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_a_gpu_has_bf16_from_ampere_on(
    capability: tuple[int, int], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert automatic("cuda") == precision


@pytest.mark.parametrize(("supported", "precision"), [(False, "fp32"), (True, "bf16")])
def test_a_processor_has_bf16_where_it_has_instructions_for_it(
    supported: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: supported)
    assert automatic("cpu") == precision


def test_anything_else_has_fp32() -> None:
    assert automatic("mps") == "fp32"
