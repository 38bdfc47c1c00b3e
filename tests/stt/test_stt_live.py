"""A live flight: its commits are its answer, it is bounded, it lags gracefully, and it is quick."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.stt.live import Ears, ears
from bench.stt.realtime import FedFlight
from bench.stt.speaker import Spoken, latencies, spoken
from engines.stt.listening import transcript
from engines.stt.listening.endpoint import CHUNK
from engines.stt.listening.live import LONGEST_SECONDS, LiveFlight, Pass
from engines.stt.listening.sound import Samples
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE

SECOND = RATE * 2
SILENT = bytes(SECOND)


def loud(seconds: float) -> bytes:
    """Somebody speaks, as the ear below has it."""
    return np.full(int(seconds * RATE), 8000, "<i2").tobytes()


class LoudEar:
    """Takes what is loud for speech."""

    def hear(self, samples: Samples) -> Samples:
        likely: Samples = (np.abs(samples.reshape(-1, CHUNK)).max(axis=1) > 1e-3).astype(np.float32)
        return likely


class Counts:
    """A model that hears a word in every quarter of a second of loud sound: `a b c …`."""

    def __init__(self) -> None:
        self.heard: list[float] = []
        """Seconds of sound of each pass."""

    def hear(self, samples: Samples) -> Pass:
        self.heard.append(len(samples) / RATE)
        quarters = round(int((np.abs(samples) > 0.01).sum()) / RATE * 4)
        return Pass("".join(f" {chr(97 + n % 26)}" for n in range(quarters)), quarters, "en")


class Scene:
    """A live flight with that ear and that model."""

    def __init__(self, window_seconds: float = 8.0, **settings: float) -> None:
        self.flight = FedFlight()
        self.model = Counts()
        self.live = LiveFlight(
            self.flight,
            self.flight.orders[0],
            self.model.hear,
            LoudEar(),
            SttSettings(**settings),  # type: ignore[arg-type]  # (each knob takes a number)
            window_seconds=window_seconds,
            model="counts",
            clock=lambda: 0.0,
        )

    def feed(self, data: bytes, pieces: int = 1) -> None:
        """In so many pieces, with the steps that an engine takes for each."""
        size = -(-len(data) // pieces)
        for begin in range(0, len(data), size):
            self.flight.waiting += data[begin : begin + size]
            self.live.step()
            while not self.live.idle and self.live.step():
                pass

    def end(self) -> None:
        self.flight.all_fed = True
        while self.live.step():
            pass


def test_the_answer_is_exactly_what_was_committed() -> None:
    scene = Scene()
    for _ in range(3):
        scene.feed(loud(1.0) + SILENT, 40)
    scene.feed(loud(0.6), 12)
    scene.end()
    told = scene.flight.listened
    assert told is not None
    assert told.text == scene.flight.committed == "a b c d a b c d a b c d a b"
    assert (told.words, told.language, told.model) == (14, "en", "counts")
    assert told.seconds == pytest.approx(6.6, abs=0.05)
    assert [line.ended for _, line in scene.flight.lines].count(True) == 4
    assert not scene.live.step(), "it is over"


def test_words_come_while_they_are_spoken_and_the_last_before_the_silence_has_ended_it() -> None:
    scene = Scene(endpoint_ms=1000)
    scene.feed(loud(1.0), 20)
    assert scene.flight.committed == "a b"
    scene.feed(SILENT[: SECOND // 2], 10)
    assert scene.flight.committed == "a b c d"
    passes = len(scene.model.heard)
    scene.feed(SILENT, 20)
    assert scene.flight.lines[-1][1].ended
    assert len(scene.model.heard) == passes, "all was committed: nothing is heard again"


def test_silence_is_never_decoded_and_says_nothing() -> None:
    scene = Scene()
    scene.feed(SILENT * 60, 100)
    scene.end()
    assert scene.model.heard == []
    assert scene.flight.lines == []
    assert scene.flight.listened is not None
    assert scene.flight.listened.text == ""


def test_speech_without_a_pause_is_bounded_and_loses_no_word() -> None:
    scene = Scene(window_seconds=4.0)
    scene.feed(loud(30.0), 600)
    scene.end()
    assert max(scene.model.heard) <= 3.5
    committed = scene.flight.committed.split()
    assert len(committed) == pytest.approx(120, abs=8)
    assert scene.flight.listened is not None
    assert scene.flight.listened.text == scene.flight.committed


def test_no_pass_is_longer_than_helps_however_long_the_models_window_is() -> None:
    scene = Scene(window_seconds=30.0)
    scene.feed(loud(40.0), 400)
    assert LONGEST_SECONDS - 1 < max(scene.model.heard) <= LONGEST_SECONDS


def test_who_lags_behind_hears_only_what_ended() -> None:
    scene = Scene()
    scene.feed((loud(1.0) + SILENT) * 20)
    scene.end()
    assert len(scene.model.heard) == 20
    assert scene.flight.committed.split() == list("abcd") * 20


def test_no_more_is_read_than_can_soon_be_heard() -> None:
    scene = Scene()
    scene.flight.waiting = loud(5.0)
    scene.live.step()
    scene.flight.waiting = loud(1.0)
    scene.live.step()
    assert scene.flight.waiting == b"" or not scene.live.idle
    lazy = Scene(window_seconds=1.0)
    lazy.flight.waiting = loud(60.0)
    lazy.live.step()
    lazy.flight.waiting = loud(1.0)
    lazy.live.step()
    assert lazy.flight.waiting, "a minute waits already"


def test_a_step_decodes_at_most_once() -> None:
    scene = Scene()
    scene.flight.waiting = (loud(1.0) + SILENT) * 5
    for passes in range(1, 6):
        scene.live.step()
        assert len(scene.model.heard) == passes


def test_samples_may_be_divided_anywhere() -> None:
    data = loud(1.0) + SILENT
    whole, odd = Scene(), Scene()
    whole.feed(data)
    odd.feed(data, 333)
    whole.end()
    odd.end()
    assert whole.flight.committed.split() == odd.flight.committed.split() == list("abcd")


def test_a_cancelled_flight_is_over_and_says_nothing_more() -> None:
    scene = Scene()
    scene.feed(loud(1.0), 10)
    scene.flight.gone = True
    before = len(scene.flight.lines)
    assert not scene.live.step()
    assert scene.live.over
    assert len(scene.flight.lines) == before
    assert scene.flight.listened is None


def test_without_vad_everything_that_is_loud_enough_is_heard() -> None:
    scene = Scene(vad=False)
    scene.feed(SILENT + loud(1.0) + SILENT, 60)
    scene.end()
    assert scene.flight.committed == "a b c d"


def test_an_answer_that_would_not_fit_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "MOST_BYTES", 20)
    scene = Scene()
    scene.feed((loud(1.0) + SILENT) * 5, 100)
    assert scene.flight.listened is not None
    assert 20 <= len(scene.flight.listened.text) < 40


# ── with the real model ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def real() -> Ears:
    return ears()


def test_a_word_is_committed_soon_after_its_end(real: Ears) -> None:
    said = spoken(8)
    flight, _ = real.listen(said, SttSettings())
    measured = latencies(said, flight.commits)
    assert measured.word_errors <= 0.02
    assert measured.at(0.5) <= 0.4
    assert measured.at(0.95) <= 0.7
    assert flight.listened is not None
    assert flight.listened.text == flight.committed


def noise(seconds: int, amount: float) -> Spoken:
    sound = np.random.default_rng(3).standard_normal(seconds * RATE) * amount
    samples: NDArray[np.int16] = (np.clip(sound, -1, 1) * 32767).astype("<i2")
    return Spoken(samples, (("nothing", 0.0),))


@pytest.mark.parametrize("amount", [0.0, 1e-4, 1e-2, 0.2])
def test_noise_is_no_words(real: Ears, amount: float) -> None:
    flight, _ = real.listen(noise(60, amount), SttSettings())
    assert flight.committed == ""


def test_a_whisper_is_heard_like_a_voice(real: Ears) -> None:
    said = spoken(3, gain=10 ** (-35 / 20), noise=1e-5)
    flight, _ = real.listen(said, SttSettings())
    assert latencies(said, flight.commits).word_errors <= 0.05
