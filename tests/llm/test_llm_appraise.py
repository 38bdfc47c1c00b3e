"""What the appraiser says: options, the ladder below them, and as the process that the supervisor spawns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flying_kit import Heard
from llm_files import F16, Q4_0, Q8_0, Build, hollow, quantized
from llm_recorders import MINIATURE
from llm_spawned import ROOT

from engines.appraisal import Appraisal, Option, Said
from engines.contract import CannotLoad
from engines.gpu_memory import ACCOUNTS
from engines.llm.appraise import appraise
from engines.llm.engine import create
from engines.llm.files import chosen
from engines.llm.settings import LlmSettings
from engines.settings import with_changes

NO_GPU = "llama-cpp-python was built without GPU support"


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the miniature at three levels."""
    folder = tmp_path_factory.mktemp("levels")
    for file_type in (F16, Q4_0, Q8_0):
        quantized(folder, file_type)
    return folder


def taken(settings: LlmSettings, option: Option) -> LlmSettings:
    return with_changes(settings, option.changes, "writer")


def said(settings: Mapping[str, Any], code: str | None = None, **more: str) -> Said:
    """By a process of its own."""
    argv = ["-m", "engines.appraiser", "llm"] if code is None else ["-c", code, "llm"]
    environment = {"ENGINEROOM_SETTINGS": json.dumps(settings), "CUDA_VISIBLE_DEVICES": "", **more}
    done = subprocess.run(
        [sys.executable, *argv], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Said)


# ── options ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_one_option_without_changes() -> None:
    (option,) = appraise(LlmSettings()).options
    assert option.changes == {}
    assert (option.words, option.level, option.quantization) == ("q16", "q16", "F16")
    assert option.name == "Engine Room miniature"
    assert len(option.model) == 16
    assert len(option.need.layers) == option.need.on_gpu == 5


def test_a_folder_gives_each_level_and_each_loads_what_it_says(levels: Path) -> None:
    settings = LlmSettings(model=str(levels))
    options = appraise(settings).options
    assert [option.words for option in options] == ["q16", "q8", "q4"]
    assert [sum(option.need.layers) for option in options] == sorted(
        (sum(option.need.layers) for option in options), reverse=True
    )
    assert len({option.model for option in options}) == 3
    for option in options:
        assert set(option.changes) == {"model"}
        assert chosen(taken(settings, option)).header.quantization == option.quantization


def test_a_folder_at_one_level(levels: Path) -> None:
    settings = LlmSettings(model=str(levels), quantization="q8")
    (option,) = appraise(settings).options
    assert option.changes == {"model": str(levels / "miniature-Q8_0.gguf")}


def test_a_file_at_another_level_is_its_sibling(levels: Path) -> None:
    (option,) = appraise(LlmSettings(model=str(levels / "miniature-F16.gguf"), quantization="q4")).options
    assert option.changes == {"model": str(levels / "miniature-Q4_0.gguf")}
    with pytest.raises(CannotLoad, match="No file at q32"):
        appraise(LlmSettings(model=str(levels / "miniature-F16.gguf"), quantization="q32"))


def test_files_of_one_level_are_told_apart(tmp_path: Path) -> None:
    for file_type in (Q4_0, 15, Q8_0):
        quantized(tmp_path, file_type)
    options = appraise(LlmSettings(model=str(tmp_path))).options
    assert [option.words for option in options] == ["q8", "q4 (Q4_K_M)", "q4 (Q4_0)"]


def test_layers_are_left_to_the_ledger_or_not() -> None:
    for profile, layers in (("dynamic", None), ("balanced", 4), ("cpu_fallback", 0)):
        appraisal = appraise(with_changes(LlmSettings(), {"profile": profile}, "writer"))
        assert appraisal.options[0].need.on_gpu == layers
        assert appraisal.layers_knob == "n_gpu_layers"
    assert appraise(LlmSettings(profile="dynamic", n_gpu_layers=3)).options[0].need.on_gpu == 3


# ── a level that is still to be made ──────────────────────────────────────────────────────────────────────


