"""A voice is computed once from a recording, as the library does it, and cut to the seconds wanted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import speech_sound_kit as kit
import torch

from engines.tts.sound.recording import check, find
from engines.tts.sound.render import Sound, Take
from engines.tts.sound.voices import Voices, shortened
from ipc.errors import RequestFailed

pytest_plugins = ["speech_fixtures"]

RATE = 24000


def _speech(seconds: float, rate: int = RATE, loudness: float = 0.3) -> Any:
    at = np.arange(int(seconds * rate)) / rate
    hum = np.sin(2 * np.pi * 180 * at) * (1 + np.sin(2 * np.pi * 3 * at)) / 2
    return (loudness * hum + 0.01 * np.random.default_rng(0).standard_normal(len(at))).astype(np.float32)


@pytest.fixture(scope="module")
def library(miniature: Path) -> Any:
    from chatterbox.tts import ChatterboxTTS

    return ChatterboxTTS.from_local(miniature, "cpu")


def _voices(library: Any, told: list[str] | None = None, s3gen: Any = None) -> Voices:
    tell = (lambda warning: None) if told is None else told.append
    prompt_tokens = library.t3.hp.speech_cond_prompt_len
    return Voices(library.conds, s3gen or library.s3gen, library.ve, prompt_tokens, tell=tell)


@pytest.mark.filterwarnings("ignore:'(aifc|audioop|sunau)' is deprecated")  # what the library reads files with
@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_a_recording_gives_what_the_library_makes_of_it(library: Any, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"anna.{ending}"
    soundfile.write(file, _speech(4, 22050), 22050)
    made = _voices(library).of(str(file), 10.0)
    before = library.conds
    library.prepare_conditionals(file)
    theirs, library.conds = library.conds, before
    assert torch.equal(made.speaker, theirs.t3.speaker_emb)
    assert made.prompt is not None
    assert torch.equal(made.prompt, theirs.t3.cond_prompt_speech_tokens)
    for name in ("prompt_token", "prompt_token_len", "prompt_feat", "embedding"):
        assert torch.equal(made.reference[name], theirs.gen[name]), name
    assert not any(value.requires_grad for value in (made.speaker, *made.reference.values()) if value is not None)


def test_of_a_long_recording_the_first_ten_seconds_are_imitated(library: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", _speech(12), RATE)
    told: list[str] = []
    voices = _voices(library, told)
    made = voices.of(str(tmp_path / "long.wav"), 10.0)
    assert made.reference["prompt_token"].shape == (1, 250)
    assert told == [f"Voice {tmp_path / 'long.wav'}: It is 12 s long; only the first 10 s are imitated."]


@pytest.mark.parametrize("name", ["", "anna"])
def test_a_reference_is_cut_in_all_its_parts(
    library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_DATA", str(tmp_path))
    (tmp_path / "voices").mkdir()
    soundfile.write(tmp_path / "voices" / "anna.flac", _speech(4), RATE)
    voices = _voices(library)
    whole, part = voices.of(name, 10.0).reference, voices.of(name, 0.4).reference
    assert part["prompt_token"].shape == (1, 10)
    assert part["prompt_token_len"].tolist() == [10]
    assert part["prompt_feat"].shape == (1, 20, 80)
    assert torch.equal(part["prompt_token"], whole["prompt_token"][:, :10])
    assert torch.equal(part["prompt_feat"], whole["prompt_feat"][:, :20])
    take = Take([1, 2, 3], voices.of(name, 0.4), 0)
    (sound,) = Sound(kit.s3gen(False), None, "fp32").render(
        [take], 1, watermark=False, together=True, step=lambda: None
    )
    assert len(sound) == 3 * 960


def test_a_frame_that_belongs_to_no_token_is_cut() -> None:
    odd = dict(kit.voice(5).reference, prompt_feat=torch.zeros(1, 9, 80))
    assert shortened(odd, 250)["prompt_token"].shape == (1, 4)
    assert shortened(odd, 250)["prompt_feat"].shape == (1, 8, 80)


def test_a_voice_is_computed_once_until_its_recording_changes(library: Any, tmp_path: Path) -> None:
    file = tmp_path / "anna.wav"
    soundfile.write(file, _speech(3), RATE)
    voices = _voices(library)
    first = voices.of(str(file), 3.0)
    assert voices.of(str(file), 3.0) is first
    assert torch.equal(voices.of(str(file), 1.0).speaker, first.speaker)
    soundfile.write(file, _speech(4)[::-1], RATE)
    assert voices.of(str(file), 3.0) is not first


def test_only_so_many_voices_are_kept(library: Any, tmp_path: Path) -> None:
    voices, names = _voices(library), [str(tmp_path / f"{number}.wav") for number in range(17)]
    for name in names:
        soundfile.write(name, _speech(1), RATE)
    made = [voices.of(name, 3.0) for name in names]
    assert voices.of(names[16], 3.0) is made[16]
    assert voices.of(names[1], 3.0) is made[1]
    assert voices.of(names[0], 3.0) is not made[0]


def test_turbo_hears_recordings_equally_loud(library: Any, tmp_path: Path) -> None:
    quiet, loud = tmp_path / "quiet.wav", tmp_path / "loud.wav"
    for file, gain in ((quiet, 0.05), (loud, 0.6)):
        soundfile.write(file, _speech(6)[:] * gain, RATE, subtype="FLOAT")
    turbo = _voices(library, s3gen=kit.s3gen(True))
    one, other = (turbo.of(str(file), 10.0).reference["prompt_feat"] for file in (quiet, loud))
    torch.testing.assert_close(one, other, atol=1e-2, rtol=0)


@pytest.mark.parametrize(
    ("seconds", "gain", "turbo", "title"),
    [
        (0.2, 1, False, "Recording too short"),
        (5.0, 1, True, "Recording too short"),
        (3.0, 0, False, "Silent recording"),
        (3.0, 20, False, "Distorted recording"),
    ],
)
def test_a_recording_that_cannot_serve_is_refused_in_a_sentence(
    library: Any, tmp_path: Path, seconds: float, gain: float, turbo: bool, title: str
) -> None:
    file = tmp_path / "anna.wav"
    soundfile.write(file, _speech(seconds) * gain, RATE)
    with pytest.raises(RequestFailed) as failed:
        _voices(library, s3gen=SimpleNamespace(meanflow=turbo)).of(str(file), 3.0)
    problem = failed.value.problem
    assert problem.title == title
    assert "anna.wav" in problem.detail
    assert problem.hint


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_recording_with_samples_that_are_no_numbers_is_refused_in_a_sentence(
    library: Any, tmp_path: Path, odd: float
) -> None:
    sound = _speech(3)
    sound[1000] = odd
    soundfile.write(tmp_path / "anna.wav", sound, RATE, subtype="FLOAT")
    with pytest.raises(RequestFailed, match=r"Damaged recording: Some samples of anna.wav are no numbers"):
        _voices(library).of(str(tmp_path / "anna.wav"), 3.0)


def _unreadable(file: Path) -> None:
    file.write_text("Dear diary")


def _no_numbers(file: Path) -> None:
    soundfile.write(file, np.full(3 * RATE, np.nan), RATE, subtype="FLOAT")


@pytest.mark.parametrize("becomes", [_unreadable, _no_numbers, Path.unlink])
def test_what_a_library_raises_over_a_recording_fails_its_request_alone(
    library: Any, tmp_path: Path, becomes: Callable[[Path], None]
) -> None:
    file = tmp_path / "anna.wav"
    soundfile.write(file, _speech(2), RATE)
    voices = Voices(library.conds, library.s3gen, library.ve, 150, tell=lambda warning: becomes(file))
    with pytest.raises(RequestFailed, match=r"Recording not usable: .*anna.wav cannot be listened to"):
        voices.of(str(file), 3.0)
    assert voices.of("", 3.0).name == ""


_BURST = np.concatenate([np.zeros(12 * RATE, np.float32), _speech(5)])


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (np.stack([_speech(5), -_speech(5)], axis=1), "Opposite channels: The 2 channels of anna.wav cancel"),
        (np.stack([_speech(5), -0.95 * _speech(5)], axis=1), "Opposite channels: The 2 channels of anna.wav cancel"),
        (_BURST, "Silent recording: Nothing is to be heard in the first 10 s of anna.wav"),
        (np.stack([0 * _speech(5)] * 2, axis=1), "Silent recording: Nothing is to be heard in anna.wav"),
    ],
)
def test_a_recording_of_which_the_model_hears_nothing_is_refused(tmp_path: Path, sound: Any, said: str) -> None:
    soundfile.write(tmp_path / "anna.wav", sound, RATE)
    (problem,) = check(tmp_path / "anna.wav").problems
    assert said in str(problem)


@pytest.mark.parametrize("sound", [np.stack([_speech(5), 0 * _speech(5)], axis=1), _BURST[4 * RATE :]])
def test_an_empty_second_channel_or_some_silence_is_no_reason_to_refuse(tmp_path: Path, sound: Any) -> None:
    soundfile.write(tmp_path / "anna.wav", sound, RATE)
    assert not check(tmp_path / "anna.wav").problems


def test_what_is_no_sound_file_is_refused_in_a_sentence(library: Any, tmp_path: Path) -> None:
    file = tmp_path / "anna.wav"
    file.write_text("Dear diary")
    with pytest.raises(RequestFailed, match="cannot be read as sound"):
        _voices(library).of(str(file), 3.0)


def test_a_voice_that_is_nowhere_is_refused_in_a_sentence(tmp_path: Path) -> None:
    environ = {"ENGINEROOM_DATA": str(tmp_path)}
    with pytest.raises(RequestFailed, match=f"none of that name in {tmp_path / 'voices'}"):
        find("anna", environ)
    with pytest.raises(RequestFailed, match="no recording"):
        find(str(tmp_path / "anna.wav"), environ)


@pytest.mark.parametrize("name", ["~nobody9/x.wav", "~no\0body/x.wav", "a\0b", "x" * 300, "/" + "x/" * 5000])
def test_a_name_that_no_file_can_have_is_a_voice_that_is_nowhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(RequestFailed, match="No such voice"):
        find(name, {"ENGINEROOM_DATA": str(tmp_path)})


def test_a_name_means_the_recording_in_the_folder_of_voices(tmp_path: Path) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    for name in ("anna.txt", "anna.wav", "CARL.WAV"):
        (folder / name).touch()
    environ = {"ENGINEROOM_DATA": str(tmp_path)}
    assert find("anna", environ) == find("anna.wav", environ) == folder / "anna.wav"
    assert find("CARL", environ) == folder / "CARL.WAV"


def test_a_checkpoint_without_a_voice_asks_for_a_recording(library: Any) -> None:
    voices = Voices(None, library.s3gen, library.ve, 150)
    with pytest.raises(RequestFailed, match="no voice built in"):
        voices.of("", 3.0)


@pytest.mark.parametrize(
    ("sound", "rate", "warnings"),
    [
        (_speech(6), 24000, []),
        (_speech(2), 24000, ["2.0 s long", "Turbo needs more than 5 s"]),
        (_speech(6, 8000), 8000, ["8000 samples a second"]),
        (np.stack([_speech(6)] * 2, axis=1), 24000, ["2 channels are mixed"]),
        (np.where(np.arange(6 * RATE) % 200 == 0, 1.0, _speech(6)), 24000, ["0.5% of it is at full scale"]),
    ],
)
def test_what_a_person_should_know_of_a_recording(tmp_path: Path, sound: Any, rate: int, warnings: list[str]) -> None:
    soundfile.write(tmp_path / "anna.wav", sound, rate)
    found = check(tmp_path / "anna.wav")
    assert not found.problems
    assert len(found.warnings) == len(warnings)
    assert all(part in warning for part, warning in zip(warnings, found.warnings, strict=True))


def test_a_check_tells_one_line_of_json(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "anna.wav", _speech(0.2), RATE)

    def told(path: Path) -> Any:
        command = [sys.executable, "-m", "engines.tts.sound.recording", str(path)]
        return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    found = told(tmp_path / "anna.wav")
    assert found["seconds"] == 0.2
    assert found["rate"] == RATE
    assert found["problems"] == ["anna.wav is 0.2 s long. Give at least 1 s, better 3 to 10 s of one person."]
    assert found["warnings"] == []
    assert told(tmp_path / "none.wav")["problems"] == [f"There is no file {tmp_path / 'none.wav'}. Check the path."]
