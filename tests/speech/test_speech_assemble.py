"""Sounds of units to audiobooks in every form: valid, whole, the same bytes each time."""

from __future__ import annotations

import dataclasses
import errno
import os
from fractions import Fraction
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
import soundfile
from small_disk import small_disk
from speech_sounds import Book_, decoded, novel, spoken_sound

from engines.contract import CannotAssemble
from engines.tts.assemble import assemble
from engines.tts.audio.chapters import Chapter, held
from engines.tts.audio.encode import encoding
from engines.tts.audio.formats import FORMATS, Format
from engines.tts.audio.timeline import FADE, follow, gaps, total
from engines.tts.audio.trim import spoken
from engines.tts.audio.verify import verify
from engines.tts.settings import TtsSettings
from engines.tts.unit import RATE, Book

EVERY = pytest.mark.parametrize("suffix", list(FORMATS))
WITH_CHAPTERS = pytest.mark.parametrize("suffix", [one for one in FORMATS if one != ".wav"])


@pytest.fixture
def book(tmp_path: Path) -> Book_:
    return novel(tmp_path)


def samples_of(book: Book_) -> int:
    """By the timeline."""
    place = None
    for unit, sound in book.units:
        first, end = spoken((np.rint(sound * 32768) / 32768).astype(np.float32))
        place = follow(place, end - first, gaps(book.settings)[unit.pause])
    return total(place)


@EVERY
def test_a_book_in_every_form_is_valid_and_as_long_as_its_parts(book: Book_, suffix: str) -> None:
    part = book.assemble(f"book{suffix}")
    with av.open(str(part)) as container:
        stream = container.streams.audio[0]
        assert (stream.channels, stream.rate) == (1, 48000 if suffix == ".opus" else RATE)
        assert (container.duration or 0) / 1e6 == pytest.approx(samples_of(book) / RATE, abs=0.05)
        tags = {key.lower(): value for key, value in {**container.metadata, **stream.metadata}.items()}
    assert tags["title"] == tags["album"] == "Die Wahlverwandtschaften"
    assert tags["artist"] == "J. W. v. Goethe"
    assert tags["genre"] == "Audiobook"
    assert tags["language"] == "deu"
    assert len(decoded(part)) / stream.rate == pytest.approx(samples_of(book) / RATE, abs=0.05)


@WITH_CHAPTERS
def test_chapters_are_where_they_begin_to_the_millisecond(book: Book_, suffix: str) -> None:
    begin = samples_of(Book_(book.folder, book.units[:6], book.settings)) / RATE
    with av.open(str(book.assemble(f"book{suffix}"))) as container:
        found = container.chapters()
    assert [one["metadata"]["title"] for one in found] == ["Kapitel 1: Süß", "Kapitel 2: Süß"]
    starts = [float(one["start"] * Fraction(one["time_base"] or 0)) for one in found]
    assert starts == pytest.approx([0, begin], abs=0.001)
    assert begin % 1 > 0.5, "the part of a second that FFmpeg would round up in Ogg"


@EVERY
def test_the_same_rows_make_the_same_bytes(book: Book_, suffix: str) -> None:
    once = book.assemble(f"book{suffix}").read_bytes()
    assert book.assemble(f"book{suffix}", job="box-77").read_bytes() == once


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_without_a_wanted_loudness_the_samples_stay_as_they_are(tmp_path: Path, suffix: str) -> None:
    book = Book_(tmp_path, settings=TtsSettings(loudness=0))
    sound = spoken_sound(0.5, edge=0)
    book.say(sound)
    book.say(sound)
    result = decoded(book.assemble(f"book{suffix}"))
    inner = (np.rint(sound * 32768) / 32768)[FADE:-FADE]
    second = len(sound) + gaps(book.settings)["sentence"]
    assert np.array_equal(result[FADE : len(sound) - FADE], inner)
    assert np.array_equal(result[second + FADE : second + len(sound) - FADE], inner)
    assert not result[len(sound) : second].any()


def test_every_unit_is_heard_in_its_place(book: Book_) -> None:
    """Loudness is one number for all, so each unit is found again by correlation with its own sound."""
    result = decoded(book.assemble("book.wav"))
    place = None
    for unit, sound in book.units:
        first, end = spoken(sound)
        place = follow(place, end - first, gaps(book.settings)[unit.pause])
        inner = slice(place.begin + FADE, place.end - FADE)
        assert np.corrcoef(result[inner], sound[first + FADE : end - FADE])[0, 1] > 0.9999


