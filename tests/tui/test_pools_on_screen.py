"""Pools below the engines: one line each, as much of it as there is room for, and pools where engines can be named."""

from __future__ import annotations

from pathlib import Path

import pytest
import scenery
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scripted import Box, looking

from ipc import control, states
from ipc.control import Submit
from ipc.snapshot import PoolRow
from tui import rows
from tui.draw.engine_words import models_of
from tui.draw.pools import pool_line
from tui.ink import length
from tui.job_form import Typed, submission
from tui.screens.overview import Overview
from tui.store import Store

FRESH = replace(scenery.POOL, hits=0, misses=0, residents=())


def shown(row: PoolRow, width: int) -> str:
    return "".join(span.text for span in pool_line(row, width).spans)


def boxed(*pools: PoolRow) -> Box:
    box = Box()
    ears = [
        scenery.engine(name, states.Ready(4200, 1, 0) if name in scenery.POOL.residents else states.Stopped("idle"))
        for name in scenery.POOL.members
    ]
    engines = tuple(replace(row, kind="stt", pools=("ears",)) for row in ears)
    jobs = (replace(scenery.JOBS[0], kind="stt", engine="ears", state="running"),)
    box.snapshot = replace(box.snapshot, engines=(*scenery.ENGINES[:2], *engines), jobs=jobs, pools=pools)
    return box


def test_a_line_says_who_takes_what_and_how_often_a_load_was_spared() -> None:
    assert shown(scenery.POOL, 120).rstrip() == (
        "   ears       small ‹30 s› medium other ‹10 min› large   2 loaded · 93 % of 212 hits"
    )
    assert shown(FRESH, 120).rstrip().endswith("large   0 of 5 loaded")
    lit = {span.text for span in pool_line(scenery.POOL, 120).spans if span.tone == "ready"}
    assert lit == {"small", "medium"}


def test_where_it_is_narrow_the_numbers_go_before_the_route_is_cut() -> None:
    assert shown(scenery.POOL, 80).rstrip().endswith("large   93 % hits")
    assert shown(scenery.POOL, 60).rstrip().endswith("‹10 min› large")


@given(st.sampled_from([scenery.POOL, FRESH]), st.integers(1, 200))
def test_it_is_never_wider_than_the_screen(row: PoolRow, width: int) -> None:
    assert length(pool_line(row, width).spans) <= width


def test_a_pool_counts_on_with_each_tick() -> None:
    store = Store(replace(scenery.snapshot(), pools=(FRESH,)))
    store.fold(scenery.tick(1, pools=(scenery.POOL,)))
    assert store.pools == {"ears": scenery.POOL}


def test_the_engine_of_a_pool_is_one_that_is_loaded() -> None:
    store = Store(boxed(replace(scenery.POOL, residents=("ears-medium",))).snapshot)
    for name, engine in (("ears", "ears-medium"), ("ears-large", "ears-large"), ("nobody", None)):
        found = rows.engine_of(store, name)
        assert (found and found.name) == engine
    store.pools["ears"] = FRESH
    found = rows.engine_of(store, "ears")
    assert found is not None
    assert found.name == "ears-small"


def test_a_job_can_be_given_to_a_pool() -> None:
    wanted = Submit("stt", "ears", ("/a.wav",), "/out/", "")
    assert submission(Typed("ears", "/a.wav", "/out/"), {"ears": scenery.POOL}, ()) == wanted


def test_of_a_job_of_a_pool_the_models_that_work_on_it_are_told() -> None:
    store = Store(boxed(scenery.POOL).snapshot)
    job = store.jobs[scenery.JOBS[0].id]
    for name in scenery.POOL.residents:
        store.engines[name] = replace(store.engines[name], model=f"whisper-{name}", quantization="int8")
    small, medium = (f"whisper-{name} int8 on {name}" for name in ("ears-small", "ears-medium"))
    for worked, told in (
        ({"ears-small"}, (small,)),
        ({"ears-medium", "ears-small"}, (small, medium)),
        (set(), (small, medium)),
        ({"another"}, (small, medium)),
        ({"ears-large"}, ()),
    ):
        assert models_of(job, store.engines, store.pools, worked) == told


@pytest.mark.anyio
async def test_pools_stand_below_the_engines_and_go_before_engines_scroll(tmp_path: Path) -> None:
    async with looking(tmp_path, (120, 34), box=boxed(scenery.POOL)) as at:
        assert "93 % of 212 hits" in at.text("engines").splitlines()[-1]
        await at.press("slash", *"writer", "enter")
        assert "hits" not in at.text("engines")
        await at.press("escape", "slash", *"ears", "enter")
        assert "hits" in at.text("engines")
        assert "writer" not in at.text("engines")
        await at.press("escape")
        await at.pilot.resize_terminal(120, 10)
        await at.pilot.pause()
        assert "hits" not in at.text("engines")


@pytest.mark.anyio
async def test_a_job_of_a_pool_leads_to_its_engine_and_a_job_can_move_to_a_pool(tmp_path: Path) -> None:
    box = boxed(scenery.POOL)
    async with looking(tmp_path, (120, 34), box=box) as at:
        await at.press("tab")
        screen = at.app.screen
        assert isinstance(screen, Overview)
        row = screen.engine()
        assert row is not None
        assert row.name == "ears-small"
        await at.press("m")
        told = at.text("question")
        assert "through ears, the only pool" in told
        assert "pool · 2 of 5 loaded" in told
        assert "it is there now" in next(line for line in told.splitlines() if " ears " in line)
        await at.press("j", "enter")
        job = box.snapshot.jobs[0].id
        await at.asked(control.MoveJob(job, "ears-medium"))
