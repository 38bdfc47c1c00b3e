"""The engine as a child process: many clients' flights over one link, one load for all, changes while it flies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from embed_kit import EXPECTED, TEXTS, cosines, numbers
from spawned import Child, child

from ipc.work import Applied, Apply, Beat, CancelFlight, Fly, Landed, Leave, Loaded, UnitDone, UnitOrder

pytestmark = pytest.mark.anyio
pytest_plugins = ["embed_fixtures"]
KNOBS = {"threads": 1}


def ask(number: int, *texts: str) -> Fly:
    return Fly(number, (UnitOrder("", 0, json.dumps({"texts": list(texts)})),), stream=True, deterministic=False)


def unit(number: int, folder: Path, *texts: str) -> Fly:
    payload = json.dumps([{"text": text, "id": str(at)} for at, text in enumerate(texts)])
    return Fly(
        number, (UnitOrder("j", number, payload, str(folder / f"u{number}")),), stream=False, deterministic=False
    )


async def landed(engine: Child, count: int) -> None:
    for _ in range(count):
        await engine.until(Landed)


def done(engine: Child) -> dict[int, UnitDone]:
    """By flight."""
    return {message.flight: message for message in engine.heard if isinstance(message, UnitDone)}


async def test_many_flights_share_one_load_and_each_gets_its_own(data: Path, tmp_path: Path) -> None:
    async with child(tmp_path, KNOBS, kind="embed") as engine:
        loaded = await engine.load(KNOBS, "embed")
        assert (loaded.model, loaded.quantization) == ("minilm", "F32")
        assert loaded.footprint_bytes > 50 * 2**20
        engine.send(*(ask(number, text) for number, text in enumerate(TEXTS)))
        engine.send(unit(90, tmp_path, *TEXTS))
        await landed(engine, len(TEXTS) + 1)
        results = done(engine)
        vectors = [numbers(json.loads(results[number].result)["vectors"]) for number in range(len(TEXTS))]
        assert cosines(np.concatenate(vectors), EXPECTED).min() > 0.99999
        kept = np.fromfile(tmp_path / "u90", "<f4").reshape(-1, 384)
        assert cosines(kept, EXPECTED).min() > 0.999
        assert results[90].file_bytes == 16 * 384 * 4
        assert len([message for message in engine.heard if isinstance(message, Loaded)]) == 1
        while not engine.beats or not engine.beats[-1].words:
            await engine.until(object)
        assert engine.beats[-1].words.startswith("cache ")
        engine.send(Leave())
        assert await engine.exit_code() == 0


async def test_a_smaller_batch_applies_while_a_unit_is_computed(data: Path, tmp_path: Path) -> None:
    settings = {**KNOBS, "batch_size": 4}
    async with child(tmp_path, settings, kind="embed") as engine:
        await engine.load(settings, "embed")
        engine.send(unit(1, tmp_path, *(f"{number} " + "boiler " * 60 for number in range(100))))
        engine.send(Apply({**settings, "batch_size": 2}))
        applied = await engine.until(Applied)
        assert applied.settings["batch_size"] == 2
        assert not done(engine), "the unit was still in the air"
        await engine.until(Landed)
        assert set(done(engine)) == {1}


async def test_a_cancelled_flight_ends_soon_and_the_others_go_on(data: Path, tmp_path: Path) -> None:
    settings = {**KNOBS, "batch_size": 2}
    async with child(tmp_path, settings, kind="embed") as engine:
        await engine.load(settings, "embed")
        engine.send(unit(1, tmp_path, *(f"{number} " + "boiler " * 60 for number in range(300))), ask(2, "hello"))
        engine.send(CancelFlight(1))
        await landed(engine, 2)
        assert set(done(engine)) == {2}
        assert [message.flight for message in engine.heard if isinstance(message, Landed)] != []


async def test_more_threads_are_another_session_with_the_same_vectors(data: Path, tmp_path: Path) -> None:
    async with child(tmp_path, KNOBS, kind="embed") as engine:
        await engine.load(KNOBS, "embed")
        await engine.fly(ask(1, *TEXTS))
        engine.send(Apply({**KNOBS, "threads": 2, "cache_entries": 0}))
        await engine.until(Applied)
        await engine.fly(ask(2, *TEXTS))
        results = done(engine)
        first, second = (numbers(json.loads(results[number].result)["vectors"]) for number in (1, 2))
        assert cosines(first, second).min() > 0.99999


async def test_kept_vectors_outlive_the_process(data: Path, tmp_path: Path) -> None:
    settings = {**KNOBS, "cache_keep": True}
    for expected in (15, 0):
        async with child(tmp_path, settings, kind="embed") as engine:
            await engine.load(settings, "embed")
            before = await engine_tokens(engine)
            await engine.fly(ask(1, *TEXTS))
            computed = (await engine_tokens(engine)) - before
            assert (computed > 0) == (expected > 0)
            engine.send(Leave())
            assert await engine.exit_code() == 0
    (file,) = (data / "vectors").iterdir()
    assert file.name == "writer.vectors"
    assert file.stat().st_mode & 0o077 == 0, "vectors tell of the texts"


async def engine_tokens(engine: Child) -> int:
    """What its next beat says it has computed."""
    return (await engine.until(Beat)).tokens
