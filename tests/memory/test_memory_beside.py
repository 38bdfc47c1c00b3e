"""When a process may load beside the one whose place it takes: by the policy, and by the ledger of a room."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from memory_box import GIB, ask

from config.load import load
from engines.appraisal import Option
from engines.settings import as_dict
from ipc.snapshot import GpuProcess
from ipc.states import Loading, Ready
from supervisor.gpus.fleet import Fleet
from supervisor.gpus.sampler import blank
from supervisor.host import read_host
from supervisor.machine.record import BeReady, Flight
from supervisor.memory.appraising import Appraiser
from supervisor.memory.ask import Placement, Refusal, Slice
from supervisor.memory.beside import beside
from supervisor.memory.claims import Claim
from supervisor.memory.decide import Grant, Verdict
from supervisor.memory.footprints import Footprints
from supervisor.memory.house import House
from supervisor.memory.judge import Judge
from supervisor.memory.leaving import cost, stays_because
from supervisor.memory.victims import Wait
from supervisor.slot import Slot
from supervisor.slots import make_heir, make_slots

OPTION = Option({}, "q8", "model", "Miniature", "q8", None, ask(1).need)


def grant(*uuids: str, victims: tuple[str, ...] = (), threads: int = 0, option: Option = OPTION) -> Grant:
    slices = tuple(Slice(uuid, GIB) for uuid in uuids)
    placement = Placement(slices, len(slices), 0, True, "somewhere")
    return Grant(Claim("ears", placement, option, "", "", {}, "", threads), victims, ())


COARSER = Option({"quantization": "q4"}, "q4", "model", "Miniature", "q4", None, ask(1).need)


@pytest.mark.parametrize(
    ("both", "alone", "fits"),
    [
        (grant("GPU-0"), grant("GPU-0"), True),
        (grant("GPU-1"), grant("GPU-0"), True),
        (grant(), grant(), True),
        (grant("GPU-0", victims=("writer",)), grant("GPU-0"), False),
        (grant("GPU-0", option=COARSER), grant("GPU-0"), False),
        (grant("GPU-0", "GPU-1"), grant("GPU-0"), False),
        (grant(), grant("GPU-0"), False),
        (grant(threads=1), grant(threads=3), False),
        (Wait("full", "wait", ("writer",)), grant("GPU-0"), False),
        (Refusal("Full", "full", "wait", False), grant("GPU-0"), False),
    ],
)
def test_both_fit_where_nobody_leaves_and_nothing_is_lost_by_it(both: Verdict, alone: Verdict, fits: bool) -> None:
    verdict = beside(both, alone)
    assert (verdict is both) == (fits or not isinstance(both, Grant))
    assert isinstance(verdict, Grant) == fits


def room(folder: Path, settings: str = "") -> tuple[House, Slot, Slot]:
    """A ledger without GPUs, an engine at work in it, and its heir, which loads."""
    file = folder / "engineroom.toml"
    file.write_text(f'[engine.ears]\nkind = "fake"\npinned = true\n{settings}')
    config = load(file=file, state=folder, environ={})
    slots = make_slots(config)
    house = House(slots, Fleet(), config.memory, config.heat, lambda: read_host(folder, 0.0))
    ears = slots["ears"]
    heir = make_heir(ears, as_dict(ears.settings))
    slots[heir.name] = heir
    ears.claim, heir.claim = (replace(grant().claim, engine=one.name, threads=2) for one in (ears, heir))
    life = replace(ears.record.life, ready_at=0.0, flights=(Flight(1, 1),))
    ears.record = replace(ears.record, goal=BeReady(), state=Ready(1, 0, 1), life=life)
    heir.record = replace(heir.record, goal=BeReady(), state=Loading(2, None))
    return house, ears, heir


def test_both_are_in_the_books_and_share_the_threads(tmp_path: Path) -> None:
    house, ears, heir = room(tmp_path)
    host = house.ledger(0.0).host
    assert host is not None
    assert [(share.engine, share.role) for share in host.shares] == [("ears", ""), ("ears", "successor")]
    assert host.shares[1].holder == heir.name == "ears' successor"
    assert host.threads_claimed == {"ears": 4}
    house.threads = 9
    shared, apart = house.rooms(heir.name, 0.0, frozenset(), ears.name), house.rooms(heir.name, 0.0, frozenset())
    assert (shared.threads_free, shared.threads_fair) == (8, 8)
    assert (apart.threads_free, apart.threads_fair) == (6, 4)


def test_clients_see_of_which_engine_a_process_on_a_gpu_is(tmp_path: Path) -> None:
    house, ears, heir = room(tmp_path)
    processes = (GpuProcess(1, "python3", GIB, ears.name), GpuProcess(2, "python3", GIB, heir.name))
    reading = msgspec.structs.replace(blank(0, 0.0), processes=(*processes, GpuProcess(3, "blender", GIB, "")))
    (told,) = house.told((reading,))
    assert [(one.engine, one.role) for one in told.processes] == [("ears", ""), ("ears", "successor"), ("", "")]
    assert [one.holder for one in told.processes] == ["ears", "ears' successor", ""]


def test_an_heir_gives_way_before_anybody_else_pinned_or_not(tmp_path: Path) -> None:
    house, ears, heir = room(tmp_path, "min_residency = 99\n")
    residents = {one.engine: one for one in house.rooms("", 5.0, frozenset({ears.name})).residents}
    assert stays_because(residents[ears.name]) == "is pinned"
    assert stays_because(residents[heir.name]) == ""
    assert cost(residents[heir.name]) == 0
    house.leaving.add(heir.name)
    assert stays_because(house.rooms("", 5.0, frozenset()).residents[1]) == "is busy"


def test_what_is_known_of_a_process_goes_along_with_it(tmp_path: Path) -> None:
    house, ears, heir = room(tmp_path)
    house.by_difference = {
        (ears.name, "GPU-0"): 1,
        (heir.name, "GPU-0"): 2,
        ("ears' former process", "GPU-0"): 3,
        ("b", "G"): 4,
    }
    house.renamed({"ears": "ears' former process", "ears' successor": "ears"})
    assert house.by_difference == {("ears' former process", "GPU-0"): 1, ("ears", "GPU-0"): 2, ("b", "G"): 4}


@pytest.mark.anyio
async def test_an_heir_that_asks_is_judged_with_its_engine_still_there(tmp_path: Path) -> None:
    house, ears, heir = room(tmp_path, f"load_bytes = {GIB}\n")
    heir.claim = None
    judge = Judge(
        house, Appraiser("test:1"), Footprints(tmp_path / "f", lambda _: None), frozenset, lambda _: sys.executable
    )
    settings = as_dict(ears.settings)
    appraisal = await judge.appraise(heir, settings)
    verdict, moves = judge.decide(heir, settings, appraisal, by_work=False)
    assert isinstance(verdict, Grant)
    assert (verdict.claim.engine, moves) == ("ears' successor", False)
    assert ears.claim is not None
    free = house.rooms(heir.name, 0.0, frozenset()).host.free_bytes
    placement = replace(ears.claim.placement, ram_bytes=free)
    ears.claim = replace(ears.claim, placement=placement)
    assert not isinstance(judge.decide(heir, settings, appraisal, by_work=False)[0], Grant)
    assert isinstance(judge.decide(ears, settings, appraisal, by_work=False)[0], Grant)
