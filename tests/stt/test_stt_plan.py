"""A recording becomes stretches of speech, the same ones wherever the desk goes on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import stt_recording_kit as kit
from stt_recording_kit import MP3, OPUS, Planned, planned

from engines.contract import CannotPlan
from engines.stt import shelf
from engines.stt.audio.recording import Recording, stamp
from engines.stt.plan import plan
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE, Span, Unit, unit_of

SETTINGS = SttSettings(window_seconds=3)
HOURS = 3


def speech_seconds(of: Planned) -> float:
    return sum(span.seconds for unit in of.stretches for span in unit.speech)


def tiled(units: list[Unit], length: int) -> bool:
    ends = [0, *(unit.whole.end for unit in units)]
    return [unit.whole.begin for unit in units] == ends[:-1] and ends[-1] == length


@pytest.fixture(scope="module")
def lecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than a minute of speech, in two pages."""
    return kit.write(tmp_path_factory.mktemp("stt") / "lecture.wav", np.tile(kit.talk(*range(8)), 4))


@pytest.fixture(scope="module")
def heard(lecture: Path) -> Planned:
    """All of it, as it is planned from its beginning."""
    return planned(lecture, SETTINGS)


def test_stretches_tile_the_recording_and_hold_a_window_each(lecture: Path, heard: Planned) -> None:
    made = heard
    recording = Recording(lecture)
    length = len(recording.read(Span(0, 10**9)))
    recording.close()
    assert tiled(made.stretches, length)
    assert all(unit.speech[-1].end - unit.speech[0].begin <= 3 * RATE for unit in made.stretches if unit.speech)
    assert speech_seconds(made) > 0.7 * length / RATE
    assert made.problems == ()
    assert {(unit.source.path, unit.source.stamp) for unit in made.stretches} == {(str(lecture), stamp(lecture))}


@pytest.mark.parametrize("settings", [SETTINGS, SttSettings(vad=False, window_seconds=6)])
def test_each_stretch_knows_whether_it_is_the_last(settings: SttSettings, tmp_path: Path) -> None:
    """Also where recording, page and window end alike."""
    path = kit.write(tmp_path / "page.wav", np.resize(kit.talk(*range(8)), 60 * RATE))
    whole = planned(path, settings)
    length = whole.stretches[-1].whole.end
    *others, last = [unit.end for unit in whole.stretches]
    assert last == length
    assert all(end == pytest.approx(length, abs=0.1 * RATE) for end in others)
    assert all(unit.end > unit.whole.end for unit in whole.stretches[:-1])
    assert planned(path, settings, whole.units[-1].start).units == whole.units[-1:]


def test_units_are_named_for_people(heard: Planned) -> None:
    units = heard.units
    assert units[0].where.startswith("lecture.wav 0:00–0:0")
    assert units[0].name == "0:00.00"
    assert len({unit.name for unit in units}) == len(units)
    assert any(unit.where.startswith("lecture.wav 1:0") for unit in units)
    (extent,) = {unit.extent for unit in units}
    assert extent == pytest.approx(heard.stretches[-1].whole.end / RATE)


def test_each_later_unit_knows_the_first_speech(heard: Planned) -> None:
    first, *others = heard.stretches
    assert first.head is None
    assert {unit.head for unit in others} == {Span(first.speech[0].begin, first.speech[-1].end)}


def test_the_share_rises_to_all_of_it(lecture: Path) -> None:
    shares = [answer.share for answer in planned(lecture, SETTINGS, limit=5).answers]
    assert all(share is not None for share in shares)
    assert shares == sorted(shares, key=lambda share: share or 0)
    assert shares[-1] == 1
    assert shares[0] is not None
    assert 0 < shares[0] < 0.3