@EVERY
def test_a_job_whose_units_all_failed_has_a_valid_output(tmp_path: Path, suffix: str) -> None:
    with av.open(str(Book_(tmp_path).assemble(f"book{suffix}"))) as container:
        assert (container.duration or 0) / 1e6 == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize("kbits", [16, 320])
@EVERY
def test_any_bitrate_that_can_be_set_makes_a_file(tmp_path: Path, suffix: str, kbits: int) -> None:
    book = Book_(tmp_path, settings=TtsSettings(bitrate=kbits))
    book.say(spoken_sound(1))
    assert book.assemble(f"book{suffix}").stat().st_size > 1000


def test_more_bits_make_a_larger_file(tmp_path: Path) -> None:
    sizes = []
    for kbits in (24, 96):
        book = Book_(tmp_path, settings=TtsSettings(bitrate=kbits))
        book.say(spoken_sound(5))
        sizes.append(book.assemble("book.mp3").stat().st_size)
    assert sizes[1] > 3 * sizes[0]


@WITH_CHAPTERS
def test_more_chapters_than_a_byte_can_count(tmp_path: Path, suffix: str) -> None:
    chapters = [Chapter(240 * i, 240 * (i + 1), f"Chapter {i}") for i in range(300)]
    form, part = FORMATS[suffix], tmp_path / "part"
    with encoding(part, form, {}, chapters, 64) as encoder:
        encoder.write(spoken_sound(3, edge=0))
    verify(part, form, 3 * RATE, 300)
    with av.open(str(part)) as container:
        assert [one["metadata"]["title"] for one in container.chapters()] == [one.title for one in chapters]


@WITH_CHAPTERS
@pytest.mark.parametrize("letter", ["x", "é", "章", "🎧"])
def test_long_titles_of_chapters_can_be_read_back_to_their_last_whole_character(
    tmp_path: Path, suffix: str, letter: str
) -> None:
    book = Book_(tmp_path)
    headings = [f"{chapter} " + letter * 198 for chapter in (1, 2, 3)]
    for chapter, heading in enumerate(headings):
        book.say(spoken_sound(0.2), heading=heading, chapter=chapter)
    with av.open(str(book.assemble(f"book{suffix}"))) as container:
        titles = [one["metadata"]["title"] for one in container.chapters()]
    if suffix != ".mp3":
        assert titles == headings
        return
    assert all(heading.startswith(title[:-1]) for heading, title in zip(headings, titles, strict=True))
    assert all(title.endswith("…") and 116 <= len(title.encode()) <= 120 for title in titles)


@pytest.mark.parametrize("suffix", [".opus", ".flac"])
def test_where_chapters_have_three_digits_the_thousand_first_are_kept(tmp_path: Path, suffix: str) -> None:
    form, part = FORMATS[suffix], tmp_path / "part"
    chapters = held([Chapter(24 * i, 24 * (i + 1), f"Chapter {i}") for i in range(1005)], form)
    with encoding(part, form, {}, chapters, 64) as encoder:
        encoder.write(spoken_sound(1.005, edge=0))
    verify(part, form, round(1.005 * RATE), len(chapters))
    with av.open(str(part)) as container:
        assert [one["metadata"]["title"] for one in container.chapters()] == [f"Chapter {i}" for i in range(1000)]


def test_chapters_that_cannot_be_read_back_are_not_tried_again(tmp_path: Path) -> None:
    form, part = FORMATS[".flac"], tmp_path / "part"
    with encoding(part, form, {}, [Chapter(0, RATE, "One")], 64) as encoder:
        encoder.write(spoken_sound(1, edge=0))
    with pytest.raises(CannotAssemble, match="has 1 chapters where 2 were written") as caught:
        verify(part, form, RATE, 2)
    assert not caught.value.retry
    assert ".m4b" in caught.value.problem.hint


def test_a_wave_file_has_room_to_grow_beyond_four_gibibytes(book: Book_) -> None:
    begin = book.assemble("book.wav").read_bytes()[:64]
    assert (begin[:4], begin[8:16]) == (b"RIFF", b"WAVEJUNK")  # where RF64 writes its size


