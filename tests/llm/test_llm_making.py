"""Levels that are made on the box: by a real child for the real engine, once, whole or not at all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio
import msgspec
import psutil
import pytest
from flying_kit import Heard, Sky
from llm_files import F16, Q4_0, Q8_0, Build, hollow, quantized
from llm_recorders import MINIATURE, Orders, questions
from llm_shards import shards_of
from llm_spawned import GREEDY, Child, flight, spawned

from engines.contract import CannotLoad, LoadCancelled
from engines.llm import cache
from engines.llm.cache import Made
from engines.llm.engine import create
from engines.llm.files import NoFileAt, chosen
from engines.llm.making import make, warning
from engines.llm.settings import LlmSettings
from engines.llm.wanted import ToMake, wanted
from ipc.places import DATA
from ipc.work import (
    Applied,
    Apply,
    ApplyFailed,
    Load,
    Loaded,
    LoadFailed,
    LoadProgress,
    UnitDone,
    Unload,
    Unloaded,
)

pytestmark = pytest.mark.anyio
LONG = Build(blocks=6, embedding=1024, feed_forward=4096, heads=16, cache_heads=(16,), vocabulary=2048)
"""Takes seconds to quantize."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, empty."""
    monkeypatch.setenv(DATA, str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def long(tmp_path: Path) -> Path:
    return hollow(tmp_path / "long-F16.gguf", LONG, F16)


def wish(settings: LlmSettings) -> ToMake:
    wanted_now = wanted(settings)
    assert isinstance(wanted_now, ToMake)
    return wanted_now


def records(data: Path) -> list[Made]:
    return [msgspec.json.decode(path.read_bytes(), type=Made) for path in data.glob("models/quantized/*-q*/made.json")]


def left(data: Path) -> list[str]:
    """Whatever lies in the cache, hidden things too."""
    return sorted(str(path.relative_to(data)) for path in data.glob("models/quantized/**/*"))


def quantizers(parent: int) -> list[psutil.Process]:
    found = []
    for one in psutil.Process(parent).children(recursive=True):
        with suppress(psutil.Error):  # it has just ended
            found += [one] if "engines.llm.quantizer" in one.cmdline() else []
    return found


async def so(fact: Callable[[], object]) -> None:
    """Waits for a fact of another process."""
    with anyio.fail_after(20):
        while not fact():  # noqa: ASYNC110
            await anyio.sleep(0.02)


# ── made, kept, used ──────────────────────────────────────────────────────────────────────────────────────


async def test_levels_are_made_by_a_child_with_live_progress_and_answer(data: Path) -> None:
    async with spawned() as child:
        for level, name in (("q4", "Q4_K_M"), ("q8", "Q8_0")):
            child.heard.clear()
            child.send(Load({**GREEDY, "quantization": level}))
            assert (await child.until(Loaded)).quantization == name
            fractions = [said.fraction for said in child.heard if isinstance(said, LoadProgress)]
            assert len([one for one in fractions if one < 0.9]) > 15
            assert fractions == sorted(fractions)
            child.send(flight(1, 1))
            assert "A token is" in (await child.until(UnitDone)).result
    made, other = sorted(records(data), key=lambda one: one.level)
    assert (made.level, made.quantization, made.source, made.source_level) == ("q4", "Q4_K_M", str(MINIATURE), "q16")
    assert made.perplexity_before == other.perplexity_before == pytest.approx(6.29, abs=0.05)
    assert made.perplexity_after == pytest.approx(6.49, abs=0.1)
    assert made.tokens == 255
    assert made.library.startswith("llama-cpp-python 0.")
    assert len(left(data)) == 6


def test_what_was_made_is_used_the_next_time(data: Path) -> None:
    made = make(wish(LlmSettings(quantization="q4")), 1, Heard())
    assert wanted(LlmSettings(quantization="q4")) == (made,)
    assert wanted(LlmSettings(quantization="auto")) == (chosen(LlmSettings()),)
    assert records(data)[0].bytes == made.path.stat().st_size


def test_f16_is_made_of_f32_and_q32_of_nothing(data: Path, tmp_path: Path) -> None:
    source = quantized(tmp_path, 0)
    engine = create(Heard())
    assert engine.load(LlmSettings(model=str(source), quantization="q16")).quantization == "F16"
    engine.close()
    with pytest.raises(NoFileAt, match="No file at q32"):
        wanted(LlmSettings(quantization="q32"))


def test_the_finest_file_of_the_model_is_the_source_and_no_coarser_one(data: Path, tmp_path: Path) -> None:
    eight, four = quantized(tmp_path, Q8_0), quantized(tmp_path, Q4_0)
    sixteen = tmp_path / "sixteen.gguf"
    with pytest.raises(NoFileAt, match="No file at q16"):
        wanted(LlmSettings(model=str(eight), quantization="q16"))
    sixteen.symlink_to(MINIATURE)
    four.unlink()
    asked = wish(LlmSettings(model=str(eight), quantization="q4"))
    assert asked.source.path == sixteen
    assert wish(LlmSettings(model=str(tmp_path), quantization="q4")).source.path == sixteen


def test_a_quantized_source_is_taken_with_a_warning(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = quantized(tmp_path, Q8_0)
    asked = wish(LlmSettings(model=str(source), quantization="q4"))
    assert make(asked, 1, Heard()).header.quantization == "Q4_K_M"
    assert "miniature-Q8_0.gguf is Q8_0, quantized already" in caplog.text
    assert warning(chosen(LlmSettings()), "q4") == ""


def test_a_split_source_is_made_into_one_file(data: Path, tmp_path: Path) -> None:
    first = shards_of(tmp_path, 14)[0]
    asked = wish(LlmSettings(model=str(first), quantization="q8"))
    made, whole = make(asked, 1, Heard()), make(wish(LlmSettings(quantization="q8")), 1, Heard())
    assert made.header == whole.header
    assert made.path.name == "Engine-Room-miniature-Q8_0.gguf"
    engine = create(Heard())
    engine.load(LlmSettings(model=str(first), quantization="q8", temperature=0.0))
    told = Orders(questions(1))
    engine.fly(Sky(told))
    engine.close()
    assert told.results[0].answer.startswith("A token is")


def test_a_replaced_source_is_another_model(data: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine.gguf"
    source.write_bytes(MINIATURE.read_bytes())
    settings = LlmSettings(model=str(source), quantization="q8")
    make(wish(settings), 1, Heard())
    os.utime(source, ns=(0, source.stat().st_mtime_ns + 1))
    again = wish(settings)
    make(again, 1, Heard())
    assert len(records(data)) == 2


def test_a_damaged_entry_is_made_anew(data: Path) -> None:
    settings = LlmSettings(quantization="q4")
    made = make(wish(settings), 1, Heard())
    whole, record = made.path.read_bytes(), made.path.with_name("made.json")
    told = record.read_bytes()
    for path, damaged in ((record, b"{"), (made.path, MINIATURE.read_bytes()), (made.path, whole[:1_000_000])):
        record.write_bytes(told)
        path.write_bytes(damaged)
        assert wish(settings).entry == made.path.parent
    engine = create(Heard())
    assert engine.load(settings).quantization == "Q4_K_M"
    engine.close()
    assert wanted(settings) == (made,)
    assert len(left(data)) == 3


# ── not made ──────────────────────────────────────────────────────────────────────────────────────────────


async def begun(child: Child) -> psutil.Process:
    """The quantizer, once it is at its work."""
    while (await child.until(LoadProgress)).fraction == 0:
        pass
    (quantizer,) = quantizers(child.process.pid)
    return quantizer


@pytest.mark.parametrize("how", ["unload", "term"])
async def test_a_cancel_ends_the_child_at_once_and_leaves_nothing(data: Path, long: Path, how: str) -> None:
    async with spawned() as child:
        child.send(Load({**GREEDY, "model": str(long), "quantization": "q4"}))
        quantizer = await begun(child)
        assert any(name.endswith(".gguf") for name in left(data))
        asked = time.monotonic()
        match how:
            case "unload":
                child.send(Unload())
                await child.until(Unloaded)
            case _:
                child.process.send_signal(signal.SIGTERM)
                await so(lambda: child.process.poll() == 128 + signal.SIGTERM)
        assert time.monotonic() - asked < 1.5
        assert not quantizer.is_running()
        assert left(data) == []
        assert not any(isinstance(said, Loaded | LoadFailed) for said in child.heard)


async def test_an_engine_that_is_killed_takes_the_child_along_and_the_rest_is_swept(data: Path, long: Path) -> None:
    async with spawned() as child:
        child.send(Load({**GREEDY, "model": str(long), "quantization": "q4"}))
        quantizer = await begun(child)
        child.process.kill()
        await so(lambda: not quantizer.is_running())
    assert left(data)
    cache.sweep()
    assert left(data) == []


async def test_a_change_of_level_keeps_the_old_model_until_the_new_is_made(data: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine.gguf"
    source.write_bytes(MINIATURE.read_bytes())
    async with spawned() as child:
        child.send(Load({**GREEDY, "model": str(source)}))
        await child.until(Loaded)
        (data / "models").mkdir(parents=True)
        (data / "models" / "quantized").write_text("in the way")
        child.send(Apply({"quantization": "q4"}))
        assert (await child.until(ApplyFailed)).problem.title == "Level not made"
        child.send(flight(1, 1))
        assert (await child.until(UnitDone)).tokens > 3
        (data / "models" / "quantized").unlink()
        child.send(Apply({"quantization": "q4"}))
        assert (await child.until(Applied)).quantization == "Q4_K_M"


async def test_two_engines_that_ask_at_once_make_it_once(data: Path) -> None:
    said: list[str] = []

    async def load() -> None:
        async with spawned() as child:
            child.send(Load({**GREEDY, "quantization": "q4"}))
            said.append((await child.until(Loaded)).quantization or "")

    async with anyio.create_task_group() as group:
        group.start_soon(load)
        group.start_soon(load)
    assert said == ["Q4_K_M", "Q4_K_M"]
    assert len(left(data)) == 3


def test_who_waits_for_another_can_be_cancelled(data: Path) -> None:
    asked = wish(LlmSettings(quantization="q4"))
    with cache.workshop(asked.entry, lambda: None) as new:
        waiting = Heard(fractions=[0.0], cancel_at=0.0)
        with pytest.raises(LoadCancelled):
            make(asked, 1, waiting)
        assert new.is_dir()
    assert left(data) == []


def test_what_the_library_refuses_is_said_in_a_sentence(data: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(
        MINIATURE.read_bytes().replace(b"\x05\x00\x00\x00\x00\x00\x00\x00llama", b"\x05" + bytes(7) + b"odder", 1)
    )
    with pytest.raises(CannotLoad) as refused:
        make(wish(LlmSettings(model=str(odd), quantization="q4")), 1, Heard())
    assert refused.value.problem.detail.startswith("llama.cpp makes no q4 of odd.gguf (F16): ")
    assert "odder" in refused.value.problem.detail
    assert left(data) == []


def test_a_quantizer_that_is_killed_is_said(data: Path, long: Path) -> None:
    killer = Killer()
    with pytest.raises(CannotLoad, match=r"ended with signal 9 \(Killed\)"):
        make(wish(LlmSettings(model=str(long), quantization="q4")), 1, killer)
    assert left(data) == []


class Killer(Heard):
    """Kills the quantizer as soon as it says how far it is."""

    def loading(self, fraction: float) -> None:
        for quantizer in quantizers(os.getpid()):
            quantizer.kill()
