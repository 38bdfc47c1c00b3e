"""`models import`: what it refuses before anything is made, and what it says of what was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from room_kit import Room, open_room

TINY = Path(__file__).parents[1] / "embed" / "tiny-roberta"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Nothing of it runs: the verb needs no supervisor."""
    (tmp_path / "work").mkdir()
    return Room(tmp_path / "state", tmp_path / "work", environ={"ENGINEROOM_DATA": str(tmp_path / "data")})


def test_a_folder_becomes_a_model_of_its_name(room: Room, tmp_path: Path) -> None:
    made = json.loads(room.run("models", "import", str(TINY), "--json").stdout)
    assert made["path"] == str(tmp_path / "data" / "models" / "tiny-roberta")
    assert (made["dimensions"], made["max_tokens"], made["how"]) == (16, 12, "weights")
    assert Path(made["path"], "model.onnx").stat().st_size == made["size_bytes"]
    again = room.run("models", "import", str(TINY), code=1).stderr
    assert "Model exists" in again
    assert "--replace" in again
    said = room.run("models", "import", str(TINY), "--replace")
    assert said.stdout.startswith("tiny-roberta: 16 dimensions, up to 12 tokens")
    room.run("models", "import", str(TINY), "--name", "other")
    assert sorted(path.name for path in (tmp_path / "data" / "models").iterdir()) == ["other", "tiny-roberta"]


def test_a_relative_folder_is_one_of_where_it_was_said(room: Room) -> None:
    (room.work / "weights").symlink_to(TINY)
    assert json.loads(room.run("models", "import", "weights", "--json").stdout)["name"] == "weights"


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (["nowhere"], "No such model"),
        ([str(TINY), "--name", "../escape"], "Bad name"),
        ([str(TINY), "--name", ".hidden"], "Bad name"),
    ],
)
def test_what_cannot_be_made_says_why(room: Room, arguments: list[str], title: str, tmp_path: Path) -> None:
    assert title in room.run("models", "import", *arguments, code=1).stderr
    assert list(tmp_path.glob("data/models/*")) == []


def test_an_interpreter_that_dies_is_told_from_a_model_that_cannot_be_made(room: Room) -> None:
    room.config = '[engine.vectors]\nkind = "embed"\npython = "/bin/false"\n'
    assert "Import died: It ended with exit code 1" in room.run("models", "import", str(TINY), code=1).stderr


def test_an_engine_uses_what_was_made(tmp_path: Path) -> None:
    with open_room('[engine.vectors]\nkind = "embed"\nmodel = "tiny-roberta"\nthreads = 1\n') as opened:
        opened.environ = {"ENGINEROOM_DATA": str(tmp_path)}
        opened.run("models", "import", str(TINY))
        vector = json.loads(opened.run("embed", "vectors", "a pump").stdout)
    expected = json.loads((TINY / "expected.json").read_text())
    assert vector == pytest.approx(expected["vectors"][expected["texts"].index("a pump")], abs=1e-4)