def test_an_audiobook_of_one_file_for_several_sources_counts_on(tmp_path: Path) -> None:
    book = Book_(tmp_path)
    for title in ("Emma", "Ulysses"):
        book.say(spoken_sound(0.3), book=Book(title), pause="chapter")
        book.say(spoken_sound(0.3), chapter=1)
    with av.open(str(book.assemble("shelf.m4b"))) as container:
        titles = [one["metadata"]["title"] for one in container.chapters()]
        assert container.metadata["title"] == "shelf"
    assert titles == ["Emma", "Chapter 2", "Ulysses", "Chapter 4"]


def test_a_unit_that_was_redone_replaces_the_old_one(book: Book_) -> None:
    before = decoded(book.assemble("book.flac"))
    unit, _ = book.units[3]
    book.units[3] = (unit, spoken_sound(2.0, 9))
    after = decoded(book.assemble("book.flac"))
    assert len(after) == samples_of(book) > len(before) + RATE


def test_steps_are_made_where_no_rows_are_taken(book: Book_) -> None:
    steps: list[int] = []
    book.assemble("book.mp3", lambda: steps.append(1))
    assert len(steps) == len(book.units)


def test_what_is_raised_at_a_step_ends_it_at_once(book: Book_) -> None:
    class Leave(Exception):
        pass

    def leave() -> None:
        raise Leave

    with pytest.raises(Leave):
        book.assemble("book.m4b", leave)


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["book.ogg", "book", "book.m4b.txt"])
def test_a_name_that_says_no_form_is_refused_with_those_that_are_known(book: Book_, name: str) -> None:
    with pytest.raises(CannotAssemble, match=r"\.m4b, \.m4a, \.mp3, \.opus, \.flac, \.wav") as caught:
        book.assemble(name)
    assert not caught.value.retry


def _no_sound(file: Path) -> None:
    file.write_bytes(b"no sound at all" * 100)


def _shorter(file: Path) -> None:
    sound, _ = soundfile.read(file)
    soundfile.write(file, sound[:-5], RATE, format="FLAC", subtype="PCM_16")


def _other_rate(file: Path) -> None:
    sound, _ = soundfile.read(file)
    soundfile.write(file, sound, 16000, format="FLAC", subtype="PCM_16")


@pytest.mark.parametrize("damage", [_no_sound, _shorter, _other_rate, Path.unlink])
def test_a_unit_whose_sound_is_damaged_is_named_with_the_way_out(book: Book_, damage: object) -> None:
    rows = book.rows()
    assert callable(damage)
    damage(Path(rows[4].file))
    with pytest.raises(CannotAssemble, match="The sound of unit 4 ") as caught:
        assemble(book.part("book.m4b"), iter(rows), book.settings, lambda: None)
    assert caught.value.problem.title == "Result damaged"
    assert caught.value.problem.hint == "`engineroom job redo box-3 '#4'` makes it again."


def test_a_sound_that_vanishes_between_the_passes_is_named_too(book: Book_) -> None:
    rows = book.rows()
    steps = iter(range(100))

    def step() -> None:
        if next(steps) == 2:
            Path(rows[5].file).unlink()

    with pytest.raises(CannotAssemble, match="The sound of unit 5 "):
        assemble(book.part("book.flac"), iter(rows), book.settings, step)


@EVERY
def test_a_disk_that_fills_up_is_an_error_of_the_system(tmp_path: Path, suffix: str) -> None:
    book = Book_(tmp_path)
    rng = np.random.default_rng(0)
    for _ in range(4):
        book.say((rng.standard_normal(2 * RATE) * 0.1).astype(np.float32))
    rows = book.rows()
    with small_disk(tmp_path / "small") as disk:
        disk.fill(free_bytes=8192)
        part = disk.folder / f".book{suffix}.box-3.part"
        with pytest.raises(OSError, match=r"No space|Permission") as caught:
            assemble(part, iter(rows), book.settings, lambda: None)
        assert caught.value.errno in (errno.ENOSPC, errno.EACCES)
        assert caught.value.strerror