def test_a_level_to_be_made_is_priced_exactly_and_stays_what_it_was_once_it_is_made() -> None:
    settings = LlmSettings(quantization="q4")
    (before,) = appraise(settings).options
    assert (before.changes, before.words, before.level, before.quantization) == ({}, "q4", "q4", "Q4_K_M")
    assert before.first == "makes Q4_K_M first (~2.2 MiB on the disk)"
    create_and_close(settings)
    (after,) = appraise(settings).options
    assert after == msgspec.structs.replace(before, first="")


def test_a_level_to_be_made_has_the_ladder_of_its_source(tmp_path: Path) -> None:
    sixteen, four = quantized(tmp_path, F16), quantized(tmp_path, Q4_0)
    settings = LlmSettings(model=str(sixteen), quantization="q8", n_batch=64, n_ctx=512)
    assert rungs(settings) == [
        ("q4", {"model": str(four), "quantization": "q4"}),
        ("q4 · on the CPU", {"model": str(four), "quantization": "q4", "n_gpu_layers": 0}),
    ]
    create_and_close(settings)
    assert [words for words, _ in rungs(settings)] == ["q4", "q4 · on the CPU"]


def create_and_close(settings: LlmSettings) -> None:
    engine = create(Heard())
    engine.load(settings)
    engine.close()


def test_a_level_to_be_made_is_guessed_without_the_library(tmp_path: Path) -> None:
    path = hollow(tmp_path / "seven.gguf", Build(), F16)
    settings: dict[str, Any] = {"model": str(path), "quantization": "q4"}
    code = "import sys; sys.modules['llama_cpp'] = None\nfrom engines.appraiser import main; main()"
    without, with_it = appraised(said(settings, code)).options[0], appraised(said(settings)).options[0]
    assert with_it.quantization == without.quantization == "Q4_K_M"
    assert sum(without.need.layers) == pytest.approx(sum(with_it.need.layers), rel=0.05)
    assert with_it.first == "makes Q4_K_M first (~3.8 GiB on the disk)"


# ── rungs ─────────────────────────────────────────────────────────────────────────────────────────────────


def rungs(settings: LlmSettings) -> list[tuple[str, dict[str, object]]]:
    return [(rung.words, dict(rung.changes)) for rung in appraise(settings).rungs]


def test_rungs_of_a_lonely_file_end_on_the_cpu() -> None:
    settings = LlmSettings(parallel=2, n_batch=128, n_ctx=1024)
    assert rungs(settings) == [
        ("parallel 1", {"parallel": 1}),
        ("parallel 1 · n_batch 64", {"parallel": 1, "n_batch": 64}),
        ("parallel 1 · n_batch 64 · n_ctx 512", {"parallel": 1, "n_batch": 64, "n_ctx": 512}),
        (
            "parallel 1 · n_batch 64 · n_ctx 512 · on the CPU",
            {"parallel": 1, "n_batch": 64, "n_ctx": 512, "n_gpu_layers": 0},
        ),
    ]


def test_coarser_files_come_before_the_cpu(levels: Path) -> None:
    path = {name: str(levels / f"miniature-{name}.gguf") for name in ("F16", "Q8_0", "Q4_0")}
    least: dict[str, Any] = {"n_batch": 64, "n_ctx": 512}
    assert rungs(LlmSettings(model=path["F16"], n_batch=64, n_ctx=1024)) == [
        ("n_ctx 512", {"n_ctx": 512}),
        ("n_ctx 512 · q8", {"n_ctx": 512, "model": path["Q8_0"]}),
        ("n_ctx 512 · q4", {"n_ctx": 512, "model": path["Q4_0"]}),
        ("n_ctx 512 · q4 · on the CPU", {"n_ctx": 512, "model": path["Q4_0"], "n_gpu_layers": 0}),
    ]
    assert rungs(LlmSettings(model=path["Q8_0"], quantization="q8", **least)) == [
        ("q4", {"model": path["Q4_0"], "quantization": "q4"}),
        ("q4 · on the CPU", {"model": path["Q4_0"], "quantization": "q4", "n_gpu_layers": 0}),
    ]
    assert rungs(LlmSettings(model=path["Q4_0"], **least)) == [("on the CPU", {"n_gpu_layers": 0})]


