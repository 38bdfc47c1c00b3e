"""What is told of pools: to clients, to recordings and to the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from config.load import load
from engines.appraisal import Need, Option
from engines.settings import as_dict
from ipc.states import Draining, Ready
from supervisor.memory.ask import Placement, Slice
from supervisor.memory.claims import Claim
from supervisor.pool_rows import budgets_of, pool_header, pool_rows, pool_ticks
from supervisor.slot import former_name
from supervisor.slots import make_heir, make_slots

CONFIG = (
    "".join(f'[engine.{name}]\nkind = "fake"\n' for name in ("small", "medium", "large", "writer"))
    + '[pool.ears]\nroute = "small < 30s < medium"\nbudget = 1000\n[pool.ears.languages]\nfr = "large"\n'
    + '[pool.either]\nroute = "small large"\n'
)


def claimed(whole_bytes: int) -> Claim:
    placement = Placement((Slice("GPU-0", whole_bytes),), 1, 0, False, "GPU 0, the only one")
    return Claim("", placement, Option({}, "", "", "", None, None, Need((0,), 1, 0, 0)), "", "", {}, "", 0)


def test_rows_ticks_and_budgets(tmp_path: Path) -> None:
    file = tmp_path / "engineroom.toml"
    file.write_text(CONFIG)
    config = load(file=file, state=tmp_path, environ={})
    slots = make_slots(config)
    assert [slots[name].row().pools for name in ("small", "medium", "large", "writer")] == [
        ("ears", "either"),
        ("ears",),
        ("ears", "either"),
        (),
    ]
    for name, state in (("medium", Ready(1, 5, 0)), ("large", Draining(2, "apply", 1))):
        slots[name].record = replace(slots[name].record, state=state)
    ears, either = rows = pool_rows(config.pools, slots, lambda name: (3, 1) if name == "ears" else (0, 0))
    assert (ears.route, ears.languages, ears.members) == (
        "small < 30 s < medium",
        {"fr": "large"},
        ("small", "medium", "large"),
    )
    assert (ears.residents, ears.hits, ears.misses, ears.hit_rate) == (("medium", "large"), 3, 1, 0.75)
    assert (either.residents, either.hit_rate, either.budget_bytes) == (("large",), None, None)
    assert pool_ticks(rows)["ears"] == {"residents": ["medium", "large"], "hits": 3, "misses": 1, "claimed_bytes": 0}
    assert pool_header(config.pools)["either"] == {
        "kind": "fake",
        "route": "small large",
        "languages": {},
        "members": ["small", "large"],
        "budget_bytes": None,
    }


def test_an_engine_with_two_processes_counts_with_both(tmp_path: Path) -> None:
    file = tmp_path / "engineroom.toml"
    file.write_text(CONFIG)
    config = load(file=file, state=tmp_path, environ={})
    slots = make_slots(config)
    small = slots["small"]
    heir = make_heir(small, as_dict(small.settings))
    slots[heir.name] = heir
    slots["writer"].claim, small.claim, heir.claim = (claimed(bytes_) for bytes_ in (7, 100, 200))
    (budget,) = budgets_of(config.pools)
    claims = {name: slot.claim.whole_bytes for name, slot in slots.items() if slot.claim is not None}
    counted = sum(bytes_ for name, bytes_ in claims.items() if name in budget.members)
    assert (budget.pool, budget.bytes, counted) == ("ears", 1000, 300)
    assert former_name("large") in budget.members
    assert [row.claimed_bytes for row in pool_rows(config.pools, slots, lambda _: (0, 0))] == [300, 300]
