"""The engine as a child process: loads, refusals, changes of settings, and memory that comes back."""

from __future__ import annotations

import wave
from pathlib import Path

import msgspec
import pytest
from spawned import Child, child, knobs
from stt_engine_kit import payload, samples_of, text_of, transcripts, unit_of_all, utterances

from engines.stt.miniature.wrong_words import word_errors
from engines.stt.unit import encode, heard_of
from ipc.hearing import Listened
from ipc.work import (
    Applied,
    Apply,
    ApplyFailed,
    Beat,
    CancelFlight,
    Feed,
    Fly,
    Landed,
    Leave,
    Load,
    LoadFailed,
    Piece,
    UnitDone,
    UnitFailed,
    UnitOrder,
    Unload,
    Unloaded,
)

pytestmark = pytest.mark.anyio
QUICK = {"cpu_threads": 1, "beam_size": 1, "batch_size": 1}


def flight(number: int, *files: Path, stream: bool = False) -> Fly:
    units = tuple(UnitOrder("j", at, encode(unit_of_all(file))) for at, file in enumerate(files))
    return Fly(number, units, stream, deterministic=False)


def done(engine: Child) -> list[UnitDone]:
    return [message for message in engine.heard if isinstance(message, UnitDone)]


async def test_a_child_hears_through_changes_of_all_prices(tmp_path: Path) -> None:
    file = utterances(5)[4]
    async with child(tmp_path, QUICK, kind="stt") as engine:
        loaded = await engine.load(QUICK, "stt")
        assert (loaded.model, loaded.quantization) == ("miniature", "int8")
        await engine.fly(flight(1, file))
        for changes in ({"batch_size": 2}, {"beam_size": 2}, {"parallel": 4}, {"quantization": "float32"}):
            engine.send(Apply({**knobs(QUICK, "stt"), **changes}))
            applied = await engine.until(Applied)
            assert applied.quantization == ("float32" if "quantization" in changes else "int8")
        await engine.fly(flight(2, file))
        said = transcripts()[file.name]
        for answer in done(engine):
            assert word_errors(said, text_of(heard_of(answer.result))) <= 1
            assert answer.audio_seconds == pytest.approx(samples_of(file) / 16000)
            assert answer.confidence is not None
        assert [heard_of(answer.result).model for answer in done(engine)] == ["miniature int8", "miniature float32"]
        engine.send(Leave())
        assert await engine.exit_code() == 0


async def test_what_cannot_be_is_refused_in_words_and_what_works_stays(tmp_path: Path) -> None:
    async with child(tmp_path, QUICK, kind="stt") as engine:
        engine.send(Load(knobs({**QUICK, "quantization": "float16"}, "stt")))
        failed = await engine.until(LoadFailed)
        assert "cannot compute in float16" in failed.problem.detail
        assert "float32" in failed.problem.hint
        assert failed.permanent
        engine.send(Load(knobs({**QUICK, "model": "nobody/has-this"}, "stt")))
        assert "was not fetched" in (await engine.until(LoadFailed)).problem.detail
        await engine.load(QUICK, "stt")
        for changes, words in (
            ({"temperatures": "hot"}, "are not numbers"),
            ({"language": "fr"}, "knows English only"),
            ({"phantoms": "/nowhere"}, "phantoms = /nowhere"),
            ({"quantization": "bfloat16"}, "cannot compute in bfloat16"),
        ):
            engine.send(Apply({**knobs(QUICK, "stt"), **changes}))
            assert words in (await engine.until(ApplyFailed)).problem.detail
        await engine.fly(flight(1, utterances(5)[4]))
        assert len(done(engine)) == 1


async def test_a_cancelled_flight_lands_and_a_bad_order_fails_alone(tmp_path: Path) -> None:
    async with child(tmp_path, QUICK, kind="stt") as engine:
        await engine.load(QUICK, "stt")
        files = utterances(5)
        engine.send(flight(1, *files * 4))
        await engine.until(UnitDone)
        engine.send(CancelFlight(1))
        await engine.until(Landed)
        assert len(done(engine)) < 20
        order = UnitOrder("j", 0, '{"what": "nothing"}')
        await engine.fly(Fly(2, (order,), True, deterministic=False))
        assert any(isinstance(message, UnitFailed) for message in engine.heard)
        assert payload(unit_of_all(files[0]))["source"]["path"] == str(files[0])


async def test_who_speaks_with_pauses_is_heard_to_the_end_and_counts_as_work_all_the_time(tmp_path: Path) -> None:
    file, settings = utterances(1)[0], {**QUICK, "stall_after": 1.0}
    with wave.open(str(file)) as recorded:
        sound = recorded.readframes(recorded.getnframes()) + bytes(32000)
    order = UnitOrder("", 0, '{"live":true}')
    async with child(tmp_path, settings, kind="stt") as engine:
        await engine.load(settings, "stt")
        engine.send(Fly(1, (order,), True, deterministic=False))
        for at in range(0, len(sound), 16000):
            engine.send(Feed(1, sound[at : at + 16000], end=False))
        await engine.until(Piece)
        await engine.until(Beat)
        progress = [(await engine.until(Beat)).progress for _ in range(3)]
        assert progress[0] < progress[-1], "who waits for more sound does not hang"
        await engine.fly(flight(2, file))
        engine.send(Feed(1, sound, end=False), Feed(1, b"", end=True))
        await engine.until(Landed)
        job, live = done(engine)
        said = transcripts()[file.name]
        assert word_errors(said, text_of(heard_of(job.result))) <= 1
        assert word_errors(f"{said} {said}", msgspec.json.decode(live.result, type=Listened).text) <= 2
        assert live.tokens > 0
        assert (await engine.until(Beat)).tokens >= live.tokens
        engine.send(Leave())
        assert await engine.exit_code() == 0


async def test_an_unload_gives_the_memory_back(tmp_path: Path) -> None:
    async with child(tmp_path, QUICK, kind="stt") as engine:
        residues: list[int] = []
        for _ in range(6):
            await engine.load(QUICK, "stt")
            engine.send(Unload())
            residues.append((await engine.until(Unloaded)).residue_bytes)
        assert max(residues[2:]) - min(residues[2:]) < 4 * 2**20, "each load begins where the last began"
