"""Pools in a real room: recordings fly where their length says, models stay, and what had to be loaded is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ledger_kit import card, engine, open_box
from room_kit import Room, kill, open_room, wait_for

EARS = '[pool.ears]\nroute = "ears-small < 30s < ears-large"\n'
TWO = (
    '[engine.ears-large]\nkind = "fake"\nseconds_per_unit = 0.15\n'
    '[engine.ears-small]\nkind = "fake"\npreload = true\nseconds_per_unit = 0.02\n'
)


def record(room: Room, name: str, extent: float | None, lines: int) -> Path:
    """A recording of so many seconds and units."""
    path = room.work / name
    told = {} if extent is None else {"extent": extent}
    path.write_text("".join(json.dumps({"prompt": f"{name} {n}", **told}) + "\n" for n in range(lines)))
    return path


def three(room: Room, lines: int = 3) -> list[str]:
    return [
        str(record(room, name, extent, lines)) for name, extent in (("a.wav", 5.0), ("b.wav", 723.2), ("c.wav", 7.0))
    ]


def pool(room: Room) -> dict[str, Any]:
    """The pool as `ps` tells of it with each of its engines."""
    (told,) = {json.dumps(one) for row in room.json("ps") for one in row["pools"]}
    found: dict[str, Any] = json.loads(told)
    return found


def done(room: Room, job: str) -> None:
    wait_for(lambda: room.job(job)["state"] == "done", f"{job} is done")


def loads(room: Room) -> list[str]:
    """Engines whose model was loaded, in order."""
    return [one["about"] for one in room.happenings() if one["word"] == "engine-ready"]


def units_by_engine(room: Room, job: str) -> dict[str, int]:
    runs: list[dict[str, Any]] = room.json("job", "show", job)["runs"]
    return {run["engine"]: run["units"] for run in runs}


def test_recordings_go_where_their_length_says_and_models_stay() -> None:
    with open_room(TWO + EARS) as room:
        room.run("up")
        room.await_engine("ears-small", "ready")
        assert pool(room) == {
            "name": "ears",
            "kind": "fake",
            "route": "ears-small < 30 s < ears-large",
            "languages": {},
            "members": ["ears-small", "ears-large"],
            "residents": ["ears-small"],
            "hits": 0,
            "misses": 0,
            "hit_rate": None,
            "claimed_bytes": pool(room)["claimed_bytes"],
            "budget_bytes": None,
        }
        unknown = record(room, "d.wav", None, 1)
        job = room.submit("fake", *three(room), str(unknown), "-o", "out/")
        done(room, job)
        assert room.job(job)["engine"] == "ears"
        assert units_by_engine(room, job) == {"ears-small": 6, "ears-large": 4}
        assert [one["text"] for one in room.happenings() if one["word"] == "recording-routed"] == [
            "a.wav (5 s) goes to ears-small: under 30 s.",
            "b.wav (12 min 3 s) goes to ears-large: 30 s and more.",
            "c.wav (7 s) goes to ears-small: under 30 s.",
            "d.wav (length unknown) goes to ears-large, as the longest do.",
        ]
        assert loads(room) == ["ears-small", "ears-large"]
        now = pool(room)
        assert (now["hits"], now["misses"], now["hit_rate"]) == (3, 1, 0.75), "only b.wav waited for a load"
        assert now["residents"] == ["ears-small", "ears-large"]

        again = room.submit("fake", *three(room), "-o", "again/", "--engine", "ears")
        done(room, again)
        assert loads(room) == ["ears-small", "ears-large"], "nothing was loaded a second time"
        assert pool(room)["hits"] == 6

        head, row = (line.split() for line in room.run("ps").stdout.splitlines()[-2:])
        assert head == ["POOL", "KIND", "LOADED", "CLAIMED", "HITS", "OF", "ROUTE"]
        assert row[:3] == ["ears", "fake", "2/2"]
        assert row[-9:] == ["85", "%", "7", "ears-small", "<", "30", "s", "<", "ears-large"]


def test_a_killed_engine_of_a_pool_comes_back_for_what_is_its_own() -> None:
    with open_room(TWO + EARS) as room:
        room.run("up")
        room.await_engine("ears-small", "ready")
        job = room.submit("fake", *three(room, 6), "-o", "out.jsonl")
        wait_for(lambda: (room.engine("ears-large")["units"] or 0) > 0, "the long recording is at work")
        kill(room.engine("ears-large")["pid"])
        done(room, job)
        assert units_by_engine(room, job) == {"ears-small": 12, "ears-large": 6}
        prompts = [json.loads(line)["id"] for line in (room.work / "out.jsonl").read_text().splitlines()]
        assert len(prompts) == 18
        assert loads(room).count("ears-large") == 2
        assert loads(room).count("ears-small") == 1
        told = pool(room)
        assert (told["hits"], told["misses"]) == (2, 1), "the recording that goes on is counted once"


def test_what_is_preloaded_has_its_model_at_start_and_answers_for_the_pool() -> None:
    with open_room(TWO + EARS) as room:
        room.run("up")
        row = room.await_engine("ears-small", "ready")
        assert (row["model"], room.engine("ears-large")["state"]) == ("fake", "stopped")
        assert room.run("ask", "ears", "Who is there?").stdout.strip()
        assert loads(room) == ["ears-small"]
        assert (pool(room)["hits"], pool(room)["misses"]) == (1, 0)
        refused = room.run("start", "ears", code=None)
        assert "ears is a pool." in refused.stderr
        assert "ears-small, ears-large" in refused.stderr


def test_a_pool_with_a_budget_unloads_an_idle_member_before_it_holds_more() -> None:
    settings = {"min_residency": 0, "seconds_per_unit": 0.02}
    config = (
        engine("ears-small", 2, preload=True, **settings)
        + engine("ears-large", 3, **settings)
        + engine("other", 1, preload=True)
        + EARS
        + 'budget = "4 GiB"\n'
    )
    with open_box(config, card(0, 16)) as box:
        room = box.room
        for name in ("ears-small", "other"):
            room.await_engine(name, "ready")
        job = room.submit("fake", str(record(room, "long.wav", 700.0, 2)), "-o", "long.jsonl", "--engine", "ears")
        box.await_job(job, "done")
        (why,) = box.told("engine-evicted")
        assert why.startswith("ears-small is unloaded: idle")
        assert "pool ears may hold 4.0 GiB" in why
        assert room.engine("other")["state"] == "ready", "who is in no pool stays, and the card has room"
        told = pool_of(room, "ears-large")
        assert (told["residents"], told["budget_bytes"]) == (["ears-large"], 4 * 2**30)
        assert 3 * 2**30 <= told["claimed_bytes"] <= 4 * 2**30
        short = room.submit("fake", str(record(room, "short.wav", 5.0, 2)), "-o", "short.jsonl", "--engine", "ears")
        box.await_job(short, "done")
        assert pool_of(room, "ears-small")["residents"] == ["ears-small"]


def pool_of(room: Room, engine_: str) -> dict[str, Any]:
    (found,) = room.engine(engine_)["pools"]
    assert isinstance(found, dict)
    return found
