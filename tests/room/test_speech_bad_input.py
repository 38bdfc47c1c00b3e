"""What goes wrong with a book at a person's hands: one sentence that says what and where, and one that helps."""

from __future__ import annotations

import shutil
import wave
from itertools import pairwise
from pathlib import Path

import pytest
from room_kit import wait_for
from speaking_kit import Speaking, open_speaking, speaking
from spoken_kit import kept, places

pytest_plugins = ["speech_room_fixtures"]
pytestmark = pytest.mark.timeout(240)

QUICK = ("flow_steps=1", "reference_seconds=1", "watermark=false", "loudness=0", "cfg=0", "parallel=8", "batch_size=0")
WORDS = "and then the keeper went down to the river where his brother had been waiting since the morning "


@pytest.fixture
def at(speaking_room: Speaking) -> Speaking:
    speaking_room.room.run("set", "voice", *QUICK)
    return speaking_room


def told(at: Speaking, name: str, content: bytes, code: int, output: str = "bad.wav") -> str:
    """What a person reads on stderr who submits that and waits."""
    (at.room.work / name).write_bytes(content)
    ran = at.room.run("submit", "tts", name, "-o", output, "--wait", code=code, seconds=150)
    assert "Traceback" not in ran.stderr
    return ran.stderr


@pytest.mark.parametrize(
    ("name", "content", "sentences"),
    [
        ("empty.txt", b"", "Empty document: empty.txt is empty.\n  Give a file with text in it."),
        ("marks.txt", b" \n\n * * *\n", "Nothing to say: marks.txt has no word of text in it."),
        ("binary.txt", bytes(range(256)) * 40, "Not text: binary.txt is a binary file.\n  Give it as txt, md, epub"),
        ("cut.epub", b"PK\x03\x04" + bytes(300), "Broken book: cut.epub is no whole EPUB"),
    ],
    ids=["empty", "no word", "binary", "cut short"],
)
def test_a_document_with_nothing_to_read_fails_with_a_sentence(
    at: Speaking, name: str, content: bytes, sentences: str
) -> None:
    assert f"engineroom: {sentences}" in told(at, name, content, 5)


def test_an_output_that_tells_no_form_is_refused_at_once(at: Speaking) -> None:
    told_ = told(at, "form.txt", b"The lamp burns.", 1, "form.xyz")
    assert "form.xyz does not say in which form tts is to write it.\n  Name a file that ends in .m4b" in told_


def test_three_thousand_characters_without_punctuation_are_spoken_to_the_last_word(at: Speaking) -> None:
    text = (WORDS * 32)[:3000].rsplit(" ", 1)[0]
    told(at, "breathless.txt", text.encode(), 0, "breathless.wav")
    job = at.room.json("jobs")[-1]["id"]
    units = kept(at.room.state, job)
    assert " ".join(unit.payload["text"] for unit in units) == text
    ends = [0, *(end for unit in units for _, _, end in unit.spans)]
    assert [span for unit in units for span in unit.spans] == [(0, *cut) for cut in pairwise(ends)]
    assert {unit.payload["pause"] for unit in units[:-1]} == {"none"}
    with wave.open(str(at.room.work / "breathless.wav")) as file:
        assert file.getnframes() == places(at.python, units)[-1]


def test_characters_that_the_model_does_not_know_are_left_out_and_named(at: Speaking) -> None:
    text = "The lamp 日本 burns. 日本語。 And then we go on to the river, where nobody waits for us."
    told_ = told(at, "foreign.txt", text.encode(), 4, "foreign.wav")
    assert "Characters left out: foreign.txt sentence 1: the model does not know 日 本; left out.\n  Say in" in told_
    assert "Sentence left out: foreign.txt sentence 2: the model knows no letter of 日 本 語; it is not" in told_
    job = at.room.json("jobs")[-1]["id"]
    (unit,) = kept(at.room.state, job)
    assert unit.payload["text"] == "The lamp burns. And then we go on to the river, where nobody waits for us."
    assert "left out" in at.room.run("job", "show", job).stdout


def test_a_recording_of_a_fifth_of_a_second_is_no_voice(at: Speaking) -> None:
    short = at.room.work / "short.wav"
    with wave.open(str(short), "wb") as file:
        file.setparams((1, 2, 24000, 0, "NONE", ""))
        file.writeframes(b"\x10\x20" * 4800)
    told(at, "lamp.txt", b"The lamp burns.", 0, "lamp.wav")  # the engine is loaded then, and listens at once
    said = at.room.run("set", "voice", f"voice={short}", code=1).stderr
    assert "Recording too short: short.wav is 0.2 s long.\n  Give at least 1 s" in said
    assert at.room.engine("voice")["state"] == "ready"


def test_a_checkpoint_that_lacks_a_file_says_which_and_holds_the_job(checkpoints: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(checkpoints / "quick", tmp_path / "checkpoint"))
    (broken / "tokenizer.json").unlink()
    with open_speaking(speaking("voice", broken)) as at:
        said = at.room.run("start", "voice", code=1).stderr
        assert f"{broken} has no tokenizer.json, which the english Chatterbox needs. Fetch what is missing: hf" in said
        (at.room.work / "lamp.txt").write_text("The lamp burns.")
        job = at.submit(at.room.work / "lamp.txt", at.room.work / "lamp.wav")
        row = wait_for(lambda: (now := at.room.job(job))["state"] == "held" and now, "the job is held")
        assert "voice has failed" in row["reason"]
        assert "tokenizer.json" in at.room.engine("voice")["reason"]
