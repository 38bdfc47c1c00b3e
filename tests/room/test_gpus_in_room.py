"""A supervisor on a simulated GPU box: what it reads, whose the bytes are, what it records and tells."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import zstandard
from room_kit import open_room, wait_for

from simulator.run import environment
from simulator.scenario import publish

GIB = 2**30
FAKE = '[engine.fake]\nkind = "fake"\npreload = true\n'
LOST = [{"error": "gpu_is_lost", "call": "nvmlDevice*"}]


def card(index: int, **more: Any) -> dict[str, Any]:
    return {"model": "H100", "uuid": f"GPU-{index}", "temperature": 60, "power": 300, **more}


def test_gpus_are_read_attributed_recorded_and_told_of(tmp_path: Path) -> None:
    lines = tmp_path / "scenario"
    publish({"gpu": [card(0), card(1)]}, lines)
    with open_room(f'{FAKE}gpu = "1"\n') as room:
        room.environ = {name: value for name, value in environment(lines).items() if name not in os.environ}
        room.run("up")
        pid = room.await_engine("fake", "ready")["pid"]
        publish({"gpu": [card(0), card(1, process=[{"pid": pid, "memory": "5 GiB"}])]}, lines)
        gpu = wait_for(lambda: next((one for one in room.json("gpus") if one["processes"]), None), "the engine's bytes")
        assert (gpu["index"], gpu["memory_used_bytes"]) == (1, 5 * GIB)
        (process,) = gpu["processes"]
        assert (process["pid"], process["engine"], process["used_bytes"]) == (pid, "fake", 5 * GIB)
        wait_for(lambda: room.engine("fake")["gpus"] == [1], "the engine's GPU in its row")

        room.run("--record", "night.jsonl.zst", "--for", "2s")
        with (room.work / "night.jsonl.zst").open("rb") as file:
            text = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read().decode()
        recorded = [json.loads(line) for line in text.splitlines()]
        assert [one["uuid"] for one in recorded[0]["gpus"]] == ["GPU-0", "GPU-1"]
        ticks = [line["tick"]["gpus"] for line in recorded if "tick" in line]
        assert ticks[-1]["1"]["processes"][0]["engine"] == "fake"
        assert ticks[-1]["0"]["temperature_celsius"] == 60.0
        assert ticks[-1]["1"]["claimed_bytes"]["fake"] == room.json("ledger")["gpus"][1]["shares"][0]["claimed_bytes"]
        assert ticks[-1]["1"]["free_bytes"] == room.json("gpus")[1]["claimable_bytes"]

        publish({"gpu": [card(0), card(1, fault=LOST)]}, lines)
        wait_for(lambda: [one["stale"] for one in room.json("gpus")] == [False, True], "GPU 1 is lost")
        publish({"gpu": [card(0), card(1)]}, lines)
        wait_for(lambda: [one["stale"] for one in room.json("gpus")] == [False, False], "GPU 1 is back")
        news = [one for one in room.happenings() if one["about"] == "gpu 1"]
        assert [(one["severity"], one["word"]) for one in news] == [("error", "gpu-lost"), ("info", "gpu-back")]
        assert "It is lost: GPU is lost." in news[0]["text"]
        assert room.engine("fake")["state"] == "ready"


def test_a_supervisor_with_a_hung_gpu_works_and_goes_down(tmp_path: Path) -> None:
    lines = tmp_path / "scenario"
    publish({"gpu": [card(0, latency=[{"seconds": 600}])]}, lines)
    with open_room(f'{FAKE}gpu = "cpu"\n[engine.other]\nkind = "fake"\n') as room:
        room.environ = {name: value for name, value in environment(lines).items() if name not in os.environ}
        room.run("up")
        room.await_engine("fake", "ready")
        assert "GPU 0 gives no readings" in room.run("start", "other", code=1).stderr
        hung = wait_for(lambda: next((one for one in room.json("gpus") if one["stale"]), None), "the hung GPU is stale")
        assert hung["problem"].startswith("Its driver has not answered for ")
        room.run("down", seconds=20)
