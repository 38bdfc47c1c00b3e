"""A foreman with pools: which engines it wakes and what it sends them, through moves, deaths and its own end."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec
import pytest
from job_site import Site, lines_of, site

from config.pools import Pool, parse_route
from ipc import control, work
from ipc.errors import RequestFailed
from supervisor.jobs.choices import ONE_BY_ONE
from supervisor.jobs.floor import EngineView
from supervisor.jobs.line import HEAD
from supervisor.jobs.routes import MOST_WAITING, STOCK
from supervisor.jobs.schedule import LEAST_WINDOW

pytestmark = pytest.mark.anyio

KINDS = {"small": "fake", "large": "fake"}
EARS = Pool("ears", "fake", parse_route("small < 30s < large", KINDS))
EITHER = Pool("either", "fake", parse_route("large small", KINDS))
SMALL = EngineView("small", 2, False, True, True, "", loaded=True)
LARGE = EngineView("large", 2, False, True, True, "", loaded=True)
WHY = "large is stopped by the operator: engineroom start large"


def down(view: EngineView) -> EngineView:
    return msgspec.structs.replace(view, free=False, loaded=False)


def strict(view: EngineView) -> EngineView:
    return msgspec.structs.replace(view, deterministic=True)


def stopped(view: EngineView) -> EngineView:
    return msgspec.structs.replace(view, free=False, available=False, why_not=WHY)


def record(it: Site, name: str, extent: float | None, *lines: str) -> str:
    """A recording of so many seconds, of these lines."""
    path = Path(it.path(name))
    told = {} if extent is None else {"extent": extent}
    rows = [msgspec.json.encode({"prompt": line, "id": line, **told}).decode() for line in lines]
    path.write_text("".join(f"{row}\n" for row in rows))
    return str(path)


def remove(path: str) -> None:
    Path(path).unlink()


def three(it: Site) -> tuple[str, ...]:
    return (
        record(it, "a.wav", 5.0, "a0", "a1"),
        record(it, "b.wav", 723.2, "b0", "b1", "b2"),
        record(it, "c.wav", 7.0, "c0"),
    )


def by_engine(it: Site) -> dict[str, list[str]]:
    """The lines that each engine was sent."""
    sent: dict[str, list[str]] = {}
    for engine, message in it.floor.flown:
        sent.setdefault(engine, []).extend(line for order in message.units for line in lines_of(order))
    return sent


async def test_each_recording_goes_where_its_length_says_and_that_is_told(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL, LARGE, pools=[EARS]) as it:
        row = await it.submit(inputs=(*three(it), record(it, "d.wav", None, "d0")))
        assert row.engine == "ears", "it named none, and there is one pool"
        await it.finish(row.id)
        assert by_engine(it) == {"small": ["a0", "a1", "c0"], "large": ["b0", "b1", "b2", "d0"]}
        assert it.answers() == [f"done {line}" for line in ("a0", "a1", "b0", "b1", "b2", "c0", "d0")]
        assert [
            text for _, about, word, text in it.floor.happenings if word == "recording-routed" and about == row.id
        ] == [
            "a.wav (5 s) goes to small: under 30 s.",
            "b.wav (12 min 3 s) goes to large: 30 s and more.",
            "c.wav (7 s) goes to small: under 30 s.",
            "d.wav (length unknown) goes to large, as the longest do.",
        ]
        assert it.foreman.hits("ears") == (4, 0)


async def test_only_engines_that_something_waits_for_are_wanted_and_woken(tmp_path: Path) -> None:
    async with site(tmp_path, down(SMALL), down(LARGE), pools=[EARS]) as it:
        await it.submit(inputs=(record(it, "a.wav", 5.0, "a0"),))
        await it.plan()
        assert set(it.floor.woken) == {"small"}
        assert it.foreman.wanted() == {"small"}
        await it.submit(inputs=(record(it, "b.wav", 50.0, "b0"),), output=it.path("other.jsonl"))
        await it.plan()
        assert set(it.floor.woken) == {"small", "large"}, "each, and not one after the other"
        assert it.foreman.wanted() == {"small", "large"}


async def test_a_job_of_short_and_long_recordings_wakes_both(tmp_path: Path) -> None:
    async with site(tmp_path, down(SMALL), down(LARGE), pools=[EARS]) as it:
        await it.submit(inputs=three(it))
        for _ in range(3):
            await it.plan()
        assert set(it.floor.woken) == {"small", "large"}
        for name in ("small", "large"):
            it.floor.change(name, free=True, loaded=True)
            it.foreman.engine_changed(name)
        await it.finish(it.row().id)
        assert it.foreman.hits("ears") == (1, 2), "c came with the model that a had waited for"


async def test_an_engine_of_the_pool_that_is_named_does_it_all(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL, LARGE, pools=[EARS]) as it:
        row = await it.submit(inputs=three(it), engine="small")
        await it.finish(row.id)
        assert set(by_engine(it)) == {"small"}
        assert it.foreman.hits("ears") == (0, 0)


async def test_moved_to_any_a_job_goes_through_the_only_pool(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL, LARGE, pools=[EARS]) as it:
        row = await it.submit(inputs=three(it), engine="small")
        moved = await it.foreman.steer(control.MoveJob(row.id, ""))
        assert moved.engine == "ears"


async def test_a_job_is_moved_to_an_engine_to_a_pool_and_back(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL, LARGE, pools=[EARS, EITHER]) as it:
        it.floor.change("large", free=False)
        row = await it.submit(inputs=three(it), engine="ears")
        for _ in range(3):
            await it.plan()
        engine, first = await it.flight()
        assert engine == "small"
        assert (await it.foreman.steer(control.MoveJob(row.id, "large"))).engine == "large"
        it.do(engine, first)
        it.land(engine, first)
        it.second()
        assert len(it.floor.flown) == 1, "what was composed ahead for small is not sent"
        assert (await it.foreman.steer(control.MoveJob(row.id, "either"))).engine == "either"
        it.second()
        engine, second = await it.flight()
        assert (engine, lines_of(second.units[0])) == ("small", ["b0"])
        it.do(engine, second)
        it.land(engine, second)
        await it.foreman.steer(control.MoveJob(row.id, "ears"))
        it.floor.change("large", free=True)
        await it.finish(row.id)
        assert it.answers() == [f"done {line}" for line in ("a0", "a1", "b0", "b1", "b2", "c0")]
        assert by_engine(it)["large"] == ["b2"]


async def test_what_waits_for_an_engine_that_is_stopped_says_so_once_nothing_else_is_left(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL, stopped(LARGE), pools=[EARS]) as it:
        row = await it.submit(inputs=three(it))
        assert await it.held(row.id) == WHY
        assert by_engine(it) == {"small": ["a0", "a1", "c0"]}
        it.floor.change("large", free=True, available=True, why_not="")
        await it.finish(row.id)


async def test_many_jobs_for_an_engine_that_is_stopped_keep_no_job_from_another(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL, stopped(LARGE), pools=[EARS]) as it:
        for n in range(HEAD):
            await it.submit(inputs=(record(it, f"{n}.wav", 100.0, "b"),), output=it.path(f"{n}.jsonl"))
        row = await it.submit(inputs=(record(it, "short.wav", 5.0, "a"),), output=it.path("short.jsonl"))
        await it.finish(row.id)
        assert by_engine(it) == {"small": ["a"]}


@pytest.mark.parametrize("sure", [False, True])
async def test_a_long_recording_for_a_stopped_engine_hides_no_short_one_after_it(tmp_path: Path, sure: bool) -> None:
    engines = SMALL, stopped(LARGE)
    async with site(tmp_path, *(map(strict, engines) if sure else engines), pools=[EARS]) as it:
        first = record(it, "a.wav", 5.0, "a0")
        long = record(it, "b.wav", 36_000.0, *(f"b{n}" for n in range(STOCK * LEAST_WINDOW + 1)))
        row = await it.submit(inputs=(first, long, record(it, "c.wav", 5.0, "c0")))
        assert await it.held(row.id) == WHY
        assert by_engine(it) == {"small": ["a0", "c0"]}


async def test_a_job_that_fills_the_memory_says_that_no_more_is_read(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL, stopped(LARGE), pools=[EARS]) as it:
        long = record(it, "b.wav", 3.6e6, *(f"b{n}" for n in range(MOST_WAITING)))
        row = await it.submit(inputs=(long, record(it, "c.wav", 5.0, "c0")))
        await it.live(lambda: "waiting units" in it.row(row.id).reason)
        assert it.row(row.id).reason == f"{WHY}; what comes after its 16,384 waiting units is read once these go on"
        assert by_engine(it) == {}


async def test_companies_form_within_a_stage_and_fly_again_as_they_were(tmp_path: Path) -> None:
    engines = strict(SMALL), strict(LARGE)
    async with site(tmp_path, *engines, pools=[EARS]) as it:
        row = await it.submit(inputs=three(it))
        for _ in range(3):
            await it.plan()
        flights = [await it.flight() for _ in range(2)]
        told = {engine: [lines_of(order)[0] for order in message.units] for engine, message in flights}
        assert told == {"small": ["a0", "a1"], "large": ["b0", "b1"]}
    async with site(tmp_path, *reversed(engines), pools=[EARS]) as it:  # the next supervisor's life
        await it.finish(row.id)
        assert by_engine(it) == {"small": ["a0", "a1", "c0"], "large": ["b0", "b1", "b2"]}
        assert [len(message.units) for _, message in it.floor.flown] == [2, 2, 1, 1]


async def test_a_dead_engines_units_go_back_to_their_stage(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL, LARGE, pools=[EARS]) as it:
        row = await it.submit(inputs=three(it))
        for _ in range(3):
            await it.plan()
        flights = dict([await it.flight() for _ in range(2)])
        it.lose("large", flights["large"], "outside")
        it.do("small", flights["small"])
        it.land("small", flights["small"])
        await it.finish(row.id)
        assert set(by_engine(it)["small"]) == {"a0", "a1", "c0"}
        redone = await it.redo(row.id, "b0")
        await it.finish(redone.id)
        assert by_engine(it)["large"][-1] == "b0"


async def test_without_its_pool_a_job_is_held_and_can_be_moved(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL, LARGE, pools=[EARS]) as it:
        row = await it.submit(inputs=three(it), engine="ears")
    async with site(tmp_path, SMALL, LARGE) as it:
        assert await it.held(row.id) == "ears is missing in the configuration"
        await it.foreman.steer(control.MoveJob(row.id, "large"))
        await it.finish(row.id)


async def test_a_request_goes_to_a_member_that_is_ready(tmp_path: Path) -> None:
    async with site(tmp_path, down(SMALL), LARGE, pools=[EARS]) as it:
        answers: list[control.Piece | control.Answered] = []

        async def ask() -> None:
            answers.extend([item async for item in it.foreman.answering.ask("ears", '{"prompt": "?"}')])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            engine, message = await it.flight()
            assert engine == "large"
            it.foreman.said(engine, work.UnitDone(message.flight, "", 0, '"yes"', 1, 0.5, 0.1))
            it.land(engine, message)
        assert answers == [control.Answered('"yes"', 1, 0.5, 0.1)]
        assert it.foreman.hits("ears") == (1, 0)
        it.floor.change("large", free=False, loaded=False)
        it.foreman.engine_changed("large")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await it.until(lambda: "small" in it.floor.woken)
            assert it.foreman.hits("ears") == (1, 0), "it may be refused yet"
            it.floor.change("small", free=True, loaded=True)
            it.foreman.engine_changed("small")
            engine, message = await it.flight()
            assert it.foreman.hits("ears") == (1, 1)
            it.land(engine, message)  # a drain took it away before it began
            engine, message = await it.flight()
            assert it.foreman.hits("ears") == (1, 1), "each request counts once"
            it.foreman.said(engine, work.UnitDone(message.flight, "", 0, '"yes"', 1, 0.5, 0.1))
            it.land(engine, message)


async def test_a_request_that_is_refused_does_not_count(tmp_path: Path) -> None:
    async with site(tmp_path, stopped(SMALL), stopped(LARGE), pools=[EARS]) as it:
        with pytest.raises(RequestFailed):
            [_ async for _ in it.foreman.answering.ask("ears", '{"prompt": "?"}')]
        assert it.foreman.hits("ears") == (0, 0)


async def test_the_rest_is_told_though_the_last_input_cannot_be_read(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL, LARGE, pools=[EARS]) as it:
        many = tuple(record(it, f"{n}.wav", 5.0, "a") for n in range(ONE_BY_ONE + 3))
        last = record(it, "none.wav", 5.0, "a")
        row = await it.submit(inputs=(*many, last))
        remove(last)
        await it.finish(row.id, "done with problems")
        told = [text for _, _, word, text in it.floor.happenings if word == "recording-routed"]
        assert told[-1] == "3 more recordings: 3 to small (under 30 s)."
        assert len(told) == ONE_BY_ONE + 1


async def test_names_that_are_no_pool_are_refused_in_words(tmp_path: Path) -> None:
    pens = Pool("pens", "llm", parse_route("pen", {"pen": "llm"}))
    async with site(tmp_path, SMALL, LARGE, msgspec.structs.replace(SMALL, name="pen"), pools=[EARS, pens]) as it:
        it.floor.kinds["pen"] = "llm"
        for name, says in (
            ("eers", "There is no engine 'eers'. Did you mean 'ears'?"),
            ("pens", "pens does not do fake work. These do: ears, small, large."),
        ):
            with pytest.raises(RequestFailed) as caught:
                await it.submit(engine=name)
            assert f"{caught.value.problem.detail} {caught.value.problem.hint}" == says
