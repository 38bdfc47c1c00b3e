"""A book in, an audiobook out, no word lost: whatever is killed on the way, and byte for byte the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from book_kit import Story, story
from speaking_kit import Speaking
from spoken_kit import covers, heard, kept, places

pytest_plugins = ["speech_room_fixtures"]
pytestmark = pytest.mark.timeout(400)

FAST = ("flow_steps=1", "reference_seconds=1", "watermark=false", "loudness=0", "cfg=0", "parallel=16")
USUAL = ("flow_steps=0", "reference_seconds=10", "watermark=true", "loudness=-19", "cfg=0.5", "parallel=0")
FRAME_SAMPLES = 1024
"""Of AAC: what it may put before and after."""


def whole(at: Speaking, job: str, output: Path, of: Story) -> None:
    """Fail unless every sentence is in it once, and the file lasts as long as its parts and opens."""
    units = kept(at.room.state, job)
    covers(units, of.sentences, of.lengths())
    assert {unit.result.get("flags", []) == [] for unit in units} == {True}
    sound, expected = heard(at.python, output), places(at.python, units)[-1]
    spare = 3 * FRAME_SAMPLES if output.suffix == ".m4b" else 0
    assert expected <= sound.samples <= expected + spare
    assert 0.01 < sound.peak <= 1
    if output.suffix != ".wav":
        assert [title for _, title in sound.chapters] == [chapter.heading for chapter in of.chapters]


def outputs(at: Speaking, name: str) -> tuple[Path, Path]:
    """Two paths of one name, which an audiobook may have as its title."""
    paths = at.room.work / "calm" / name, at.room.work / "stormy" / name
    for path in paths:
        path.parent.mkdir(exist_ok=True)
    return paths


def test_two_hundred_words_as_the_settings_are_survive_the_engine_byte_for_byte(speaking_room: Speaking) -> None:
    at, room, book = speaking_room, speaking_room.room, story(200, 3)
    source = book.write(room.work / "note.txt")
    calm, stormy = outputs(at, "note.wav")
    room.run("set", "voice", *USUAL)
    at.ended(at.submit(source, calm))
    job = at.submit(source, stormy)
    at.begun(job, 2)
    at.kill_engine()
    at.ended(job)
    whole(at, job, stormy, book)
    assert stormy.read_bytes() == calm.read_bytes()


def test_two_books_survive_a_night_of_being_down_byte_for_byte(speaking_room: Speaking) -> None:
    at, room = speaking_room, speaking_room.room
    room.run("set", "voice", *FAST, "parallel=8")
    books = [(story(464, 2), "tale.md", "tale.flac"), (story(1000, 3), "novel.epub", "novel.m4b")]
    written = [(book, book.write(room.work / source), *outputs(at, output)) for book, source, output in books]
    for job in [at.submit(source, calm) for _, source, calm, _ in written]:
        at.ended(job)
    written.reverse()  # the long one first, so that a quick machine is not done with it before the night comes
    jobs = [at.submit(source, stormy) for _, source, _, stormy in written]
    at.begun(jobs[0], 1)
    at.down_and_up()
    for job, (book, _, calm, stormy) in zip(jobs, written, strict=True):
        at.ended(job)
        whole(at, job, stormy, book)
        assert stormy.read_bytes() == calm.read_bytes()


def test_five_thousand_words_are_whole_though_engine_supervisor_and_desk_die(speaking_room: Speaking) -> None:
    at, room, book = speaking_room, speaking_room.room, story(5000, 12)
    assert book.words >= 5000
    source, output = book.write(room.work / "saga.epub"), room.work / "saga.flac"
    room.run("set", "voice", *FAST)
    job = at.submit(source, output)
    at.begun(job, 10)
    at.kill_engine()
    at.begun(job, 40)
    at.kill_supervisor()
    at.assembling(job)
    at.kill_desk()
    at.ended(job)
    whole(at, job, output, book)
