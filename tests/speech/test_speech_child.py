"""The engine as a child: flights over one link, changes while it flies, and the sentence where it cannot load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from flights_kit import ask, unit
from spawned import Child, child, knobs

from engines.tts.sound.flac import decode
from engines.tts.unit import said_of
from ipc.snapshot import Scalar
from ipc.speech import Said
from ipc.work import (
    Applied,
    Apply,
    ApplyFailed,
    Beat,
    CancelFlight,
    Fly,
    Landed,
    Leave,
    Load,
    Loaded,
    LoadFailed,
    UnitDone,
    UnitOrder,
)

pytestmark = pytest.mark.anyio
pytest_plugins = ["speech_fixtures"]

SHORT = "The boiler works."
LONG = "The boiler feeds the engine, and the engine turns the wheel, and nobody sees the steam."


async def load(engine: Child, settings: Mapping[str, Scalar]) -> Loaded | LoadFailed:
    """Its answer; imports take seconds, so each sign of life is waited for by itself."""
    engine.send(Load(knobs(settings, "tts")))
    while True:
        await engine.until(object)
        for message in engine.heard:
            if isinstance(message, Loaded | LoadFailed):
                return message


def job(number: int, folder: Path, *texts: str, deterministic: bool = False) -> Fly:
    orders = tuple(UnitOrder("j", at, unit(text), str(folder / f"{number}-{at}")) for at, text in enumerate(texts))
    return Fly(number, orders, stream=False, deterministic=deterministic)


def person(number: int, text: str) -> Fly:
    return Fly(number, (UnitOrder("", 0, ask(text)),), stream=True, deterministic=False)


async def landed(engine: Child, *flights: int) -> None:
    while not {Landed(flight) for flight in flights} <= {one for one in engine.heard if isinstance(one, Landed)}:
        await engine.until(object)


def done(engine: Child, flight: int) -> list[UnitDone]:
    return [message for message in engine.heard if isinstance(message, UnitDone) and message.flight == flight]


async def test_a_child_speaks_for_jobs_and_people_and_takes_changes(miniature: Path, tmp_path: Path) -> None:
    settings: dict[str, Scalar] = {
        "model": str(miniature), "gpu": "cpu", "parallel": 2, "flow_steps": 1, "attempts": 0, "seed": 1,
    }  # fmt: skip
    async with child(tmp_path, settings, kind="tts") as engine:
        loaded = await load(engine, settings)
        assert isinstance(loaded, Loaded)
        assert loaded.model == "miniature"
        assert loaded.footprint_bytes > 2**20

        engine.send(job(1, tmp_path, SHORT, LONG), person(2, "Hello."))
        await landed(engine, 1, 2)
        for at, message in enumerate(sorted(done(engine, 1), key=lambda message: message.index)):
            said: Said = said_of(message.result)
            assert len(decode(tmp_path / f"1-{at}")) == said.samples
            assert message.file_bytes == (tmp_path / f"1-{at}").stat().st_size
            assert message.audio_seconds == said.samples / 24000
        (answer,) = done(engine, 2)
        assert json.loads(answer.result)["audio"]

        engine.send(job(3, tmp_path, LONG), job(4, tmp_path, SHORT))
        engine.send(Apply(knobs({**settings, "cleanup": "every"}, "tts")), CancelFlight(3))
        applied = await engine.until(Applied)
        assert applied.settings["cleanup"] == "every"
        await landed(engine, 3, 4)
        assert not done(engine, 3)
        assert len(done(engine, 4)) == 1

        for number, change in ((5, {"temperature": 0.1}), (6, {"parallel": 1}), (7, {"quantization": "int8"})):
            engine.send(Apply(knobs({**settings, **change}, "tts")))
            changed = await engine.until(Applied)
            assert change.items() <= changed.settings.items()
            engine.send(job(number, tmp_path, SHORT))
            await landed(engine, number)
            assert len(done(engine, number)) == 1
        assert changed.quantization == "INT8"

        engine.send(Apply(knobs({**settings, "model": str(tmp_path)}, "tts")))
        failed = await engine.until(ApplyFailed)
        assert failed.problem.title == "Not a Chatterbox checkpoint"
        await engine.until(Beat)
        assert "characters" in engine.beats[-1].words
        engine.send(Leave())
        assert await engine.exit_code() == 0
    assert "Traceback" not in engine.log()


async def test_a_checkpoint_cut_short_is_refused_for_good(miniature: Path, tmp_path: Path) -> None:
    for name in ("ve.safetensors", "t3_cfg.safetensors", "tokenizer.json", "conds.pt"):
        (tmp_path / name).write_bytes((miniature / name).read_bytes())
    (tmp_path / "s3gen.safetensors").write_bytes((miniature / "s3gen.safetensors").read_bytes()[:-1])
    settings: dict[str, Scalar] = {"model": str(tmp_path)}
    async with child(tmp_path, settings, kind="tts") as engine:
        failed = await load(engine, settings)
    assert isinstance(failed, LoadFailed)
    assert failed.permanent
    assert failed.problem.title == "Model truncated"
