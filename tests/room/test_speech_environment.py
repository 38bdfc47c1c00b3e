"""The environment that the project makes for what speaks, and a room that is given it."""

from __future__ import annotations

from pathlib import Path

import pytest
from room_kit import open_room
from speech_kit import speech_python, with_speech

from engines.environments.machine import this_machine
from engines.environments.present import chosen


def test_where_there_is_none_it_is_said_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="`make speech` makes it, or set ENGINEROOM_TEST_SPEECH_PYTHON"):
        speech_python(tmp_path, None)
    assert speech_python(tmp_path, "/some/python") == "/some/python"


def test_the_one_of_a_data_folder_is_found_by_its_record(tmp_path: Path) -> None:
    found = chosen(with_speech(tmp_path) / "environments", "tts", this_machine(), on_gpu=False)
    assert found is not None
    assert speech_python(tmp_path, None) == str(found.python)


def test_an_engine_that_speaks_runs_in_it() -> None:
    with open_room('[engine.voice]\nkind = "tts"\n') as room:
        room.environ["ENGINEROOM_DATA"] = str(with_speech(room.work / "data"))
        findings = {one["what"]: one for one in room.json("doctor")}
        assert (findings["voice runs in"]["verdict"], findings["voice runs in"]["text"]) == (
            "ok",
            "tts; its self-test: of the tests",
        )
