"""What is learned of voices, and how it is kept."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from engines.tts.budget import start
from engines.tts.learned import TRUSTED, Learned, Paces
from engines.tts.learnedfile import add, path_of, read


def taught(tokens: int, times: int, voice: str = "anna", characters: int = 100) -> Learned:
    learned = Learned()
    for _ in range(times):
        learned.observe(voice, "en", characters, tokens)
    return learned


def test_nothing_is_known_of_a_voice_that_was_not_heard() -> None:
    learned = taught(150, TRUSTED)
    assert learned.rate("bert", "en") == start("en")
    assert learned.rate("anna", "fr") == start("fr")
    assert learned.heard("bert", "en") == 0


@pytest.mark.parametrize(
    ("tokens", "times", "rate"),
    [
        (150, TRUSTED - 1, start("en")),
        (150, TRUSTED, 1.55),
        (400, 1, 4.05),
        (0, TRUSTED, 0.05),
    ],
)
def test_a_fast_voice_is_believed_late_and_a_slow_one_at_once(tokens: int, times: int, rate: float) -> None:
    assert taught(tokens, times).rate("anna", "en") == pytest.approx(rate)


def test_one_of_a_hundred_may_take_longer() -> None:
    learned = taught(190, 99)
    learned.observe("anna", "en", 100, 500)
    assert learned.rate("anna", "en") == pytest.approx(1.95)
    learned.observe("anna", "en", 100, 500)
    assert learned.rate("anna", "en") == pytest.approx(5.05)


def test_what_is_too_short_teaches_nothing() -> None:
    assert taught(30, 5, characters=4).heard("anna", "en") == 0


def test_what_two_learned_can_be_merged() -> None:
    one, other = taught(190, 30), taught(300, 30)
    one.merge(other.kept())
    one.merge(taught(200, 1, voice="bert").kept())
    assert one.heard("anna", "en") == 60
    assert one.heard("bert", "en") == 1
    assert one.rate("anna", "en") == pytest.approx(3.05)


def test_old_takes_fade() -> None:
    learned = taught(300, 2000)
    for _ in range(20000):
        learned.observe("anna", "en", 100, 190)
    assert learned.rate("anna", "en") == pytest.approx(1.95)
    assert learned.heard("anna", "en") <= 2000


def test_it_stays_small_whatever_comes() -> None:
    learned = Learned()
    for number in range(3000):
        learned.observe(f"voice {number % 900}", "en", 20 + number % 7, number * number)
    paces = learned.kept()
    assert len(paces.counts) == 500
    assert learned.heard("voice 299", "en") > 0  # the last of them
    learned.merge(Paces({"en x": {-3: 2, 10**9: 1, 5: -7, 6: 10**9}}))
    assert all(0 <= number <= 400 for counts in learned.kept().counts.values() for number in counts)
    assert learned.heard("x", "en") <= 2000


def test_what_was_learned_outlives_the_engine(tmp_path: Path) -> None:
    path = path_of(tmp_path, "model 1")
    add(path, "model 1", taught(190, 30).kept())
    add(path, "model 1", taught(190, 30).kept())
    assert Learned(read(path, "model 1")).heard("anna", "en") == 60
    assert os.listdir(path.parent) == [path.name]
    assert path_of(tmp_path, "model 2") != path


def test_a_first_start_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert read(path_of(tmp_path, "model"), "model") == Paces({})
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff",
        b"[]",
        b'{"version": 1, "model": "m", "paces": {"counts": {"en ": {"a": 1}}}}',
        msgspec.json.encode({"version": 2, "model": "m", "paces": {"counts": {}}}),
        msgspec.json.encode({"version": 1, "model": "another", "paces": {"counts": {"en anna": {"30": 100}}}}),
    ],
)
def test_a_file_that_is_broken_or_of_another_is_left_out_and_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "learned.json"
    path.write_bytes(content)
    assert read(path, "m") == Paces({})
    assert capsys.readouterr().err.count("\n") == 1
    news = taught(190, 3).kept()
    add(path, "m", news)
    assert read(path, "m") == news


def test_what_cannot_be_written_is_said_and_nothing_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "speech"
    blocked.write_text("a file where a folder should be")
    add(path_of(tmp_path, "m"), "m", taught(190, 3).kept())
    assert "was not written" in capsys.readouterr().err
