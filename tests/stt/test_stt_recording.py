"""Recordings of every form are read as the same sound, sample for sample, and what is no recording says so."""

from __future__ import annotations

import os
import random
import wave
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
import stt_recording_kit as kit
from stt_recording_kit import AIFF, FLAC, FORMS, M4A, MP3, OPUS, WAV, Form

from engines.stt.audio.recording import NotAudio, Recording, stamp
from engines.stt.unit import RATE, Span

ALL = Span(0, 10**9)
MUTANTS = 60
STUDIO = Form("wav", "pcm_s24le", 44100, "stereo")


def read(path: Path) -> kit.Samples:
    recording = Recording(path)
    try:
        return recording.read(ALL)
    finally:
        recording.close()


def refused(path: Path) -> str:
    with pytest.raises(NotAudio) as caught:
        Recording(path).read(ALL)
    assert caught.value.problem.hint
    return str(caught.value)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.codec}-{form.rate}-{form.layout}")
def test_every_form_is_heard_at_the_same_time(form: Form, tmp_path: Path) -> None:
    sound = kit.talk(0, 3)
    path = kit.write(tmp_path / f"talk.{form.suffix}", sound, form)
    recording = Recording(path)
    heard = recording.read(ALL)
    recording.close()
    assert heard.dtype == np.float32
    assert recording.length == len(heard)
    assert -2 <= len(heard) - len(sound) <= (400 if form is M4A else 2), "AAC may end with the rest of a frame"
    assert recording.seconds == pytest.approx(len(sound) / RATE, abs=0.05)
    least = min(len(heard), len(sound))
    alike = [np.corrcoef(heard[at : least - 9 + at], sound[4 : least - 5])[0, 1] for at in range(9)]
    assert int(np.argmax(alike)) == 4, "not a sample early or late"
    assert alike[4] > 0.95


@pytest.mark.parametrize(
    "form", [WAV, MP3, OPUS, Form("wav", "pcm_s24le", 44100, "stereo")], ids=lambda form: form.codec
)
def test_samples_are_the_same_whatever_is_read_when(form: Form, tmp_path: Path) -> None:
    plain = form in (WAV, STUDIO)
    path = kit.write(tmp_path / f"talk.{form.suffix}", np.tile(kit.talk(1, 2, 3, 4), 5 if plain else 1), form)
    whole = read(path)
    chance = random.Random(3)
    recording = Recording(path)
    seconds = [second * RATE for second in (33, 20, 11, 7, 3)] if plain else []
    for begin in [chance.randrange(len(whole)) for _ in range(8 if plain else 2)] + seconds:
        end = begin + chance.randrange(1, 5 * RATE)
        assert np.array_equal(recording.read(Span(begin, end)), whole[begin:end])
    assert len(recording.read(Span(len(whole) + RATE, len(whole) + 2 * RATE))) == 0
    assert recording.length == len(whole)
    recording.close()


def test_plain_samples_are_gone_to(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "long.wav", np.tile(kit.talk(1, 2), 40))
    recording, steps = Recording(path), list[None]()
    recording.read(Span(150 * RATE, 151 * RATE), lambda: steps.append(None))
    recording.read(Span(100 * RATE, 101 * RATE), lambda: steps.append(None))
    recording.close()
    assert len(steps) < 10


def test_each_second_is_a_step_that_may_end_the_reading(tmp_path: Path) -> None:
    class Enough(Exception):
        """Raised by the step."""

    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == 3:
            raise Enough

    path = kit.write(tmp_path / "talk.mp3", kit.talk(0, 1, 2), MP3)
    whole = read(path)
    recording = Recording(path)
    with pytest.raises(Enough):
        recording.read(ALL, step)
    assert np.array_equal(recording.read(ALL), whole), "and it can be read as before"
    recording.close()


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_video_is_heard_in_time_with_its_picture(suffix: str, tmp_path: Path) -> None:
    path, sound = tmp_path / f"film.{suffix}", kit.talk(0, 1)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 32
        voice = container.add_stream("aac", rate=48000)
        voice.codec_context.layout = M4A.layout
        for at in range(80):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
            frame.pts = at
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        kit.encode(container, voice, sound, M4A, begin=2.0)
    heard = read(path)
    loud = int(np.flatnonzero(np.abs(heard) > 0.1)[0]), int(np.flatnonzero(np.abs(sound) > 0.1)[0])
    assert loud[0] - loud[1] == pytest.approx(2 * RATE, abs=0.05 * RATE)


def test_nothing_stays_open(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "talk.mp3", kit.talk(0), MP3)
    (tmp_path / "text.mp3").write_text("This is no sound. " * 100)
    (tmp_path / "no.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello.\n")
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        read(path)
        recording = Recording(path)
        recording.read(Span(RATE, 2 * RATE))
        recording.read(Span(0, RATE))
        recording.close()
        recording.close()
        refused(tmp_path / "text.mp3")
        refused(tmp_path / "no.srt")
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_changed_file_has_another_stamp(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "talk.wav", kit.talk(0))
    first = stamp(path)
    assert stamp(path) == first
    os.utime(path, ns=(1, 1))
    assert stamp(path) != first


# ── what is no recording ──────────────────────────────────────────────────────────────────────────────────


