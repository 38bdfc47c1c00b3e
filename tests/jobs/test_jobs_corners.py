"""What a client, a person with a file manager, or bad luck can do to jobs, and what must not come of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from job_site import site
from job_world import World

from ipc.errors import RequestFailed
from supervisor.jobs.floor import EngineView

ONE = EngineView("writer", 1, False, True, True, "")


# ── clients ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
@pytest.mark.parametrize("number", ["#99999999999999999999", "#" + "9" * 5000, "#²"])
async def test_a_number_that_no_unit_can_have_is_refused_and_the_store_goes_on(tmp_path: Path, number: str) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(1)).id
        await it.finish(id_)
        with pytest.raises(RequestFailed, match="no finished unit"):
            await it.redo(id_, number)
        await it.finish((await it.submit(1, output=it.path("next.jsonl"))).id)


@pytest.mark.anyio
async def test_a_file_whose_name_is_no_text_is_left_out_and_told(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        folder = tmp_path / "in"
        folder.mkdir()
        tea = it.write("in/tea.jsonl", "tea")
        with open(os.fsencode(folder) + b"/caf\xe9.jsonl", "wb"):  # noqa: ASYNC230 (a moment, of a test)
            pass
        id_ = (await it.submit(inputs=(str(folder),))).id
        await it.finish(id_, "done with problems")
        row = it.row(id_)
        assert (row.state, row.inputs) == ("done with problems", (tea,))
        assert row.reason == "1 piece of the input was set aside"
        (problem,) = (await it.foreman.detail(id_)).problems
        assert problem.where == f"{folder}/caf\\xe9.jsonl"
        assert problem.problem.title == "Name unreadable"
        os.unlink(tea)
        with pytest.raises(RequestFailed, match=r"caf\\xe9.*no UTF-8"):
            await it.submit(inputs=(str(folder),))


@pytest.mark.anyio
async def test_a_command_that_no_shell_can_be_given_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        with pytest.raises(RequestFailed, match="NUL"):
            await it.submit(1, on_done="true\0")


@pytest.mark.anyio
async def test_single_units_of_a_cancelled_job_are_not_done_without_the_rest(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        id_ = (await it.submit(3)).id
        await it.plan()
        await it.fly()
        await it.cancel(id_)
        for wish in (it.redo, it.retry):
            with pytest.raises(RequestFailed, match="was cancelled"):
                await wish(id_, "line 0")
        assert it.row(id_).state == "cancelled"
        await it.retry(id_)
        await it.finish(id_)
        assert it.answers() == ["done line 0", "done line 1", "done line 2"]


@pytest.mark.anyio
async def test_one_output_by_two_names_is_taken_once(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real")
        await it.submit(1, output=it.path("real/out.jsonl"))
        for name in ("link/out.jsonl", "real/../real/out.jsonl"):
            with pytest.raises(RequestFailed, match="is going to write"):
                await it.submit(1, output=it.path(name))


# ── a person with a file manager ──────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_a_folder_of_results_that_somebody_removed_holds_nobody(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        it.in_files = True
        id_ = (await it.submit(2)).id
        await it.plan()
        engine, message = await it.flight()
        it.do(engine, message)
        (tmp_path / "state" / "units").rename(tmp_path / "elsewhere")
        it.land(engine, message)
        await it.until(lambda: it.row(id_).units_done == 1)
        await it.finish(id_, "failed")
        assert "unit 0" in it.row(id_).reason
        await it.redo(id_, "#0")
        await it.finish(id_)
        assert it.answers() == ["done line 0", "done line 1"]


@pytest.mark.anyio
async def test_an_output_whose_place_is_taken_does_not_keep_the_others_from_theirs(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        inputs = tuple(it.write(f"{name}.jsonl", name) for name in "abc")
        id_ = (await it.submit(inputs=inputs, output=it.path("out/"))).id
        theirs = tmp_path / "out" / "a.jsonl"
        theirs.write_text("theirs")

        def others_written() -> bool:
            it.second(1.0)
            return all((tmp_path / "out" / f"{name}.jsonl").exists() for name in "bc")

        await it.live(others_written)
        assert "a.jsonl was made or changed by somebody else" in await it.held(id_)
        assert theirs.read_text() == "theirs"
        theirs.unlink()

        def done() -> bool:
            it.second(1.0)
            return it.row(id_).state == "done"

        await it.live(done)
        assert [it.answers(f"out/{name}.jsonl") for name in "abc"] == [["done a"], ["done b"], ["done c"]]


@pytest.mark.anyio
async def test_what_others_are_reading_is_not_written_anew_under_them(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        first = (await it.submit(3)).id
        await it.finish(first)
        it.stretch = 1
        reader = (await it.submit(inputs=(str(it.output),), output=it.path("next.jsonl"))).id
        await it.plan()
        await it.until(lambda: it.row(reader).units_expected is not None)
        with pytest.raises(RequestFailed, match=f"{reader} is reading what {first} wrote"):
            await it.redo(first, "line 0")
        await it.finish(reader)
        await it.redo(first, "line 0")


# ── bad luck ──────────────────────────────────────────────────────────────────────────────────────────────


def taking_off(world: World, engine: str) -> None:
    """Live until it flies, with nobody dying of anything."""
    for _ in range(20):
        if engine in world.airborne:
            return
        world.now += 1
        world.second()
        world.advance()
        if world.errands:
            world.run_errand()
        world.commit(1000)
        world.advance()
    raise AssertionError("nothing flies")


def die_of_memory(world: World, engine: str) -> None:
    """Alone, on the lowest rung: so the machine says that the unit is to blame."""
    (message,) = world.airborne.pop(engine)
    world.floor.change(engine, free=True)
    world.perform(
        world.air.lost(
            message.flight, "memory", alone=True, cause="no memory", log_tail=(), careful_until=world.now, joules=None
        )
    )
    world.advance()


def test_memory_that_a_stranger_took_condemns_the_engine_and_frees_the_units() -> None:
    world = World(ONE)
    number = world.submit(("good",) * 6)
    taking_off(world, "writer")
    world.work_on("writer", world.open_orders("writer")[0])
    world.land("writer")
    world.advance()
    for _ in range(30):
        if not world.floor.engines["writer"].available:
            break
        taking_off(world, "writer")
        die_of_memory(world, "writer")
    assert not world.floor.engines["writer"].available, "after three units in a row and the proof it was the engine"
    world.commit(1000)
    assert world.state_of(number) == {"done": 1, "planned": 5}, "nobody innocent stays aside"


def test_an_engine_on_trial_that_is_stopped_holds_up_no_job_for_ever() -> None:
    world = World(ONE)
    number = world.submit(("good", "poison", "poison", "poison"))
    for _ in range(60):
        if world.air.on_trial("writer"):
            break
        world.live()
    assert world.air.on_trial("writer")
    world.operate("writer", available=False)
    for _ in range(10):
        world.live()
    assert world.told[number].ending == "done with problems"
    assert world.state_of(number) == {"done": 1, "quarantined": 3}
