"""A book whose manner of reading changes in the middle, a sentence that is said again, and voices that never end."""

from __future__ import annotations

import math
import random
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from book_kit import story
from speaking_kit import Speaking
from spoken_kit import RATE, Kept, covers, kept, places

pytest_plugins = ["speech_room_fixtures"]
pytestmark = pytest.mark.timeout(240)

QUICK = ("flow_steps=1", "reference_seconds=1", "watermark=false", "loudness=0", "cfg=0", "parallel=4")
LONGEST_BEFORE, LONGEST_AFTER = 280, 100


@pytest.fixture
def at(speaking_room: Speaking, checkpoints: Path) -> Iterator[Speaking]:
    """The room, with these settings before and after."""
    model = f"model={checkpoints / 'quick'}"
    speaking_room.room.run("set", "voice", *QUICK)
    yield speaking_room
    speaking_room.room.run("set", "voice", *QUICK, model, "batch_size=0", "voice=", "attempts=2")


def a_voice(path: Path) -> Path:
    """Four seconds of what is neither silent nor clipped: three tones that swell like syllables, and some breath."""
    chance, sound = random.Random(1), array("h")
    for at in range(4 * RATE):
        seconds = at / RATE
        swell = 0.55 + 0.45 * math.sin(2 * math.pi * 4 * seconds)
        tones = sum(math.sin(2 * math.pi * pitch * seconds) / pitch for pitch in (140, 420, 980)) * 140
        sound.append(int(9000 * swell * (0.8 * tones + 0.2 * chance.uniform(-1, 1))))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    return path


def samples(path: Path) -> array[int]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        found = array("h", file.readframes(file.getnframes()))
        assert len(found) == file.getnframes()
    return found


def test_size_voice_and_number_together_change_in_the_middle_and_no_word_is_lost(at: Speaking) -> None:
    room, book = at.room, story(1500, 2)
    voice = a_voice(room.work / "anna.wav")
    output = room.work / "changed.wav"
    job = at.submit(book.write(room.work / "changed.txt"), output)
    for done, changes in ((1, (f"batch_size={LONGEST_AFTER}",)), (10, (f"voice={voice}", "parallel=2"))):
        at.begun(job, done)
        room.run("job", "pause", job)  # else a quick machine is done with it before the change is heard
        room.run("set", "voice", *changes)
        room.run("job", "resume", job)
    at.ended(job)
    units = kept(room.state, job)
    covers(units, book.sentences, book.lengths())
    assert len(samples(output)) == places(at.python, units)[-1]
    lengths = [len(unit.payload["text"]) for unit in units]
    smaller = next(number for number in range(len(units)) if max(lengths[number:]) <= LONGEST_AFTER)
    assert LONGEST_AFTER < max(lengths[:smaller]) <= LONGEST_BEFORE
    assert 1 <= smaller < len(units) // 2
    voices = [unit.payload.get("voice", "") for unit in units]
    cloned = voices.index(str(voice))
    assert set(voices[:cloned]) == {""}
    assert set(voices[cloned:]) == {str(voice)}
    runs = room.json("job", "show", job)["runs"]
    assert [run["settings"]["parallel"] for run in runs][-1] == 2
    assert sum(run["units"] for run in runs) == len(units)


def test_a_sentence_that_is_done_again_sounds_other_and_nothing_else_does(at: Speaking) -> None:
    room, book = at.room, story(120, 2)
    source, output = book.write(room.work / "again.txt"), room.work / "again.wav"
    job = at.submit(source, output)
    at.ended(job)
    before, first = kept(room.state, job), samples(output)
    begins = places(at.python, before)
    number = 2
    name = before[number].name
    assert name.startswith("c1s")

    def redo(job: str) -> list[Kept]:
        room.run("job", "redo", job, name)
        at.ended(job)
        return kept(room.state, job)

    after, again = redo(job), samples(output)
    assert [unit.take for unit in after] == [int(unit.index == number) for unit in before]
    assert after[number].result["seed"] != before[number].result["seed"]
    others = [unit for unit in before if unit.index != number]
    assert [unit.result for unit in others] == [after[unit.index].result for unit in others]
    ends = places(at.python, after)
    assert (len(first), len(again)) == (begins[-1], ends[-1])
    assert first[: begins[number]] == again[: begins[number]]
    assert first[begins[number + 1] :] == again[ends[number + 1] :]
    assert first[begins[number] : begins[number + 1]] != again[begins[number] : ends[number + 1]]

    elsewhere = room.work / "elsewhere.wav"
    other = at.submit(source, elsewhere)
    at.ended(other)
    assert samples(elsewhere) == first
    redo(other)
    assert samples(elsewhere) == again, "the same take of the same sentence is the same"


def test_a_voice_that_stops_late_is_waited_for_and_no_chunk_is_cut(at: Speaking, checkpoints: Path) -> None:
    room, book = at.room, story(120, 2)
    room.run("set", "voice", f"model={checkpoints / 'late'}")
    job = at.submit(book.write(room.work / "late.txt"), room.work / "late.wav")
    at.ended(job)
    units = kept(room.state, job)
    covers(units, book.sentences, book.lengths())
    said = [unit.result for unit in units]
    assert sum(one.get("extended", 0) for one in said) >= len(units) // 2
    assert [(one.get("pieces", 1), one.get("redone", 0), one.get("flags", [])) for one in said] == [(1, 0, [])] * len(
        units
    )
    assert "extended" in room.engine("voice")["said"]


def test_a_voice_that_never_stops_is_divided_and_the_book_ends(at: Speaking, checkpoints: Path) -> None:
    room, book = at.room, story(16, 1)
    room.run("set", "voice", f"model={checkpoints / 'never'}", "attempts=0")
    output = room.work / "never.wav"
    job = at.submit(book.write(room.work / "never.txt"), output)
    at.ended(job)
    units = kept(room.state, job)
    covers(units, book.sentences, book.lengths())
    assert max(unit.result.get("pieces", 1) for unit in units) > 2
    assert all("cut" in unit.result["flags"] for unit in units)
    assert len(samples(output)) == places(at.python, units)[-1]
