"""A unit done again is another take in a real engine, too, and its answer goes into the output."""

from __future__ import annotations

import json

from room_kit import open_room, wait_for


def test_a_redo_brings_another_answer_of_that_unit_alone() -> None:
    with open_room('[engine.fake]\nkind = "fake"\n') as room:
        room.run("up")
        source, output = room.work / "p.jsonl", room.work / "out.jsonl"
        source.write_text("".join(json.dumps({"id": str(n), "prompt": f"line {n}"}) + "\n" for n in range(2)))
        job = room.submit("fake", str(source), "-o", str(output))
        wait_for(lambda: room.job(job)["state"] == "done", "the job is done")
        first = output.read_text().splitlines()
        room.run("job", "redo", job, "1")
        wait_for(lambda: room.job(job)["state"] == "done", "the job is done again")
        again = output.read_text().splitlines()
        assert again[0] == first[0]
        assert json.loads(again[1])["answer"] != json.loads(first[1])["answer"]
        units = room.run("job", "units", job, "--json").stdout.splitlines()
        assert [json.loads(unit)["take"] for unit in units] == [0, 1]
