"""What was heard in every form: exact bytes, files beside the output, several recordings in one, no gap hidden."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pytest
from heard_kit import JOB, row, segment, written

from engines.beside import sweep
from engines.contract import CannotAssemble
from engines.settings import with_changes
from engines.stt.assemble import assemble
from engines.stt.output.plain import text
from engines.stt.output.spaces import gap
from engines.stt.settings import SttSettings
from ipc.errors import RequestFailed
from ipc.hearing import Dropped, Word

ROWS = (
    row(0, 0, 8, segment(0.52, 2.04, " Start the engine."), segment(2.6, 4, " Load the model,")),
    row(
        1,
        8,
        16,
        segment(8.1, 9.9, " then stop.\t(slowly)", [Word(8.1, 9, " then", 0.91), Word(9, 9.9, " stop.", 0.87654)]),
        dropped=(Dropped(11, 15, "phantom phrase", " Thank you.", -0.3, 0.93),),
    ),
    row(2, 16, 20.5, dropped=(Dropped(16, 20.5, "silent"),)),
)


def test_text_has_one_space_between_stretches_and_a_paragraph_where_the_speaker_paused(tmp_path: Path) -> None:
    told = written(tmp_path, "talk.txt", ROWS)
    assert told == "Start the engine. Load the model,\n\nthen stop. (slowly)\n"


def test_srt_has_the_times_of_the_recording(tmp_path: Path) -> None:
    assert written(tmp_path, "talk.srt", ROWS) == (
        "1\n00:00:00,520 --> 00:00:02,040\nStart the engine.\n\n"
        "2\n00:00:02,600 --> 00:00:04,000\nLoad the model,\n\n"
        "3\n00:00:08,100 --> 00:00:09,900\nthen stop. (slowly)\n\n"
    )


def test_vtt_is_the_same_in_its_own_words(tmp_path: Path) -> None:
    assert written(tmp_path, "talk.vtt", ROWS[:1], line_characters=12, cue_lines=1) == (
        "WEBVTT\n\n"
        "00:00:00.520 --> 00:00:01.414\nStart the\n\n"
        "00:00:01.414 --> 00:00:02.040\nengine.\n\n"
        "00:00:02.600 --> 00:00:03.440\nLoad the\n\n"
        "00:00:03.440 --> 00:00:04.000\nmodel,\n\n"
    )


def test_tsv_is_that_of_openai_whisper(tmp_path: Path) -> None:
    assert written(tmp_path, "talk.tsv", ROWS) == (
        "start\tend\ttext\n520\t2040\tStart the engine.\n2600\t4000\tLoad the model,\n8100\t9900\tthen stop. (slowly)\n"
    )


def test_json_says_everything_and_what_was_dropped_and_why(tmp_path: Path) -> None:
    settings = SttSettings(language="en", hotwords="boiler")
    told = written(tmp_path, "talk.json", ROWS, language="en", hotwords="boiler")
    deciding = json.loads(told)["settings"]
    assert deciding == {name: getattr(settings, name) for name in deciding}
    assert {"language", "hotwords", "temperatures", "vad", "no_speech"} <= deciding.keys()
    shown = json.dumps(deciding, separators=(",", ":"))
    assert told == (
        '{\n  "source": "/talks/one.wav",\n  "seconds": 20.5,\n  "language": "en",\n  "language_probability": 0.98,\n'
        f'  "models": ["small int8"],\n  "settings": {shown},\n  "confidence": -0.25,\n  "segments": [\n'
        '    {"begin":0.52,"end":2.04,"text":"Start the engine.","logprob":-0.25,"no_speech":0.01,"compression":1.2,'
        '"temperature":0.0},\n'
        '    {"begin":2.6,"end":4.0,"text":"Load the model,","logprob":-0.25,"no_speech":0.01,"compression":1.2,'
        '"temperature":0.0},\n'
        '    {"begin":8.1,"end":9.9,"text":"then stop. (slowly)","logprob":-0.25,"no_speech":0.01,"compression":1.2,'
        '"temperature":0.0,"words":[{"begin":8.1,"end":9.0,"text":"then","probability":0.91},'
        '{"begin":9.0,"end":9.9,"text":"stop.","probability":0.8765}]}\n'
        '  ],\n  "dropped": [\n'
        '    {"begin":11.0,"end":15.0,"why":"phantom phrase","text":"Thank you.","logprob":-0.3,"no_speech":0.93},\n'
        '    {"begin":16.0,"end":20.5,"why":"silent"}\n'
        "  ]\n}\n"
    )


def test_confidence_weighs_segments_by_how_long_they_last_and_every_model_is_named(tmp_path: Path) -> None:
    rows = [
        row(0, 0, 8, segment(0, 3, " One.", logprob=-0.1), model="small int8"),
        row(1, 8, 16, segment(8, 9, " Two.", logprob=-0.9), model="medium float16", language="fr"),
    ]
    told = json.loads(written(tmp_path, "talk.json", rows))
    assert told["confidence"] == pytest.approx(-0.3)
    assert told["models"] == ["small int8", "medium float16"]
    assert told["language"] == "en"


def test_silence_is_an_empty_text_and_a_json_that_knows_no_language(tmp_path: Path) -> None:
    silent = [row(0, 0, 8, dropped=(Dropped(0, 8, "silent"),))]
    assert written(tmp_path, "talk.txt", silent) == ""
    assert written(tmp_path, "talk.srt", silent) == ""
    assert written(tmp_path, "talk.tsv", silent) == "start\tend\ttext\n"
    told = json.loads(written(tmp_path, "talk.json", silent))
    assert (told["language"], told["confidence"], told["segments"]) == (None, None, [])
    assert json.loads(written(tmp_path, "none.json", [])) == []


def test_a_stretch_whose_unit_failed_is_named_in_the_json(tmp_path: Path) -> None:
    told = json.loads(written(tmp_path, "talk.json", [row(1, 8, 16, segment(8, 9, " One.")), row(3, 24, 30)]))
    gaps = [(one["begin"], one["end"]) for one in told["dropped"] if one["why"] == "not transcribed"]
    assert gaps == [(0, 8), (16, 24)]


def test_the_end_that_failed_is_named_too(tmp_path: Path) -> None:
    """The rest of each recording, as long as it was known to be."""
    other = "/talks/two.wav"
    rows = [
        row(0, 0, 8, segment(0, 1, " One."), of=30.02),
        row(4, 0, 8, segment(0, 1, " Two."), of=16, source=other),
        row(5, 8, 16, segment(8, 9, " Three."), of=16, source=other),
    ]
    told = json.loads(written(tmp_path, "talk.json", rows))
    assert [one["seconds"] for one in told] == [30.02, 16]
    assert [one["dropped"] for one in told] == [[{"begin": 8, "end": 30.02, "why": "not transcribed"}], []]
    assert written(tmp_path, "talk.txt", rows[:1]) == "One.\n"


# ── several recordings in one output ──────────────────────────────────────────────────────────────────────

TWO = (
    row(0, 0, 8, segment(0, 1, " One.")),
    row(1, 8, 12, segment(8, 9, " Two.")),
    row(2, 0, 8, segment(0, 1, " Three."), source="/talks/two\t.wav"),
)


def test_several_recordings_are_under_headings_in_a_text(tmp_path: Path) -> None:
    assert written(tmp_path, "all.txt", TWO) == "# one.wav\n\nOne.\n\nTwo.\n\n# two\t.wav\n\nThree.\n"
    same = [TWO[0], row(1, 0, 8, segment(0, 1, " Two."), source="/other/one.wav")]
    assert written(tmp_path, "same.txt", same) == "# /talks/one.wav\n\nOne.\n\n# /other/one.wav\n\nTwo.\n"


def test_several_recordings_are_a_list_and_a_column(tmp_path: Path) -> None:
    told = json.loads(written(tmp_path, "all.json", TWO))
    assert [(one["source"], one["seconds"], len(one["segments"])) for one in told] == [
        ("/talks/one.wav", 12, 2),
        ("/talks/two\t.wav", 8, 1),
    ]
    assert written(tmp_path, "all.tsv", TWO) == (
        "start\tend\ttext\tsource\n0\t1000\tOne.\t/talks/one.wav\n8000\t9000\tTwo.\t/talks/one.wav\n"
        "0\t1000\tThree.\t/talks/two .wav\n"
    )


@pytest.mark.parametrize(("name", "formats"), [("all.srt", ""), ("all.vtt", ""), ("all.txt", "json,srt")])
def test_subtitles_of_several_recordings_in_one_are_refused_with_a_way_out(
    tmp_path: Path, name: str, formats: str
) -> None:
    with pytest.raises(CannotAssemble) as caught:
        written(tmp_path, name, TWO, formats=formats)
    assert "2 recordings" in caught.value.problem.detail
    assert "-o out/" in caught.value.problem.hint
    assert not caught.value.retry


# ── further forms ─────────────────────────────────────────────────────────────────────────────────────────


def test_further_forms_lie_beside_the_output_under_its_name(tmp_path: Path) -> None:
    written(tmp_path, "talk.txt", ROWS, formats="srt, vtt json,tsv txt")
    names = {name for name in os.listdir(tmp_path) if not name.startswith(".")}
    assert names == {"talk.txt", "talk.srt", "talk.vtt", "talk.json", "talk.tsv"}
    assert (tmp_path / "talk.srt").read_text() == written(tmp_path, "other.srt", ROWS)
    assert (tmp_path / "talk.vtt").read_text().startswith(f"WEBVTT\n\nNOTE job {JOB}\n\n00:00:00.520 -->")
    assert not list(tmp_path.glob(".*.part"))


def test_they_are_written_again_by_the_same_job_and_never_over_what_is_somebody_else_s(tmp_path: Path) -> None:
    written(tmp_path, "talk.txt", ROWS, formats="srt,vtt")
    written(tmp_path, "talk.txt", ROWS[:1], formats="srt,vtt")
    assert "then stop" not in (tmp_path / "talk.srt").read_text() + (tmp_path / "talk.vtt").read_text()
    (tmp_path / "talk.srt").write_text("mine")
    with pytest.raises(CannotAssemble, match=r"talk\.srt was made or changed by somebody else"):
        written(tmp_path, "talk.txt", ROWS, formats="srt,vtt")
    assert (tmp_path / "talk.srt").read_text() == "mine"


def test_a_cleared_job_leaves_nothing_hidden_beside_its_output(tmp_path: Path) -> None:
    written(tmp_path, "talk.txt", ROWS, formats="srt,vtt")
    written(tmp_path, "other.txt", ROWS, formats="srt")
    sweep([str(tmp_path / "talk.txt")], JOB, cleared=True)
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == [f".other.srt.{JOB}.mark"]


def test_a_form_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(RequestFailed) as caught:
        with_changes(SttSettings(), {"formats": "srt,docx"}, "ears")
    assert caught.value.problem.detail == "ears: formats = 'srt,docx' is not that."
    assert caught.value.problem.hint == "formats takes any of txt, srt, vtt, json, tsv, with commas between them."
    assert with_changes(SttSettings(), {"formats": "srt, json"}, "ears").wanted_forms() == ("srt", "json")


# ── spaces and size ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [
        (" One.", " Two.", " "),
        ("One.", "Two.", " "),
        (" One ", "  two", " "),
        ("好的。", "我们走", ""),
        ("好的", " OK", ""),
        ("です。", " はい", ""),
        ("สวัสดี", "ครับ", ""),
        ("สวัสดี", " ครับ", " "),
        ("안녕.", "네.", " "),
        (" wait", "...", ""),
        ("", " One.", ""),
        (" ", " One.", ""),
    ],
)
def test_spaces_stand_where_the_language_wants_them(before: str, after: str, between: str) -> None:
    assert gap(before, after) == between


def test_a_paragraph_ends_at_a_breath_once_it_is_long() -> None:
    said = [segment(n * 2, n * 2 + 1.4, " Fifty letters are in this sentence, or very nearly.") for n in range(30)]
    paragraphs = "".join(text(said)).split("\n\n")
    assert [paragraph.count("Fifty") for paragraph in paragraphs] == [12, 12, 6]


def test_hours_are_written_with_little_memory(tmp_path: Path) -> None:
    words = [Word(n, n + 0.5, " word", 0.9) for n in range(24)]
    rows = (row(n, n * 30, (n + 1) * 30, segment(n * 30, n * 30 + 24, " word" * 24, words)) for n in range(1200))
    part = tmp_path / f".ten-hours.json.{JOB}.part"
    tracemalloc.start()
    assemble(part, rows, SttSettings(formats="srt"), lambda: None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert part.stat().st_size > 1_500_000
    assert peak < 600_000
