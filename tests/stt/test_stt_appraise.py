"""What a load is said to take, and the ladder below it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engines.appraisal import Appraisal
from engines.contract import CannotLoad
from engines.stt import appraise as module
from engines.stt.appraise import appraise
from engines.stt.estimate import need, weights_bytes, working_bytes
from engines.stt.folder import found
from engines.stt.settings import SttSettings

FOLDER = found(SttSettings())


def said(**settings: Any) -> Appraisal:
    return appraise(SttSettings(**settings))


def test_the_batch_size_left_open_is_what_the_options_differ_in() -> None:
    appraisal = said()
    assert [one.words for one in appraisal.options] == [f"up to {n} together" for n in (16, 8, 4, 2, 1)]
    assert [one.changes for one in appraisal.options] == [{"parallel": n} for n in (24, 12, 6, 3, 2)]
    assert appraisal.only_more_at_once
    sizes = [one.need.per_gpu_bytes for one in appraisal.options]
    assert sizes == sorted(sizes, reverse=True)


def test_on_a_cpu_fewer_are_taken_up() -> None:
    assert [one.words for one in said(gpu="cpu").options] == [f"up to {n} together" for n in (8, 4, 2, 1)]


def test_what_is_set_is_not_left_open_but_spans_are_taken_up_for_it() -> None:
    (option,) = said(batch_size=6, num_workers=2).options
    assert (option.changes, option.words) == ({"parallel": 18}, "")
    (option,) = said(parallel=12).options
    assert option.changes == {}


def test_many_streams_share_the_spans_that_there_may_be() -> None:
    assert [one.words for one in said(num_workers=8).options] == [f"up to {n} together" for n in (5, 4, 2, 1)]
    assert said(num_workers=8).options[0].changes == {"parallel": 64}


def test_the_ladder_leads_down_to_one_window_in_eight_bits_on_the_cpu() -> None:
    rungs = said(quantization="float16", num_workers=2).rungs
    assert [one.words for one in rungs] == [
        "up to 8 together",
        "up to 4 together",
        "up to 2 together",
        "up to 1 together",
        "up to 1 together · num_workers 1",
        "up to 1 together · num_workers 1 · beam_size 1",
        "up to 1 together · num_workers 1 · beam_size 1 · quantization int8",
        "up to 1 together · num_workers 1 · beam_size 1 · quantization int8 · on the CPU",
    ]
    last = rungs[-1]
    assert last.need.on_gpu == 0
    assert last.changes == {"parallel": 2, "num_workers": 1, "beam_size": 1, "quantization": "int8", "gpu": "cpu"}


def test_deterministic_work_is_left_nothing_open() -> None:
    assert len(said(deterministic=True).options) == 1


def test_weights_take_what_their_numbers_take() -> None:
    full, half, small = (weights_bytes(FOLDER, kind) for kind in ("float32", "float16", "int8"))
    assert full == pytest.approx(FOLDER.weights.stat().st_size, rel=0.01)
    assert half == full // 2
    assert full / 4 < small < half


def test_more_windows_beams_and_streams_take_more() -> None:
    def working(batch_size: int = 2, *, on_gpu: bool = True, **settings: Any) -> int:
        return working_bytes(FOLDER, SttSettings(batch_size=batch_size, **settings), "float32", on_gpu=on_gpu)

    assert working(beam_size=5) > working(beam_size=1)
    assert working(num_workers=2) == 2 * working(num_workers=1)
    assert working(8) == 4 * working(2)
    assert working(1, on_gpu=False) < working(8, on_gpu=False) < working(8), "a CPU encodes one after the other"


def test_a_load_on_the_cpu_takes_nothing_of_a_gpu() -> None:
    there = need(FOLDER, SttSettings(batch_size=1), "int8", on_gpu=False)
    assert there.gpu_bytes(there.on_gpu or 0) == 0
    assert there.ram_bytes(0) > 100 * 2**20


def test_what_is_missing_is_said() -> None:
    with pytest.raises(CannotLoad, match="was not fetched"):
        said(model="nobody/has-this")


def test_a_build_without_gpu_support_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINEROOM_GPU_ACCOUNTS", raising=False)
    assert said().why_no_gpu == ""
    package = tmp_path / "ctranslate2"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_ext.cpython-311-x86_64-linux-gnu.so").write_bytes(b"\x7fELF" + bytes(100))

    class Found:
        origin = str(package / "__init__.py")

    monkeypatch.setattr(module, "find_spec", lambda _: Found)
    assert said().why_no_gpu == "CTranslate2 was built without GPU support"
    (package / "_ext.cpython-311-x86_64-linux-gnu.so").write_bytes(bytes(2**22 - 5) + b"libcublas.so.12")
    assert said().why_no_gpu == ""
