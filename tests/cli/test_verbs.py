"""Every verb against a scripted supervisor: what it asks, what it prints, how it ends."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest
from msgspec.structs import replace
from scripted_supervisor import ENGINE, POOL, QUOTED, Script

from ipc import control
from ipc.snapshot import Happening

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]


async def test_status(script: Script, run: Run) -> None:
    ran = await run("status", "--json")
    assert ran.code == 0
    shape = json.loads(ran.out)
    assert shape["version"] == 1
    assert shape["supervisor"]["socket"] == str(script.state / "socket")
    assert shape["supervisor"]["recording"] is None
    plain = await run("status")
    assert f"pid {shape['supervisor']['pid']} on box" in plain.out


async def test_up_where_one_runs(script: Script, run: Run) -> None:
    ran = await run("up", "--json")
    assert (ran.code, ran.err) == (0, "already up\n")
    assert json.loads(ran.out)["version"] == 1
    refused = await run("up", "--set", "writer.n_ctx=64")
    assert refused.code == 1
    assert "engineroom set" in refused.err


async def test_ps(script: Script, run: Run) -> None:
    rows = {row["name"]: row for row in json.loads((await run("ps", "--json")).out)}
    assert {name: (row["state"], row["pid"]) for name, row in rows.items()} == {
        "writer": ("ready", 41),
        "ear": ("loading", 42),
        "scribe": ("failed", None),
        "vectors": ("stopped", None),
    }
    assert (rows["writer"]["units"], rows["writer"]["footprint_bytes"]) == (2, 2**30)
    assert rows["ear"]["load_progress"] == 0.62
    assert (rows["scribe"]["reason"], rows["scribe"]["log_tail"][0]) == ("truncated file: 3.1 of 7.4 MB", "line 1")
    assert (rows["vectors"]["reason"], rows["vectors"]["rss_bytes"]) == ("idle", None)
    lines = (await run("ps")).out.splitlines()
    assert lines[0].split()[:3] == ["ENGINE", "KIND", "STATE"]
    assert [part for part in ("ready · 2 in flight", "212 tok/s", "1.5 GiB") if part not in lines[1]] == []
    assert "loading 62 %" in lines[2]
    assert lines[3].endswith("truncated file: 3.1 of 7.4 MB")


async def test_ps_shows_pools_below_the_engines(script: Script, run: Run) -> None:
    fresh = replace(POOL, name="ears", languages={}, hits=0, misses=0, residents=(), budget_bytes=None)
    script.engines = (replace(ENGINE, pools=("pens", "ears")), replace(ENGINE, name="ear"))
    script.pools = (POOL, fresh)
    lines = (await run("ps")).out.splitlines()
    assert lines[3:] == [
        "",
        "POOL  KIND  LOADED              CLAIMED  HITS  OF  ROUTE",
        "pens  llm      1/2  1.0 GiB of 12.0 GiB  93 %  16  writer < 30 s < scribe",
        "                                                   fr: writer",
        "ears  llm      0/2              1.0 GiB     —   0  writer < 30 s < scribe",
    ]
    first, second = json.loads((await run("ps", "--json")).out)
    assert [(pool["name"], pool["hits"], pool["misses"], pool["hit_rate"]) for pool in first["pools"]] == [
        ("pens", 15, 1, 0.9375),
        ("ears", 0, 0, None),
    ]
    assert second["pools"] == []
    assert "pens  llm" in (await run("top", "--once")).out


async def test_ps_says_why_work_waits_and_what_was_chosen(script: Script, run: Run) -> None:
    hold, chosen = "memory: 3.9 GiB short on GPU 0", "q4 · 20 of 33 layers"
    script.engines = (
        replace(ENGINE, hold=hold, chosen=chosen, pinned=True, unload_after_seconds=300.0, unload_depth="model"),
        replace(ENGINE, name="ear"),
    )
    held, free = (await run("ps")).out.splitlines()[1:]
    assert held.endswith("1  held · memory: 3.9 GiB short on GPU 0; q4 · 20 of 33 layers; started: work wants it")
    assert free.endswith("1  started: work wants it")
    first, second = json.loads((await run("ps", "--json")).out)
    ours = ("hold", "chosen", "pinned", "unload_after_seconds", "unload_depth")
    assert [first[name] for name in ours] == [hold, chosen, True, 300.0, "model"]
    assert [second[name] for name in ours] == ["", "", False, 0.0, "exit"]


async def test_ps_leaves_room_for_a_note_in_120_columns(script: Script, run: Run) -> None:
    assert (await run("ps")).out.splitlines()[0].index("NOTE") <= 104


@pytest.mark.parametrize(
    ("verb", "command"),
    [
        ("start", control.Start),
        ("stop", control.Stop),
        ("restart", control.Restart),
        ("load", control.Load),
        ("unload", control.Unload),
    ],
)
async def test_wishes_about_engines(
    script: Script, run: Run, verb: str, command: Callable[[str], control.Command]
) -> None:
    ran = await run(verb, "writer", "ear")
    assert ran.code == 0
    assert [one for one in script.asked if hasattr(one, "engine")] == [command("writer"), command("ear")]
    assert ran.err.splitlines() == [f"{verb.capitalize()} is done."] * 2


@pytest.mark.parametrize("verb", ["load", "start"])
async def test_what_a_load_would_cost(script: Script, run: Run, verb: str) -> None:
    ran = await run(verb, "writer", "--dry-run")
    assert (ran.code, ran.out, ran.err) == (0, f"{QUOTED}\n", "")
    assert script.asked == [control.Quote("writer")]
    assert json.loads((await run(verb, "writer", "--dry-run", "--json")).out) == {
        "text": QUOTED,
        "units_to_finish": 0,
        "reload_seconds": 21.0,
        "more_bytes": 7 * 2**30,
        "unloads": ["voice"],
        "applied": False,
    }


async def test_prices_of_loads_do_not_add_up(script: Script, run: Run) -> None:
    ran = await run("load", "writer", "ear", "--dry-run")
    assert (ran.code, ran.out, script.asked) == (1, "", [])
    assert "do not add up" in ran.err


@pytest.mark.parametrize("verb", ["stop", "restart", "unload"])
async def test_what_takes_no_memory_has_no_price(script: Script, run: Run, verb: str) -> None:
    assert (await run(verb, "writer", "--dry-run")).code == 2
    assert script.asked == []


async def test_knobs(script: Script, run: Run) -> None:
    rows = json.loads((await run("knobs", "writer", "--json")).out)
    assert [row["name"] for row in rows] == ["n_ctx", "unload_after"]
    assert "64–1048576 tokens" in (await run("knobs", "writer")).out


async def test_set_speaks_the_settings_own_unit(script: Script, run: Run) -> None:
    ran = await run("set", "writer", "n_ctx=2048", "unload_after=5m", "--dry-run")
    assert (ran.code, ran.out) == (0, "n_ctx 4096 → 2048: reload ~2 s\n")
    assert script.asked[-1] == control.SetKnobs("writer", {"n_ctx": "2048", "unload_after": 300.0}, True)
    price = json.loads((await run("set", "writer", "n_ctx=2048", "--json")).out)
    assert (price["applied"], price["more_bytes"], price["unloads"]) == (True, -(2**30), [])


async def test_unset(script: Script, run: Run) -> None:
    assert (await run("unset", "writer", "n_ctx")).code == 0
    assert script.asked[-1] == control.SetKnobs("writer", {"n_ctx": None}, False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("n_ctxx=1", "Did you mean 'n_ctx'?"),
        ("unload_after=5 potatoes", "'potatoes' is no unit of time"),
        ("n_ctx", "not KEY=VALUE"),
    ],
)
async def test_what_cannot_be_set(script: Script, run: Run, change: str, says: str) -> None:
    ran = await run("set", "writer", change)
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err
    assert not any(isinstance(one, control.SetKnobs) for one in script.asked)


async def test_ask(script: Script, run: Run) -> None:
    ran = await run("ask", "writer", "What is a token?", "--max-tokens", "8", "--temperature", "0")
    assert (ran.code, ran.out) == (0, "Tokens are pieces.\n")
    assert "5 tokens · 50 tok/s" in ran.err
    command = script.asked[-1]
    assert isinstance(command, control.Ask)
    assert json.loads(command.payload) == {
        "id": "ask",
        "prompt": "What is a token?",
        "max_tokens": 8,
        "temperature": 0.0,
    }
    shape = json.loads((await run("ask", "writer", "What?", "--json")).out)
    assert (shape["answer"], shape["tokens"], shape["finish"]) == ("Tokens are pieces.", 5, "stop")


async def test_ask_of_an_engine_that_dies(script: Script, run: Run) -> None:
    script.died = True
    ran = await run("ask", "writer", "What is a token?")
    assert (ran.code, ran.out) == (6, "Tokens are \n")
    assert "writer is gone" in ran.err


async def test_logs_and_events(script: Script, run: Run) -> None:
    ran = await run("logs", "writer", "-n", "2", "-f")
    assert [line.split()[1:] for line in ran.out.splitlines()] == [["stderr", "line", "0"], ["stderr", "line", "1"]]
    assert script.asked[-1] == control.Logs("writer", 2, True)
    lines = (await run("logs", "writer", "-n", "2", "--json")).out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [0, 1]
    assert "▲ writer: it died: exit 1" in (await run("events")).out
    assert json.loads((await run("events", "--json", "-n", "1")).out)["word"] == "restarted"


@pytest.mark.parametrize(
    ("about", "text", "says"),
    [
        ("ear", "ear starts: work wants it", "ear starts: work wants it"),
        ("gpu 0", "GPU 0 is warm: 81 °C", "GPU 0 is warm: 81 °C"),
        ("box-1", "box-1 is done", "box-1 is done"),
        ("box-1", "box-12 is done", "box-1: box-12 is done"),
        ("ear", "early riser", "ear: early riser"),
        ("ear", "ear-2 gave way", "ear: ear-2 gave way"),
        ("writer", "unloads ear for writer", "writer: unloads ear for writer"),
    ],
)
async def test_a_happening_names_what_it_is_about_once(
    script: Script, run: Run, about: str, text: str, says: str
) -> None:
    script.happenings = (Happening(1, 1.0, "info", about, "word", text),)
    (line,) = (await run("events")).out.splitlines()
    assert line[len("12:34:56 ") :] == f"  {says}"


async def test_a_refusal_says_what_and_the_way_out(script: Script, run: Run) -> None:
    script.fails = control.Start
    ran = await run("start", "writter")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        "engineroom: Unknown engine: There is no engine 'writter'.",
        "  Did you mean 'writer'?",
    ]


@pytest.mark.parametrize(
    "verb",
    [
        ["ps"],
        ["jobs"],
        ["status"],
        ["down"],
        ["job", "show", "x"],
        ["stop", "writer"],
        ["ledger"],
        ["footprints"],
        ["load", "writer", "--dry-run"],
    ],
)
async def test_with_no_supervisor_what_looks_or_stops_says_so(run: Run, state: Path, verb: list[str]) -> None:
    ran = await run(*verb)
    assert (ran.code, ran.out) == (3, "")
    assert str(state) in ran.err
    assert not await anyio.Path(state).exists()


async def test_down_of_a_supervisor_that_stays_says_how_to_end_it(
    script: Script, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.down.GONE_SECONDS", 0.1)
    ran = await run("down")
    assert script.down.is_set()
    assert ran.code == 3
    assert "Still there" in ran.err