def test_what_ffmpeg_refuses_is_said_in_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotAssemble, match="FFmpeg cannot write") as caught,
        encoding(tmp_path / "part", Format("mp3", "libmp3lame", "flt", rate=12345), {}, (), 64) as encoder,
    ):
        encoder.write(spoken_sound(1))
    assert not caught.value.retry


def test_a_folder_that_is_gone_is_an_error_of_the_system(book: Book_) -> None:
    rows = book.rows()
    with pytest.raises(FileNotFoundError):
        assemble(book.folder / "gone" / ".book.mp3.box-3.part", iter(rows), book.settings, lambda: None)


def test_a_file_that_lost_its_end_is_not_taken_for_a_book(book: Book_, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(part: Path, form: Format, samples: int, chapters: int) -> None:
        os.truncate(part, part.stat().st_size // 2)
        verify(part, form, samples, chapters)

    monkeypatch.setattr("engines.tts.audio.book.verify", torn)
    for name in ("book.wav", "book.opus", "book.m4b"):
        with pytest.raises(CannotAssemble, match=r"lasts|cannot be read"):
            book.assemble(name)


# ── subtitles ─────────────────────────────────────────────────────────────────────────────────────────────


def subtitled(book: Book_, which: str) -> Book_:
    changes = msgspec.convert({**msgspec.structs.asdict(book.settings), "subtitles": which}, TtsSettings)
    return dataclasses.replace(book, settings=changes)


@pytest.mark.parametrize(
    ("which", "made"), [("none", []), ("srt", [".srt"]), ("vtt", [".vtt"]), ("both", [".srt", ".vtt"])]
)
def test_subtitles_lie_beside_the_output(book: Book_, which: str, made: list[str]) -> None:
    subtitled(book, which).assemble("book.m4b")
    assert sorted(path.name.removeprefix("book.m4b") for path in book.folder.glob("book.*")) == made


def test_subtitles_have_each_unit_at_its_time_and_are_made_anew_with_the_book(book: Book_) -> None:
    book = subtitled(book, "both")
    book.assemble("book.m4b")
    with av.open(str(book.folder / "book.m4b.srt")) as container:
        (stream,) = container.streams.subtitles
        packets = [packet for packet in container.demux(stream) if packet.size]
    assert [bytes(packet).decode() for packet in packets] == [unit.text for unit, _ in book.units]
    seconds = [float((packet.pts or 0) * packet.time_base) for packet in packets]
    trimmed = [end - first for first, end in (spoken(sound) for _, sound in book.units)]
    assert seconds[1] == pytest.approx(trimmed[0] / RATE, abs=0.001)  # pieces of a sentence: no cue over another
    assert seconds[2] == pytest.approx((trimmed[0] + trimmed[1] - FADE) / RATE + 0.12, abs=0.001)
    book.units = book.units[:3]
    book.assemble("book.m4b")
    assert (book.folder / "book.m4b.srt").read_text().count("-->") == 3
    assert (book.folder / "book.m4b.vtt").read_text().count("-->") == 3


def test_subtitles_that_the_book_is_read_from_and_those_of_a_book_in_another_form_stay(book: Book_) -> None:
    read_from = book.folder / "book.srt"
    read_from.write_text("1\n00:00:00,000 --> 00:00:01,000\nMine.\n\n")
    book = subtitled(book, "both")
    book.assemble("book.m4b", job="box-3")
    book.assemble("book.mp3", job="box-4")
    made = sorted(path.name for path in book.folder.glob("book.*.*"))
    assert made == ["book.m4b.srt", "book.m4b.vtt", "book.mp3.srt", "book.mp3.vtt"]
    assert "Mine." in read_from.read_text()


@pytest.mark.parametrize("suffix", ["srt", "vtt"])
def test_somebody_else_s_subtitles_stop_it_before_hours_of_encoding(book: Book_, suffix: str) -> None:
    theirs = book.folder / f"book.m4b.{suffix}"
    theirs.write_text("1\n00:00:00,000 --> 00:00:01,000\nMine.\n\n")
    part = book.part("book.m4b")
    with pytest.raises(CannotAssemble, match="made or changed by somebody else") as caught:
        assemble(part, iter(book.rows()), subtitled(book, suffix).settings, lambda: None)
    assert caught.value.retry
    assert "Mine." in theirs.read_text()
    assert not part.exists()
