"""Settings of a job's own and how sure its units are, from the command line to a real engine and back."""

from __future__ import annotations

import json

from room_kit import open_room, wait_for

CONFIG = '[engine.fake]\nkind = "fake"\ntokens_per_unit = 5\naudio_seconds = 2.0\nconfidence = -0.25\n'


def test_a_job_with_settings_of_its_own_leaves_those_of_others_alone() -> None:
    with open_room(CONFIG) as room:
        room.run("up")
        source = room.work / "p.jsonl"
        source.write_text("".join(json.dumps({"id": str(n), "prompt": f"line {n}"}) + "\n" for n in range(4)))
        told = ("--set", "tokens_per_unit=2", "--set", "batch_size=2")
        jobs = [room.submit("fake", str(source), "-o", str(room.work / f"{n}.jsonl"), *(told * n)) for n in range(2)]
        wait_for(lambda: all(room.job(job)["state"] == "done" for job in jobs), "both are done")
        words = [
            [len(json.loads(line)["answer"].split()) for line in (room.work / f"{n}.jsonl").read_text().splitlines()]
            for n in range(2)
        ]
        assert words == [[5] * 4, [2] * 4]
        usual, own = (room.json("job", "show", job) for job in jobs)
        assert (usual["own"], own["own"]) == ({}, {"tokens_per_unit": 2, "batch_size": 2})
        assert (usual["units_done"], own["units_done"]) == (4, 2)
        assert (usual["confidence"], own["confidence"]) == (-0.25, -0.25)
        refused = room.run("submit", "fake", str(source), "-o", str(room.work / "x"), "--set", "tokens=1", code=1)
        assert "A job of kind fake has no setting 'tokens' of its own." in refused.stderr