def test_of_a_folder_the_coarser_files_are_also_tried_with_the_least_settings(levels: Path) -> None:
    found = rungs(LlmSettings(model=str(levels), n_batch=64, n_ctx=1024))
    assert [words for words, _ in found] == [
        "n_ctx 512 · q16",
        "n_ctx 512 · q8",
        "n_ctx 512 · q4",
        "n_ctx 512 · q4 · on the CPU",
    ]


def test_without_a_gpu_in_force_there_is_no_rung_to_the_cpu(levels: Path) -> None:
    settings = LlmSettings(model=str(levels / "miniature-Q8_0.gguf"), gpu="cpu", n_batch=64, n_ctx=512)
    assert [words for words, _ in rungs(settings)] == ["q4"]


def test_each_rung_loads_what_it_says_and_takes_no_more_than_the_one_before(levels: Path) -> None:
    settings = LlmSettings(model=str(levels / "miniature-F16.gguf"), parallel=8)
    appraisal = appraise(settings)
    ways = [*appraisal.options, *appraisal.rungs]
    on_gpu = [rung.need.gpu_bytes(rung.need.on_gpu or 0) for rung in ways]
    assert on_gpu == sorted(on_gpu, reverse=True)
    assert on_gpu[-1] == 0
    for rung in ways:
        assert chosen(taken(settings, rung)).header.quantization == rung.quantization


def test_a_large_model_at_q8(tmp_path: Path) -> None:
    path = hollow(tmp_path / "seven.gguf", Build(), Q8_0)
    (option,) = appraise(LlmSettings(model=str(path))).options
    assert (option.level, option.quantization, len(option.need.layers)) == ("q8", "Q8_0", 33)
    weights_and_cache = sum(option.need.layers)
    assert 7.0e9 < weights_and_cache - 2 * 2**30 < 7.2e9
    assert option.need.gpu_bytes(33) - weights_and_cache < 1e9
    assert path.stat().st_blocks * 512 < 10_000_000


# ── the process ───────────────────────────────────────────────────────────────────────────────────────────


def appraised(answer: Said) -> Appraisal:
    assert answer.problem is None
    assert answer.appraisal is not None
    return answer.appraisal


def test_the_appraiser_says_in_a_process_of_its_own_what_it_says_here(levels: Path) -> None:
    here = appraise(LlmSettings(model=str(levels), parallel=4))
    assert appraised(said({"model": str(levels), "parallel": 4})) == here
    assert here.why_no_gpu == NO_GPU
    assert here.least_capability == ""
    assert here.spread == 8


def test_the_appraiser_says_what_a_load_would_meet(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(MINIATURE.read_bytes()[:4_000_000])
    for settings, title in (
        ({"model": str(cut)}, "Model truncated"),
        ({"model": str(tmp_path / "none.gguf")}, "Model missing"),
        ({"tensor_split": "half"}, "Bad tensor_split"),
    ):
        answer = said(settings)
        assert answer.appraisal is None
        assert answer.problem is not None
        assert answer.problem.title == title
        with pytest.raises(CannotLoad, match=title):
            create(None).load(with_changes(LlmSettings(), settings, "writer"))  # type: ignore[arg-type]


def test_on_a_simulated_box_every_build_can_use_a_gpu() -> None:
    appraisal = appraised(said({}, **{ACCOUNTS: "/nowhere"}))
    assert (appraisal.least_capability, appraisal.why_no_gpu) == ("5.0", "")


def test_without_the_library_the_formula_answers() -> None:
    code = "import sys; sys.modules['llama_cpp'] = None\nfrom engines.appraiser import main; main()"
    without, with_it = appraised(said({}, code)), appraised(said({}))
    assert (without.least_capability, without.why_no_gpu) == ("", "")
    assert without.options[0].need.layers == with_it.options[0].need.layers
    assert without.options[0].need.per_gpu_bytes == pytest.approx(with_it.options[0].need.per_gpu_bytes, rel=0.02)
