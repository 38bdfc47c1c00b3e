"""What loads take, and what the settings leave open."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tts_checkpoints import FULL_SIZE, MATRICES, REST, safetensors, write

from engines.appraisal import Option
from engines.tts import appraise, budget
from engines.tts.checkpoint import Checkpoint, found
from engines.tts.estimate import cache_bytes, need, weights_bytes
from engines.tts.precision import cpu_has_bf16, for_tokens
from engines.tts.settings import TtsSettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "model")


@pytest.fixture
def checkpoint(folder: Path) -> Checkpoint:
    return found(TtsSettings(model=str(folder)))


def changes(options: tuple[Option, ...]) -> list[dict[str, object]]:
    return [dict(option.changes) for option in options]


def test_open_settings_leave_how_many_are_decoded_together_the_most_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appraise, "_cuda_of_torch", lambda: "13.0")
    options = appraise.appraise(TtsSettings(model=str(folder))).options
    assert [option.changes["parallel"] for option in options] == [16, 8, 4, 2, 1]
    assert options[1].words == "8 together"
    takes = [option.need.gpu_bytes(1) for option in options]
    assert takes == sorted(takes, reverse=True)
    assert len(set(takes)) == len(takes)


def test_on_a_cpu_eight_are_the_most(folder: Path) -> None:
    options = appraise.appraise(TtsSettings(model=str(folder), gpu="cpu")).options
    assert [option.changes["parallel"] for option in options] == [8, 4, 2, 1]
    assert all(option.need.on_gpu == 0 for option in options)


def test_a_number_that_was_set_is_the_only_option(folder: Path) -> None:
    (option,) = appraise.appraise(TtsSettings(model=str(folder), parallel=3)).options
    assert (option.changes, option.name, option.words) == ({}, "chatterbox", "")


def test_the_ladder_leads_from_fewer_over_shorter_and_coarser_to_the_cpu(folder: Path) -> None:
    rungs = appraise.appraise(TtsSettings(model=str(folder), parallel=4, batch_size=500)).rungs
    assert changes(rungs) == [
        {"parallel": 2},
        {"parallel": 1},
        {"parallel": 1, "batch_size": 350},
        {"parallel": 1, "batch_size": 200, "tokens": 400},
        {"parallel": 1, "batch_size": 200, "tokens": 400, "quantization": "int8"},
        {"parallel": 1, "batch_size": 200, "tokens": 400, "quantization": "int8", "gpu": "cpu"},
    ]
    assert rungs[1].words == "1 together"
    assert rungs[-1].words == "1 together · batch_size 200 · tokens 400 · quantization int8 · on the CPU"


@pytest.mark.parametrize(("gpu", "fewer"), [("auto", [8, 4, 2, 1]), ("cpu", [4, 2, 1])])
def test_where_it_is_open_the_ladder_goes_down_from_half_of_the_most(folder: Path, gpu: str, fewer: list[int]) -> None:
    rungs = appraise.appraise(TtsSettings(model=str(folder), gpu=gpu)).rungs
    assert changes(rungs[: len(fewer) + 1]) == [
        *({"parallel": count} for count in fewer),
        {"parallel": 1, "batch_size": 200, "tokens": 400},
    ]


@pytest.mark.parametrize("gpu", ["auto", "cpu"])
def test_deterministic_work_does_not_depend_on_the_memory_that_is_free(folder: Path, gpu: str) -> None:
    appraisal = appraise.appraise(TtsSettings(model=str(folder), gpu=gpu, deterministic=True))
    assert changes(appraisal.options) == [{"parallel": 8}]
    assert changes(appraisal.rungs[:3]) == [{"parallel": 4}, {"parallel": 2}, {"parallel": 1}]


@pytest.mark.parametrize(("cuda", "why"), [("None", "torch was built without GPU support"), ("'12.8'", ""), (None, "")])
def test_a_torch_without_cuda_says_why_no_gpu_is_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuda: str | None, why: str
) -> None:
    if cuda is not None:
        (tmp_path / "torch").mkdir()
        (tmp_path / "torch" / "version.py").write_text(f"debug = False\ncuda: Optional[str] = {cuda}\nhip = None\n")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert appraise.appraise(TtsSettings(model=str(folder))).why_no_gpu == why


def test_weights_are_counted_by_their_precision(checkpoint: Checkpoint) -> None:
    assert weights_bytes(checkpoint, "fp32") == 4 * (MATRICES + REST)
    assert weights_bytes(checkpoint, "bf16") == 2 * (MATRICES + REST)
    assert weights_bytes(checkpoint, "int8") == MATRICES + 4 * REST


def test_the_cache_grows_with_chunks_length_and_guidance(checkpoint: Checkpoint) -> None:
    one = cache_bytes(checkpoint, TtsSettings(parallel=1, batch_size=100), "fp32")
    # (voice 34 + text 100 + speech 677) positions, 2 rows, 3 layers, keys and values of 8 numbers
    assert budget.limit("en", 100) == 677
    assert one == 811 * 2 * 3 * 2 * 8 * 4
    assert cache_bytes(checkpoint, TtsSettings(parallel=4, batch_size=100), "fp32") == 4 * one
    assert cache_bytes(checkpoint, TtsSettings(parallel=1, batch_size=100, cfg=0), "bf16") == one // 4


def test_the_cache_has_room_for_the_limit_of_the_language_and_of_the_worst_where_that_is_open(tmp_path: Path) -> None:
    speaks_all = found(TtsSettings(model=str(write(tmp_path / "all", "multilingual"))))
    english, chinese, unknown = (
        cache_bytes(speaks_all, TtsSettings(parallel=1, batch_size=200, language=language), "fp32")
        for language in ("en", "zh", "auto")
    )
    assert english < chinese == unknown


def test_at_full_size_one_chunk_fits_an_eight_gigabyte_card_in_any_precision(folder: Path) -> None:
    safetensors(folder / "t3_cfg.safetensors", FULL_SIZE)
    safetensors(folder / "s3gen.safetensors", {"flow.weight": [264, 1000, 1000]})
    checkpoint = found(TtsSettings(model=str(folder)))
    precisions = (
        TtsSettings(parallel=1, quantization="fp32", sound_precision="fp32"),
        TtsSettings(parallel=1, quantization="bf16", sound_precision="bf16"),
        TtsSettings(parallel=1, quantization="int8", sound_precision="fp16"),
    )
    takes = [need(checkpoint, settings, on_gpu=True).gpu_bytes(1) for settings in precisions]
    assert 3 * 2**30 < max(takes) == takes[0] < 7.2 * 2**30
    rungs = [msgspec.structs.replace(settings, batch_size=200, tokens=400) for settings in precisions]
    takes = [need(checkpoint, settings, on_gpu=True).gpu_bytes(1) for settings in rungs]
    assert takes == sorted(takes, reverse=True)


@pytest.mark.parametrize(
    ("flags", "numbers"), [("flags\t\t: fpu avx512_bf16 sse", "bf16"), ("flags\t\t: fpu avx512f", "fp32"), ("", "fp32")]
)
def test_a_cpu_computes_in_16_bits_where_it_is_made_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, numbers: str
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}\n")
    has = cpu_has_bf16(tmp_path / "cpuinfo")
    monkeypatch.setattr("engines.tts.precision.cpu_has_bf16", lambda: has)
    assert for_tokens(TtsSettings(), on_gpu=False) == numbers
    assert for_tokens(TtsSettings(), on_gpu=True) == "bf16"
    assert for_tokens(TtsSettings(quantization="int8"), on_gpu=True) == "int8"