def test_what_is_no_recording_says_so_in_a_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.mp3").write_text("This is no sound. " * 1000)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello.\n")
    (tmp_path / "folder.mp3").mkdir()
    (tmp_path / "chance.mp3").write_bytes(random.Random(1).randbytes(100_000))
    os.mkfifo(tmp_path / "pipe.wav")
    with wave.open(str(tmp_path / "header.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
    assert "is no recording that can be read" in refused(tmp_path / "text.mp3")
    assert "it is 0 s long" in refused(tmp_path / "empty.wav")
    assert "it is 0 s long" in refused(tmp_path / "header.wav")
    assert "has no audio stream" in refused(tmp_path / "text.srt")
    assert "is not a regular file" in refused(tmp_path / "folder.mp3")
    assert "is not a regular file" in refused(tmp_path / "pipe.wav")
    assert "Nothing of the sound of" in refused(tmp_path / "chance.mp3")
    assert "No such file" in refused(tmp_path / "none.mp3")
    with pytest.raises(NotAudio, match="No such file"):
        stamp(tmp_path / "none.mp3")
    assert capfd.readouterr() == ("", ""), "and the library is silent"


def test_sound_that_no_decoder_knows_says_so(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "talk.wav", kit.talk(0))
    data = bytearray(path.read_bytes())
    data[20:22] = b"\x74\x00"
    path.write_bytes(data)
    assert "is written in a codec that cannot be read here" in refused(path)


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "talk.wav", kit.talk(0))
    named = path.rename(tmp_path / "http:talk?.wav")
    assert len(read(named)) == len(kit.talk(0))


@pytest.mark.parametrize("form", [MP3, FLAC, OPUS, WAV], ids=lambda form: form.suffix)
def test_a_file_that_was_cut_off_is_read_to_where_it_ends(
    form: Form, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = kit.write(tmp_path / f"talk.{form.suffix}", np.tile(kit.talk(1, 2, 3), 2), form)
    whole, data = read(path), path.read_bytes()
    path.write_bytes(data[: len(data) // 2 + 7])
    part = read(path)
    assert 0.3 * len(whole) < len(part) < 0.7 * len(whole)
    assert np.array_equal(part[: len(part) - RATE], whole[: len(part) - RATE])
    assert capfd.readouterr() == ("", "")


def mutant(data: bytes, chance: random.Random) -> bytes:
    """The file with a few bytes changed, in its head or anywhere, or with some lost and others put there."""
    made = bytearray(data)
    match chance.randrange(3):
        case 0:
            for _ in range(chance.choice((1, 3, 20))):
                made[chance.randrange(len(made))] = chance.randrange(256)
        case 1:
            for _ in range(chance.choice((1, 2, 5))):
                made[chance.randrange(600)] = chance.randrange(256)
        case _:
            place = chance.randrange(len(made))
            made[place : place + chance.randrange(1, 5000)] = chance.randbytes(chance.randrange(3000))
    return bytes(made)


@pytest.mark.parametrize(
    "form",
    [WAV, MP3, M4A, FLAC, OPUS, AIFF, *(Form(suffix, "aac", 44100, "stereo") for suffix in ("ts", "flv"))],
    ids=lambda form: form.suffix,
)
def test_whatever_is_damaged_in_a_file_is_skipped_or_said(form: Form, tmp_path: Path) -> None:
    """Nothing else is raised, for that would end the desk and the engine, and nothing of it becomes hours."""
    path = kit.write(tmp_path / f"talk.{form.suffix}", kit.talk(0), form)
    data, chance, heard = path.read_bytes(), random.Random(form.suffix), 0
    for _ in range(MUTANTS):
        path.write_bytes(mutant(data, chance))
        with suppress(NotAudio):
            heard += 0 < len(read(path)) < 120 * RATE
    assert heard > MUTANTS // 2


def test_a_header_that_asks_for_more_memory_than_there_is_is_a_damaged_file(tmp_path: Path) -> None:
    """As if it were short of memory, an engine would be asked to do with less, and unload others."""
    path = kit.write(tmp_path / "talk.m4a", kit.talk(0), M4A)
    data = bytearray(path.read_bytes())
    size = data.index(b"stsz") + 16 + 4 * 20
    data[size : size + 4] = b"\x25\x00\x03\x6a"
    path.write_bytes(data)
    recording = Recording(path)
    heard = recording.read(ALL)
    recording.close()
    assert recording.damaged
    assert len(heard) > 0.2 * RATE, "what comes before is heard"


def test_a_damaged_rate_takes_no_time(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "talk.wav", kit.talk(0))
    data = bytearray(path.read_bytes())
    data[24:28] = (1_912_618_624).to_bytes(4, "little")
    path.write_bytes(data)
    assert "Nothing of the sound of" in refused(path)


def test_sound_in_a_form_that_cannot_be_mixed_is_damaged(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "talk.wav", kit.talk(0))
    data = bytearray(path.read_bytes())
    data[22:24], data[32:34] = (200).to_bytes(2, "little"), (400).to_bytes(2, "little")
    path.write_bytes(data)
    assert "Nothing of the sound of" in refused(path)


def test_damaged_pieces_are_skipped_and_told(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "talk.flac", np.tile(kit.talk(1, 2, 3), 4), FLAC)
    whole, data = read(path), bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = random.Random(2).randbytes(20_000)
    path.write_bytes(data)
    recording = Recording(path)
    heard = recording.read(ALL)
    recording.close()
    assert len(recording.damaged) >= 1
    assert all(0.3 * len(whole) < sample < 0.7 * len(whole) for sample in recording.damaged)
    assert len(heard) == pytest.approx(len(whole), abs=0.2 * RATE), "what follows stays in its place"
    late = slice(len(whole) * 3 // 4, len(whole) - RATE)
    assert np.corrcoef(heard[late], whole[late])[0, 1] > 0.9
