"""`voices`: named recordings, looked at by the kind's own process, for which a small program stands in here."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]

Run: TypeAlias = Callable[..., Awaitable[Any]]

LOOKS = """#!{python}
import json, os, sys
assert sys.argv[1:4] == ["-P", "-m", "engines.tts.sound.recording"]
size = os.path.getsize(sys.argv[4])
problems = ["It is 0.2 s long. Give at least 1 s."] if size < 4 else []
warnings = ["Its 2 channels are mixed to one."] if size > 8 else []
print("a line that a library prints")
print(json.dumps(dict(seconds=size, rate=44100, problems=problems, warnings=warnings)))
"""
ENGINES = """
[engine.book]
kind = "tts"
voice = "anna"
python = "{python}"
[engine.radio]
kind = "tts"
cast = "{cast}"
"""


@pytest.fixture
def folder(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where voices are kept."""
    python = tmp_path / "python"
    python.write_text(LOOKS.format(python=sys.executable))
    python.chmod(0o755)
    cast = tmp_path / "cast.toml"
    cast.write_text('default = "ben"\n3 = "anna"\n')
    config = tmp_path / "engineroom.toml"
    config.write_text(ENGINES.format(python=python, cast=cast))
    monkeypatch.setenv("ENGINEROOM_CONFIG", str(config))
    monkeypatch.setenv("ENGINEROOM_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "voices"


def recording(folder: Path, name: str, size: int = 6) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.exists() else []


async def test_a_recording_is_checked_and_kept_under_a_name(run: Run, folder: Path, tmp_path: Path) -> None:
    recording(tmp_path, "My voice.WAV")
    ran = await run("voices", "add", "anna", "My voice.WAV")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"anna: 6.0 s, 44100 Hz, can serve ({folder}/anna.wav)\n"
    assert (folder / "anna.wav").read_bytes() == b"x" * 6
    assert names(folder) == ["anna.wav"]


async def test_a_recording_that_cannot_serve_is_not_kept(run: Run, folder: Path, tmp_path: Path) -> None:
    recording(tmp_path, "short.wav", 2)
    ran = await run("voices", "add", "anna", "short.wav")
    assert ran.code == 1
    assert "No good voice: It is 0.2 s long. Give at least 1 s." in ran.err
    assert names(folder) == []


async def test_a_name_that_is_taken_is_replaced_only_by_force(run: Run, folder: Path, tmp_path: Path) -> None:
    recording(folder, "anna.flac")
    recording(tmp_path, "new.wav", 7)
    ran = await run("voices", "add", "anna", "new.wav")
    assert ran.code == 1
    assert "Name is taken" in ran.err
    assert names(folder) == ["anna.flac"]
    assert (await run("voices", "add", "anna", "new.wav", "--force")).code == 0
    assert names(folder) == ["anna.wav"], "a name has one recording"


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "anna.wav", "two words", "-x" * 40])
async def test_a_name_is_a_safe_file_name(run: Run, folder: Path, tmp_path: Path, name: str) -> None:
    recording(tmp_path, "new.wav")
    ran = await run("voices", "add", "--", name, "new.wav")
    assert ran.code == 1
    assert "cannot name a voice" in ran.err


async def test_a_recording_that_its_name_would_not_find_is_not_kept(run: Run, folder: Path, tmp_path: Path) -> None:
    recording(tmp_path, "take.snd")
    ran = await run("voices", "add", "anna", "take.snd")
    assert ran.code == 1
    assert "take.snd ends in none of .wav, .wave, .flac" in ran.err
    assert names(folder) == []


async def test_what_is_listed_is_found_and_nothing_else_is_listed(run: Run, folder: Path) -> None:
    for name in ("CARL.WAV", "anna.wave", "notes.txt", ".hidden.wav"):
        recording(folder, name)
    listed = json.loads((await run("voices", "list", "--json")).out)
    assert [Path(voice["file"]).name for voice in listed] == ["CARL.WAV", "anna.wave"]
    for voice in listed:
        assert (await run("voices", "check", voice["name"])).code == 0


async def test_the_list_says_how_long_of_what_type_and_who_uses_it(run: Run, folder: Path) -> None:
    recording(folder, "anna.wav", 9)
    recording(folder, "ben.flac")
    recording(folder, "carl.mp3", 2)
    ran = await run("voices", "list")
    assert [line.split(maxsplit=5) for line in ran.out.splitlines()[1:3]] == [
        ["anna", "wav", "9.0", "s", "44100", "Hz  book, radio  Its 2 channels are mixed to one."],
        ["ben", "flac", "6.0", "s", "44100", "Hz  radio"],
    ]
    assert ran.out.splitlines()[3].endswith("—            It is 0.2 s long. Give at least 1 s.")


async def test_json_has_all_of_it(run: Run, folder: Path) -> None:
    path = recording(folder, "anna.wav", 9)
    anna = {
        "name": "anna",
        "file": str(path),
        "audio_seconds": 9,
        "rate": 44100,
        "engines": ["book", "radio"],
        "problems": [],
        "warnings": ["Its 2 channels are mixed to one."],
    }
    assert json.loads((await run("voices", "list", "--json")).out) == [anna]
    assert json.loads((await run("voices", "check", "anna", "--json")).out) == anna


async def test_without_any_voice_the_way_to_one_is_told(run: Run, folder: Path) -> None:
    assert (await run("voices", "list")).out == (
        f"No voice is in {folder}: `engineroom voices add NAME FILE` adds one.\n"
    )


async def test_a_recording_is_checked_before_it_is_added(run: Run, folder: Path, tmp_path: Path) -> None:
    recording(tmp_path, "good.wav", 9)
    recording(tmp_path, "bad.wav", 1)
    good, bad, none = [await run("voices", "check", name) for name in ("good.wav", "bad.wav", "nobody")]
    assert (good.code, bad.code, none.code) == (0, 1, 1)
    assert good.out.splitlines()[1] == "  Its 2 channels are mixed to one."
    assert "cannot serve" in bad.out
    assert "No voice is named 'nobody'." in none.err


async def test_a_voice_in_use_is_removed_only_by_force(run: Run, folder: Path) -> None:
    recording(folder, "anna.wav")
    recording(folder, "dora.wav")
    ran = await run("voices", "remove", "anna", "--yes")
    assert ran.code == 1
    assert "book, radio are set to speak like anna." in ran.err
    assert (await run("voices", "remove", "dora", "--yes")).out == "dora is removed\n"
    assert (await run("voices", "remove", "anna", "--yes", "--force")).code == 0
    assert names(folder) == []


async def test_nobody_to_ask_is_no_consent(run_process: Run, folder: Path) -> None:
    recording(folder, "dora.wav")
    ran = await run_process("voices", "remove", "dora")
    assert ran.code == 1
    assert "Say --yes" in ran.err
    assert names(folder) == ["dora.wav"]


async def test_without_the_environment_voices_are_listed_and_the_way_is_told(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "python").write_text(
        "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'soundfile'\" >&2\nexit 1\n"
    )
    recording(folder, "anna.wav")
    listed, added = await run("voices", "list"), await run("voices", "add", "ben", str(folder / "anna.wav"))
    assert listed.code == 0
    assert listed.out.splitlines()[1].split() == ["anna", "wav", "—", "—", "book,", "radio"]
    assert added.code == 1
    for ran in (listed, added):
        assert "`engineroom env sync tts` makes it." in ran.err


async def test_on_another_host_it_is_done_there(run: Run, folder: Path) -> None:
    ran = await run("--host", "me@box", "voices", "list")
    assert ran.code == 1
    assert "ssh me@box engineroom voices" in ran.err
