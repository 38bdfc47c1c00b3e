"""`engineroom demo` speaks a story with the miniature, where the environment for it is there."""

from __future__ import annotations

import json

from room_kit import open_room
from speech_kit import with_speech


def test_the_demo_speaks_a_story_and_says_how_long_it_is() -> None:
    with open_room() as room:
        room.environ["ENGINEROOM_DATA"] = str(with_speech(room.work / "data"))
        (room.work / "prompts.jsonl").write_text(json.dumps({"id": "p", "prompt": "What is a token?"}) + "\n")
        (room.work / "engineroom.toml").write_text("# mine\n")
        (room.work / "story.txt").write_text("CHAPTER I\n\nIt was late.\n\nCHAPTER II\n\nIt was early.\n")
        try:
            ran = room.run("demo", "prompts.jsonl", "-o", ".", seconds=110)
        finally:
            room.run("--state", "state", "down", code=None)
        told = {line[:16].strip(): line[16:].strip() for line in ran.stdout.splitlines()}
        assert told["story"].endswith(", done")
        assert told["spoken"].endswith(" chunks, 2 chapters")
        assert told["speed"].startswith("RTF ")
        assert (room.work / "story.m4b").read_bytes()[4:11] == b"ftypM4B"
        assert (room.work / "engineroom.toml").read_text() == "# mine\n"
