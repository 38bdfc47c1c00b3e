"""How many units fly on an engine whose load has not chosen that yet, and what stays together until it has."""

from __future__ import annotations

from pathlib import Path

import pytest
from job_site import site
from job_world import World
from msgspec.structs import replace

from engines.tts.settings import TtsSettings
from supervisor.floor import _view
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Facts, Formation, Job, Spec, Unit
from supervisor.jobs.schedule import LOAD_SECONDS, ahead, best_to_wake, choose, fits, window
from supervisor.machine.record import Given, Record
from supervisor.process.ring import LogRing
from supervisor.slot import Slot

OPEN = EngineView("voice", 0, False, True, True, "")
STRICT = replace(OPEN, deterministic=True)
SPEC = Spec(1, "box-1", "fake", ("/in",), "/out", ("/out",), "", {}, 0.0)


def job(count: int) -> Job:
    units = {index: Unit(index, "x", f"line {index}", None) for index in range(count)}
    return Job(SPEC, Facts(planned=count, all_planned=True), units)


@pytest.mark.parametrize("engine", [OPEN, STRICT])
def test_one_unit_at_a_time_while_nothing_is_known(engine: EngineView) -> None:
    choice = choose(job(4), engine, engine.places, careful=False, shaken=False)
    assert choice is not None
    assert [unit.index for unit in choice.units] == [0]
    assert (window([engine]), ahead(engine)) == (256, 2)


def test_an_engine_that_is_up_and_open_counts_as_one_where_others_might_help() -> None:
    other = replace(OPEN, name="other", free=False)
    assert best_to_wake([OPEN, other], set(), seconds_left=3 * LOAD_SECONDS) == ("other",)
    assert best_to_wake([OPEN, other], set(), seconds_left=LOAD_SECONDS) == ()


def test_a_company_waits_for_the_engine_to_say_how_many_it_carries() -> None:
    four = job(4)
    company = Formation(1, tuple(four.free.values()), crashes=0)
    assert fits(four, company, STRICT)
    assert fits(four, company, replace(STRICT, parallel=4))
    assert not fits(four, company, replace(STRICT, parallel=3))


@pytest.mark.anyio
async def test_a_company_stays_together_from_one_supervisor_to_a_load_in_the_next(tmp_path: Path) -> None:
    loaded = EngineView("voice", 2, True, True, True, "")
    async with site(tmp_path, loaded) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        engine, message = await it.flight()
        it.do(engine, message, 1)
        await it.until(lambda: it.row().units_done == 1)
    async with site(tmp_path, replace(loaded, parallel=0, free=False)) as it:
        await it.until(lambda: it.floor.woken == ["voice"])
        it.floor.change("voice", parallel=2, free=True)
        it.foreman.engine_changed("voice")
        await it.finish(id_)
        assert it.flown() == [["line 0", "line 1"]]


def test_what_the_ledger_chose_is_what_flies() -> None:
    settings = TtsSettings()
    slot = Slot("voice", "tts", None, settings, Record("voice", "tts", "engine", {}, lambda _: None), LogRing())
    assert (_view(slot).parallel, _view(slot).places, slot.row().parallel) == (0, 1, 0)
    slot.record = Record("voice", "tts", "engine", {}, lambda _: None, room=Given({}, {"parallel": 8}, ()))
    assert (_view(slot).parallel, _view(slot).places, slot.row().parallel) == (8, 8, 8)


def test_a_world_whose_engine_never_says_does_its_work_one_by_one() -> None:
    world = World(OPEN)
    world.submit(("good", "good", "good"))
    world.settle()
    world.check_end()
    assert {len(company) for company in world.companies} <= {1}
