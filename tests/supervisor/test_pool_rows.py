"""What is told of pools: to clients, to recordings and to the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from config.load import load
from ipc.states import Draining, Ready
from supervisor.memory.budgets import Budget
from supervisor.pool_rows import budgets_of, pool_header, pool_rows, pool_ticks
from supervisor.slots import make_slots

CONFIG = (
    "".join(f'[engine.{name}]\nkind = "fake"\n' for name in ("small", "medium", "large", "writer"))
    + '[pool.ears]\nroute = "small < 30s < medium"\nbudget = 1000\n[pool.ears.languages]\nfr = "large"\n'
    + '[pool.either]\nroute = "small large"\n'
)


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
    assert budgets_of(config.pools) == (Budget("ears", frozenset({"small", "medium", "large"}), 1000),)
