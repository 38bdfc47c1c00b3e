"""The engine's process, spoken to as the supervisor does: every message, and the answer to each."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from spawned import child, fly, knobs

from engines.flight import AirborneFlight
from engines.worker import Worker
from ipc import work
from ipc.snapshot import Scalar

pytestmark = pytest.mark.anyio
MIB = 2**20


async def test_greets_as_an_engine_of_its_kind(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        assert (fake.who.role, fake.who.kind, fake.who.pid) == ("engine", "fake", fake.process.pid)


async def test_beats_before_any_order_and_counts_tokens(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        first = await fake.until(work.Beat)
        assert first == work.Beat(progress=0, tokens=0)
        await fake.load()
        await fake.fly(fly(1, {"prompt": "hello"}))
        while (beat := await fake.until(work.Beat)).tokens < 6:  # one of the self-test, five of the unit
            pass
        assert beat.tokens == 6
        assert beat.progress >= beat.tokens


async def test_load_measures_what_it_took(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        loaded = await fake.load({"load_bytes": 64 * MIB})
        assert loaded.model == "fake"
        assert loaded.quantization is None
        assert 60 * MIB < loaded.footprint_bytes < 90 * MIB
        assert loaded.settings == knobs({"load_bytes": 64 * MIB})


async def test_unload_gives_back_all_but_what_leaks(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"load_bytes": 64 * MIB})
        fake.send(work.Unload())
        assert (await fake.until(work.Unloaded)).residue_bytes < 4 * MIB
        await fake.load({"load_bytes": 64 * MIB, "leak_bytes": 32 * MIB})
        fake.send(work.Unload())
        assert 30 * MIB < (await fake.until(work.Unloaded)).residue_bytes < 40 * MIB


async def test_load_tells_how_far_it_is(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"load_seconds": 0.5})
        fractions = [message.fraction for message in fake.heard if isinstance(message, work.LoadProgress)]
        assert len(fractions) > 5
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0


async def test_unload_cancels_the_load_under_way(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        fake.send(work.Load(knobs({"load_seconds": 600})))
        await fake.until(work.LoadProgress)
        asked = time.monotonic()
        fake.send(work.Unload())
        await fake.until(work.Unloaded)
        assert time.monotonic() - asked < 1
        assert not any(isinstance(message, work.Loaded | work.LoadFailed) for message in fake.heard)
        await fake.load()


async def test_unload_behind_two_loads_cancels_both(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        fake.send(work.Load(knobs({"load_seconds": 600})), work.Load(knobs({"load_seconds": 600})), work.Unload())
        await fake.until(work.Unloaded)
        assert not any(isinstance(message, work.Loaded | work.LoadFailed) for message in fake.heard)


async def test_a_load_that_cannot_work_is_permanent(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        fake.send(work.Load(knobs({"fail_load": "The file is cut short."})))
        failed = await fake.until(work.LoadFailed)
        assert (failed.permanent, failed.out_of_memory) == (True, False)
        assert failed.problem.detail == "The file is cut short."
        await fake.load()


async def test_settings_out_of_range_fail_the_load_with_the_engine_s_name(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        fake.send(work.Load(knobs({"parallel": -1})))
        failed = await fake.until(work.LoadFailed)
        assert failed.permanent
        assert "writer" in failed.problem.detail


async def test_a_load_out_of_memory_says_so_and_a_smaller_one_works(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        fake.send(work.Load(knobs({"parallel": 4, "units_that_fit": 2})))
        failed = await fake.until(work.LoadFailed)
        assert (failed.permanent, failed.out_of_memory) == (False, True)
        await fake.load({"parallel": 2, "units_that_fit": 2})


async def test_a_flight_answers_every_unit_then_lands(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        said = await fake.fly(fly(7, {"prompt": "one two"}, {"prompt": "three"}, {"prompt": "one two"}))
        done = {m.index: m for m in said if isinstance(m, work.UnitDone)}
        assert sorted(done) == [0, 1, 2]
        assert len(said) == 3
        assert done[0].flight == 7
        assert done[0].result == done[2].result != done[1].result
        result = json.loads(done[0].result)
        assert (result["tokens"], result["prompt_tokens"], result["finish"]) == (5, 2, "stop")
        assert done[0].ttft_seconds is not None
        assert 0 < done[0].ttft_seconds < done[0].seconds


async def test_a_stream_is_the_answer_in_pieces(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"tokens_per_unit": 40})
        said = await fake.fly(fly(1, {"prompt": "a"}, {"prompt": "b"}, stream=True))
        for index in (0, 1):
            pieces = [m.text for m in said if isinstance(m, work.Piece) and m.index == index]
            (done,) = [m for m in said if isinstance(m, work.UnitDone) and m.index == index]
            assert len(pieces) == 40
            assert "".join(pieces) == json.loads(done.result)["answer"]


async def test_a_flight_without_stream_says_no_pieces(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        assert [type(m) for m in await fake.fly(fly(1, {"prompt": "a"}))] == [work.UnitDone]


async def test_a_bad_unit_fails_and_the_rest_goes_on(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        said = await fake.fly(fly(1, {"nonsense": 1}, {"prompt": "a", "habit": "fail"}, {"prompt": "b"}))
        assert {m.index for m in said if isinstance(m, work.UnitFailed)} == {0, 1}
        assert {m.index for m in said if isinstance(m, work.UnitDone)} == {2}


async def test_cancel_ends_a_flight_within_a_step(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"tokens_per_unit": 1000})
        fake.send(fly(1, {"prompt": "a", "habit": "slow:600"}, stream=True))
        await fake.until(work.Piece)
        asked = time.monotonic()
        fake.send(work.CancelFlight(1))
        await fake.until(work.Landed)
        assert time.monotonic() - asked < 0.5
        assert not any(isinstance(m, work.UnitDone | work.UnitFailed) for m in fake.heard)
        assert len(await fake.fly(fly(2, {"prompt": "b"}))) == 1


async def test_cancel_of_a_flight_not_begun_does_not_wait_for_the_one_before(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(fly(1, {"prompt": "a", "habit": "slow:600"}), fly(2, {"prompt": "b"}), work.CancelFlight(2))
        assert (await fake.until(work.Landed)).flight == 2
        fake.send(work.CancelFlight(1))
        assert (await fake.until(work.Landed)).flight == 1


async def test_cancel_of_a_flight_that_has_landed_is_nothing(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        await fake.fly(fly(1, {"prompt": "a"}))
        fake.send(work.CancelFlight(1))
        assert len(await fake.fly(fly(2, {"prompt": "b"}))) == 1


async def test_apply_puts_settings_in_force(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(work.Apply(knobs({"tokens_per_unit": 9, "load_bytes": 32 * MIB})))
        applied = await fake.until(work.Applied)
        assert applied.settings == knobs({"tokens_per_unit": 9, "load_bytes": 32 * MIB})
        assert applied.footprint_bytes > 30 * MIB
        (done,) = await fake.fly(fly(1, {"prompt": "a"}))
        assert isinstance(done, work.UnitDone)
        assert done.tokens == 9


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens_per_unit": 9, "fail_apply": "Not today."},
        {"tokens_per_unit": 9, "parallel": 4, "units_that_fit": 2},
        {"tokens_per_unit": 0},
        {"tokens_per_unit": 9, "no_such_knob": 1},
    ],
)
async def test_a_change_that_fails_leaves_what_worked(tmp_path: Path, changes: dict[str, str | int]) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(work.Apply(knobs(changes)))
        await fake.until(work.ApplyFailed)
        (done,) = await fake.fly(fly(1, {"prompt": "a"}))
        assert isinstance(done, work.UnitDone)
        assert done.tokens == 5


async def test_a_change_of_batch_size_is_in_force_without_a_load(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(work.Apply(knobs({"batch_size": 50})))
        assert (await fake.until(work.Applied)).settings == knobs({"batch_size": 50})
        assert not any(isinstance(message, work.LoadProgress) for message in fake.heard[1:])


async def test_a_unit_of_several_lines_takes_the_time_of_one_and_answers_each(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"seconds_per_unit": 0.5})
        lines: list[dict[str, Scalar]] = [{"prompt": "a", "id": 1}, {"prompt": "b c"}, {"prompt": "a"}]
        many, *single = await fake.fly(fly(1, lines, *lines, stream=False))
        assert isinstance(many, work.UnitDone)
        assert many.tokens == 15
        assert 0.5 <= many.seconds < 1.5
        alone = {one.index: json.loads(one.result) for one in single if isinstance(one, work.UnitDone)}
        assert json.loads(many.result) == [alone[1], alone[2], alone[3]]


async def test_a_unit_of_several_lines_streams_each_on_a_line_of_its_own(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        said = await fake.fly(fly(1, [{"prompt": "a"}, {"prompt": "b"}], stream=True))
        text = "".join(message.text for message in said if isinstance(message, work.Piece))
        assert isinstance(said[-1], work.UnitDone)
        assert text.split("\n") == [one["answer"] for one in json.loads(said[-1].result)]


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_the_habit_of_any_line_is_that_of_its_unit(tmp_path: Path, at: int) -> None:
    lines: list[dict[str, Scalar]] = [{"prompt": str(n)} for n in range(3)]
    async with child(tmp_path) as fake:
        await fake.load()
        lines[at]["habit"] = "fail"
        assert [type(m) for m in await fake.fly(fly(1, lines))] == [work.UnitFailed]
        lines[at]["habit"] = "slow:0.3"
        (done,) = await fake.fly(fly(2, lines))
        assert isinstance(done, work.UnitDone)
        assert done.seconds >= 0.3
        lines[at]["habit"] = "crash"
        fake.send(fly(3, lines))
        assert await fake.exit_code() == 1


async def test_a_list_of_no_lines_is_a_bad_unit(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        assert [type(m) for m in await fake.fly(fly(1, []))] == [work.UnitFailed]


async def test_says_how_much_sound_it_made_where_it_made_some(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        for told, said in ((0.0, None), (1.5, 1.5)):
            await fake.load({"audio_seconds": told})
            (done,) = await fake.fly(fly(1, {"prompt": "a"}))
            assert isinstance(done, work.UnitDone)
            assert done.audio_seconds == said


async def test_a_burst_of_pieces_arrives_whole_and_in_order(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"tokens_per_unit": 50_000, "seconds_per_unit": 0})
        said = await fake.fly(fly(1, {"prompt": "a"}, stream=True))
        done = said[-1]
        pieces = [m.text for m in said if isinstance(m, work.Piece)]
        assert len(pieces) == 50_000
        assert isinstance(done, work.UnitDone)
        assert json.loads(done.result)["answer"] == "".join(pieces)


async def test_a_person_is_answered_with_up_to_4_mib_and_a_unit_of_a_job_without_a_file_with_64_kib() -> None:
    heard: list[work.FromChild] = []
    worker = Worker(asyncio.get_running_loop(), heard.append, lambda _: None)
    for number, (stream, size) in enumerate([(True, 2**22), (True, 2**22 + 1), (False, 2**16), (False, 2**16 + 1)]):
        flight = AirborneFlight(fly(number, {"prompt": "a"}, stream=stream), worker)
        flight.done(flight.orders[0], "x" * size, tokens=1, seconds=1.0, ttft_seconds=None)
    await asyncio.sleep(0)
    done, failed, short, long = heard
    assert isinstance(done, work.UnitDone)
    assert isinstance(failed, work.UnitFailed)
    assert "4,194,305 bytes, over the limit of 4,194,304" in failed.problem.detail
    assert isinstance(short, work.UnitDone)
    assert isinstance(long, work.UnitFailed)
    assert "65,537 bytes, over the limit of 65,536" in long.problem.detail