@pytest.mark.parametrize("settings", [SETTINGS, SttSettings(vad=False, gate_db=20)])
def test_planning_from_each_unit_gives_the_rest_again(lecture: Path, settings: SttSettings) -> None:
    """With the recording kept open, and with one that is opened anew."""
    units = planned(lecture, settings).units
    for number in (len(units) // 2, len(units) - 2):
        shelf.taken(shelf.key_of(lecture, settings)).close()
        assert planned(lecture, settings, units[number].start).units == units[number:]
    assert planned(lecture, settings, limit=3).units == units


def test_a_change_of_settings_goes_on_where_the_unit_began(lecture: Path, heard: Planned) -> None:
    start = heard.units[len(heard.units) // 2].start
    for other in (SttSettings(), SttSettings(vad=False), SttSettings(gate_db=20, silence_ms=100, vad_threshold=0.3)):
        again = plan(lecture, start, 1, other)
        assert again.units[0].start == start
        assert unit_of(again.units[0].payload).head == heard.stretches[1].head
        shelf.taken(shelf.key_of(lecture, other)).close()


def test_two_recordings_by_turns_are_planned_like_each_alone(lecture: Path, heard: Planned, tmp_path: Path) -> None:
    other = kit.write(tmp_path / "other.mp3", kit.talk(9, 10, 11, 12), MP3)
    alone = {lecture: heard.units, other: planned(other, SETTINGS).units}
    cursors, found = {lecture: "", other: ""}, {lecture: list[object](), other: list[object]()}
    while cursors:
        for path in list(cursors):
            answer = plan(path, cursors[path], 2, SETTINGS)
            found[path] += answer.units
            cursors[path] = answer.cursor
            if answer.end:
                del cursors[path]
    assert {path: tuple(units) for path, units in found.items()} == alone


def test_nothing_is_kept_open_at_the_end(lecture: Path) -> None:
    plan(lecture, "", 1, SETTINGS)
    assert shelf.kept() == 1
    planned(lecture, SETTINGS)
    assert shelf.kept() == 0


def by_turns(jobs: list[tuple[Path, SttSettings]], limit: int) -> int:
    """How many seconds are decoded for all."""
    steps, cursors = list[None](), dict.fromkeys(range(len(jobs)), "")
    while cursors:
        for number in list(cursors):
            path, settings = jobs[number]
            answer = plan(path, cursors[number], limit, settings, lambda: steps.append(None))
            cursors[number] = answer.cursor
            if answer.end:
                del cursors[number]
    return len(steps)


def test_many_jobs_by_turns_decode_each_recording_once(tmp_path: Path) -> None:
    data = kit.write(tmp_path / "talk.mp3", kit.talk(1, 2, 3), MP3).read_bytes()
    paths = [tmp_path / f"talk-{number}.mp3" for number in range(8)]
    for path in paths:
        path.write_bytes(data)
    one = by_turns([(paths[0], SETTINGS)], 1)
    assert by_turns([(path, SETTINGS) for path in paths], 1) == 8 * one


def test_jobs_with_other_settings_of_one_recording_leave_each_other_alone(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "talk.mp3", kit.talk(1, 2, 3), MP3)
    others = [SttSettings(window_seconds=3, gate_db=gate_db) for gate_db in (30, 40, 50)]
    alone = sum(by_turns([(path, settings)], 1) for settings in others)
    assert by_turns([(path, settings) for settings in others], 1) == alone


def test_a_recording_that_nobody_plans_on_is_let_go(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "talk.wav", kit.talk(1))
    key, kept = shelf.key_of(path, SETTINGS), shelf.Shelf(most=2, idle_seconds=0.01)
    before = len(os.listdir("/proc/self/fd"))
    kept.give_back(key, shelf.taken(key))
    assert kept._closer is not None
    kept._closer.join()
    assert len(kept) == 0
    assert len(os.listdir("/proc/self/fd")) == before
    for number in range(3):
        kept.give_back(key._replace(gate_db=number), shelf.taken(key))
    assert len(kept) <= 2, "and no more are kept than may be"
    assert kept._closer is not None
    kept._closer.join()


# ── silence, noise, quiet and loud ────────────────────────────────────────────────────────────────────────


def test_silence_and_noise_of_five_minutes_give_no_speech(tmp_path: Path) -> None:
    silent = planned(kit.write(tmp_path / "silence.wav", kit.silence(300)), SETTINGS)
    assert [unit.why for unit in silent.stretches] == ["silent"]
    for seconds, level in ((300, -20), (20, -3), (20, -65)):
        noisy = planned(kit.write(tmp_path / "noise.wav", kit.noise(seconds, level)), SETTINGS)
        assert {unit.why for unit in noisy.stretches} == {"no speech"}


def test_quiet_utterances_are_found_as_the_loud_ones_are_and_made_louder(heard: Planned, tmp_path: Path) -> None:
    quiet = planned(kit.write(tmp_path / "quiet.wav", kit.quieter(np.tile(kit.talk(*range(8)), 4), 35)), SETTINGS)
    assert speech_seconds(quiet) == pytest.approx(speech_seconds(heard), rel=0.03)
    assert {unit.gain for unit in heard.stretches} == {1.0}
    assert all(15 < unit.gain < 60 for unit in quiet.stretches)


@pytest.mark.parametrize(("gate_db", "kept"), [(45, True), (25, False)])
def test_a_quiet_speaker_beside_a_loud_one_is_kept_unless_below_the_gate(
    gate_db: float, kept: bool, tmp_path: Path
) -> None:
    turns = [kit.quieter(kit.utterance(number), 34 * (number % 2)) for number in range(12)]
    sound = np.concatenate([part for turn in turns for part in (turn, kit.silence(1.2))])
    sound = sound + kit.noise(len(sound) / RATE, -70)
    covered = np.zeros(len(sound), np.bool_)
    for unit in planned(kit.write(tmp_path / "two.wav", sound), SttSettings(gate_db=gate_db)).stretches:
        for span in unit.speech:
            covered[span.begin : span.end] = True
    at, shares = 0, list[float]()
    for turn in turns:
        shares.append(float(covered[at : at + len(turn)].mean()))
        at += len(turn) + round(1.2 * RATE)
    assert min(shares[0::2]) > 0.7
    assert min(shares[1::2]) > 0.7 if kept else max(shares[1::2]) < 0.3


def test_fixed_windows_without_looking_for_speech(lecture: Path) -> None:
    made = planned(lecture, SttSettings(vad=False, window_seconds=5)).stretches
    assert {unit.whole.seconds for unit in made[:-1]} == {5.0}
    assert all(unit.speech == (unit.whole,) for unit in made)


# ── what cannot be read ───────────────────────────────────────────────────────────────────────────────────


def test_a_recording_that_ends_early_is_planned_to_there_and_the_rest_told(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "cut.mp3", np.tile(kit.talk(1, 2, 3), 2), MP3)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    made = planned(path, SETTINGS)
    (problem,) = made.problems
    assert problem.problem.title == "Recording ends early"
    assert problem.units_before == len(made.units)
    assert problem.problem.hint
    assert speech_seconds(made) > 5
    assert 8 * RATE < made.stretches[-1].whole.end < 14 * RATE


def test_damaged_pieces_are_told_beside_the_units_that_hold_them(tmp_path: Path) -> None:
    path = kit.write(tmp_path / "talk.flac", np.tile(kit.talk(1, 2, 3), 4), kit.FLAC)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 20_000] = random.Random(2).randbytes(20_000)
    path.write_bytes(data)
    made = planned(path, SETTINGS)
    assert {problem.problem.title for problem in made.problems} == {"Recording damaged"}
    for problem in made.problems:
        assert made.units[problem.units_before - 1].where == problem.where


def test_what_cannot_be_planned_is_said(tmp_path: Path, lecture: Path) -> None:
    text = tmp_path / "text.mp3"
    text.write_text("This is no sound.")
    for source, cursor, settings, title in (
        (text, "", SETTINGS, "Not audio"),
        (tmp_path / "none.mp3", "", SETTINGS, "Recording unreadable"),
        (lecture, "999999999", SETTINGS, "Source changed"),
        (lecture, "somewhere", SETTINGS, "Source changed"),
    ):
        with pytest.raises(CannotPlan) as caught:
            plan(source, cursor, 5, settings)
        assert caught.value.problem.title == title
        assert caught.value.problem.hint
    assert shelf.kept() == 0


def test_a_model_that_is_not_there_hinders_no_planning(tmp_path: Path, lecture: Path) -> None:
    """Else each recording of a night would be set aside for it; so the job waits, and goes on once it is there."""
    made = planned(lecture, SttSettings(model=str(tmp_path / "none")))
    assert made.problems == ()
    longest = max(unit.speech[-1].end - unit.speech[0].begin for unit in made.stretches if unit.speech)
    assert 20 * RATE < longest <= 30 * RATE


def without_a_length(path: Path, samples: kit.Samples) -> Path:
    """As browsers write them: WebM without a length."""
    kit.write(path, samples, kit.Form("webm", "libopus", 48000, "mono"))
    data = path.read_bytes()
    duration = data.index(b"\x44\x89\x88")  # the element Duration, eight bytes long, becomes one that is skipped
    path.write_bytes(data[:duration] + b"\xec\x89" + data[duration + 2 :])
    recording = Recording(path)
    said = recording.seconds
    recording.close()
    assert said is None
    return path


def test_a_recording_that_does_not_say_how_long_it_is_is_measured(tmp_path: Path) -> None:
    path = without_a_length(tmp_path / "live.webm", kit.talk(1, 2))
    (extent,) = {unit.extent for unit in planned(path, SETTINGS).units}
    assert extent == pytest.approx(len(kit.talk(1, 2)) / RATE, abs=0.1)


def test_a_recording_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the planning, which keeps its place."""
    monkeypatch.setattr(shelf, "_MOST_MEASURED", 10 * RATE)
    samples = np.tile(kit.talk(*range(8)), 3)
    path = without_a_length(tmp_path / "live.webm", samples)
    assert by_turns([(path, SETTINGS)], 4) <= len(samples) / RATE + 10 + 3


def test_each_second_on_the_way_to_a_cursor_is_a_step(tmp_path: Path) -> None:
    path, steps = kit.write(tmp_path / "talk.ogg", np.tile(kit.talk(1, 2, 3), 3), OPUS), list[None]()
    start = planned(path, SETTINGS).units[-1].start
    plan(path, start, 1, SETTINGS, lambda: steps.append(None))
    assert len(steps) >= 20


HOURLY = """
import json, resource, sys
from pathlib import Path
from engines.stt.plan import plan
from engines.stt.settings import SttSettings

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

source, settings, cursor, units, end, first = Path(sys.argv[1]), SttSettings(), "", [], False, 0
while not end:
    answer = plan(source, cursor, 64, settings)
    units += [unit.where for unit in answer.units if '"speech"' in unit.payload]
    cursor, end, first = answer.cursor, answer.end, first or peak()
print(json.dumps({"units": units, "grown": peak() - first}))
"""


def test_hours_are_planned_in_bounded_memory(tmp_path: Path) -> None:
    path, spoken = kit.write(tmp_path / "night.wav", kit.talk(0)), kit.talk(1)
    with path.open("r+b") as file:  # a sparse file: silence costs no disk
        head = file.read(4096)
        data = head.index(b"data") + 8
        file.seek(data - 4)
        file.write((HOURS * 3600 * RATE * 2).to_bytes(4, "little"))
        file.truncate(data + HOURS * 3600 * RATE * 2)
        file.seek(data + 2 * (2 * 3600 + 600) * RATE)
        file.write((spoken * 32767).astype("<i2").tobytes())
    told = subprocess.run([sys.executable, "-c", HOURLY, str(path)], capture_output=True, text=True, check=True)
    found = json.loads(told.stdout)
    assert found["units"][0].startswith("night.wav 0:00–")
    assert found["units"][1].startswith("night.wav 2:09:59–2:10:0")
    assert found["grown"] < 32 * 1024 * 1024, "the samples are 660 MiB"
