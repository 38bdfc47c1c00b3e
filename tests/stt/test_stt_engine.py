"""The engine on the miniature: what it hears, in which company, and what becomes of what cannot be heard."""

from __future__ import annotations

import dataclasses
import os
import shutil
import threading
import time
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from flying_kit import Sky
from stt_engine_kit import (
    Asked,
    Engine,
    joined,
    quick,
    text_of,
    transcripts,
    unit_of_all,
    utterances,
)

from bench.stt.realtime import FedFlight
from engines.contract import OutOfMemory
from engines.stt import loaded
from engines.stt.decode.choice import Choice
from engines.stt.decode.decoder import Floats, Sound
from engines.stt.decode.take import Take
from engines.stt.decode.way import Way
from engines.stt.folder import found
from engines.stt.miniature.wrong_words import error_share, word_errors
from engines.stt.tally import Tally
from engines.stt.unit import RATE, Source, Span, Unit
from ipc.errors import RequestFailed
from ipc.hearing import Segment


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    one = Engine(quantization="int8", batch_size=1)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def _fresh(engine: Engine) -> Iterator[None]:
    engine.batches.clear()
    yield
    engine.retune(quick(quantization="int8", batch_size=1))


@pytest.mark.parametrize("quantization", ["int8", "float32"])
def test_the_utterances_come_out_with_few_errors(quantization: str) -> None:
    one, files = Engine(quantization=quantization, batch_size=1), utterances()
    flight = Asked(*map(unit_of_all, files))
    one.ask(flight)
    one.close()
    assert error_share(zip([transcripts()[file.name] for file in files], flight.texts(), strict=True)) <= 0.04
    assert {heard.model for heard in flight.results.values()} == {f"miniature {quantization}"}


def test_a_batch_hears_what_each_alone_is_heard_as(engine: Engine) -> None:
    units = [unit_of_all(file) for file in utterances(4)]
    alone, together = Asked(*units), Asked(*units)
    engine.ask(alone)
    engine.retune(quick(batch_size=4))
    engine.batches.clear()
    engine.ask(together)
    assert max(engine.sizes) > 1
    assert together.texts() == alone.texts()


def test_what_is_measured_of_a_span_is_told(engine: Engine) -> None:
    unit = unit_of_all(utterances(1)[0])
    flight = Asked(unit)
    engine.ask(flight)
    told = flight.told[0]
    assert told.audio_seconds == unit.whole.seconds
    assert told.tokens >= 6
    assert told.confidence is not None
    assert -0.5 < told.confidence < 0
    assert engine.noted.words.startswith("confidence −0.")
    assert "× as fast as speech" in engine.noted.words


def test_times_are_those_of_the_recording(engine: Engine) -> None:
    file = utterances(1)[0]
    whole = unit_of_all(file)
    begin = RATE // 4
    late = Unit(whole.source, Span(begin, whole.whole.end), (Span(begin, whole.whole.end),))
    flight = Asked(whole, late, own={"word_timestamps": True})
    engine.ask(flight)
    first, second = flight.results[0].segments[0].words, flight.results[1].segments[0].words
    assert [word.text for word in first] == transcripts()[file.name].split()
    assert [word.text for word in second][-3:] == [word.text for word in first][-3:]
    for one, other in zip(first[-3:], second[-3:], strict=True):
        assert one.begin == pytest.approx(other.begin, abs=0.25)
    ends = [word.end for word in first]
    assert ends == sorted(ends)
    assert ends[-1] <= whole.whole.seconds
    assert (flight.results[1].begin, flight.results[1].end) == (0.25, whole.whole.end / RATE)


def test_a_stretch_without_speech_is_answered_without_the_model(engine: Engine) -> None:
    unit = Unit(Source("/nowhere.wav", "1:1"), Span(0, 5 * RATE), (), why="silent")
    flight = Asked(unit)
    engine.ask(flight)
    (dropped,) = flight.results[0].dropped
    assert (dropped.begin, dropped.end, dropped.why) == (0.0, 5.0, "silent")
    assert engine.batches == []


def test_a_stretch_longer_than_the_window_is_heard_to_its_end(engine: Engine, tmp_path: Path) -> None:
    path, said = joined(tmp_path / "long.wav", utterances(4))
    flight = Asked(unit_of_all(path))
    engine.ask(flight)
    heard = flight.results[0]
    assert heard.segments[-1].end > 9 > found(quick()).window_seconds
    assert error_share([(said, text_of(heard))]) <= 0.15
    begins = [segment.begin for segment in heard.segments]
    assert begins == sorted(begins)


def test_people_come_before_jobs(imagining: Imagining) -> None:
    hear(imagining, imagined("yes"))
    unit = unit_of_all(utterances(1)[0])
    job, person = Asked(*[unit] * 6), Asked(unit, stream=True)
    came: list[int] = []

    def look(sky: Sky) -> None:
        if job.ended and not came:
            came.append(len(job.ended))
            sky.waiting.append(person)
        if person.ended and len(came) == 1:
            came.append(len(job.ended))

    imagining.ask(job, then=look)
    assert came[1] - came[0] <= 2
    assert len(job.ended) == 6


def test_a_flight_joins_the_batches_of_another(engine: Engine) -> None:
    engine.retune(quick(batch_size=4))
    unit = unit_of_all(utterances(1)[0])
    flights = [Asked(unit, unit), Asked(unit, unit), Asked(unit, unit)]
    engine.ask(*flights)
    assert max(engine.sizes) > 2
    assert all(flight.texts() == [flights[0].texts()[0]] * 2 for flight in flights)


def test_a_cancelled_flight_leaves_the_others_alone(imagining: Imagining) -> None:
    hear(imagining, imagined("yes"))
    unit = unit_of_all(utterances(1)[0])
    gone, stays = Asked(*[unit] * 20), Asked(unit, unit)

    def look(sky: Sky) -> None:
        if gone.ended:
            gone.gone = True

    sky = imagining.ask(gone, stays, then=look)
    assert len(gone.ended) < 20
    assert len(stays.ended) == 2
    assert [flight is gone for flight in sky.landed] == [True, False]


def test_a_jobs_own_settings_count_for_it_alone(engine: Engine) -> None:
    unit = unit_of_all(utterances(1)[0])
    own, plain = Asked(unit, own={"word_timestamps": True}), Asked(unit)
    engine.ask(own, plain)
    assert own.results[0].segments[0].words
    assert not plain.results[0].segments[0].words


@pytest.mark.parametrize(
    ("own", "title"),
    [
        ({"language": "fr"}, "Another language"),
        ({"language": "frnech"}, "Unknown language"),
        ({"task": "translate"}, "Cannot translate"),
        ({"task": "sing"}, "Bad value"),
        ({"prompts": "x"}, "Unknown setting"),
    ],
)
def test_a_job_that_cannot_be_heard_so_fails_in_words(engine: Engine, own: dict[str, str], title: str) -> None:
    flight = Asked(unit_of_all(utterances(1)[0]), own=own)
    engine.ask(flight)
    assert flight.problems[0].title == title
    assert flight.problems[0].hint


def test_a_recording_that_was_changed_or_is_gone_fails_its_spans_only(engine: Engine, tmp_path: Path) -> None:
    changed, gone = tmp_path / "changed.wav", tmp_path / "gone.wav"
    for path in (changed, gone):
        shutil.copy(utterances(1)[0], path)
    units = unit_of_all(changed), unit_of_all(gone), unit_of_all(utterances(1)[0])
    os.utime(changed, (1, 1))
    gone.unlink()
    flight = Asked(*units)
    engine.ask(flight)
    assert flight.problems[0].title == "Recording changed"
    assert str(changed) in flight.problems[0].detail
    assert str(gone) in flight.problems[1].detail
    assert list(flight.results) == [2]


def test_a_recording_that_ends_too_early_fails_its_span(engine: Engine) -> None:
    unit = unit_of_all(utterances(1)[0])
    beyond = Span(unit.whole.begin, unit.whole.end + RATE)
    flight = Asked(Unit(unit.source, beyond, (beyond,)))
    engine.ask(flight)
    assert "ends earlier" in flight.problems[0].detail


def test_the_batch_size_changes_while_it_flies(engine: Engine) -> None:
    job = Asked(*[unit_of_all(utterances(1)[0])] * 9)

    def look(_: Sky) -> None:
        if len(job.ended) == 2:
            engine.retune(quick(batch_size=4))

    engine.ask(job, then=look)
    assert engine.sizes[:2] == [1, 1]
    assert 1 < max(engine.sizes) <= 4


def test_left_open_several_batch_sizes_are_tried(engine: Engine) -> None:
    engine.retune(quick(batch_size=0))
    engine.ask(Asked(*[unit_of_all(utterances(1)[0])] * 9))
    assert sum(engine.sizes) == 9
    assert {1, 2} <= set(engine.sizes)


def test_deterministic_spans_are_decoded_alone_and_come_out_byte_for_byte(engine: Engine) -> None:
    engine.retune(quick(batch_size=8))
    units = [unit_of_all(file) for file in utterances(2)]
    first, again = Asked(*units, deterministic=True), Asked(*units[::-1], deterministic=True)
    engine.ask(first, Asked(*units))
    engine.ask(again)
    assert [first.told[at].result for at in range(2)] == [again.told[1 - at].result for at in range(2)]
    assert all(way.temperature == 0 for batch in engine.batches for way in batch)


def test_a_change_that_means_nothing_is_refused_and_the_old_settings_stay(engine: Engine) -> None:
    with pytest.raises(RequestFailed, match="no numbers|are not numbers"):
        engine.retune(quick(temperatures="warm"))
    flight = Asked(unit_of_all(utterances(1)[0]))
    engine.ask(flight)
    assert flight.texts() == [transcripts()["utterance-00.wav"]]


def test_who_speaks_is_heard_while_a_job_is_under_way(engine: Engine) -> None:
    with wave.open(str(utterances(1)[0])) as file:
        sound = file.readframes(file.getnframes())
    sound = bytes(RATE) + sound + bytes(2 * RATE)
    pieces = [sound[at : at + RATE // 2] for at in range(0, len(sound), RATE // 2)]
    person, job = FedFlight(), Asked(*[unit_of_all(utterances(1)[0])] * 12)
    done = list[int]()

    def speaks(_: Sky) -> None:
        if pieces:
            person.waiting += pieces.pop(0)
        person.all_fed = not pieces
        if person.lines:
            done.append(len(job.ended))

    engine.ask(job, person, then=speaks)
    assert done[0] < 12, "the job was still under way when the first words came"
    assert person.listened is not None
    assert person.listened.text == person.committed
    assert word_errors(transcripts()["utterance-00.wav"], person.listened.text) <= 1
    assert person.listened.model == "miniature int8"
    assert len(job.results) == 12


def test_waiting_for_who_speaks_is_no_work(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pausing(FedFlight):
        pauses = 3

        def fed(self) -> tuple[bytes, bool]:
            self.pauses -= 1
            return (b"", False) if self.pauses >= 0 else super().fed()

    person, aloft = Pausing(), engine._aloft
    assert aloft is not None
    person.waiting, person.all_fed = bytes(RATE * 2), True
    monkeypatch.setattr(aloft, "tally", Tally())
    began = time.monotonic()
    engine.ask(person)
    assert time.monotonic() - began - aloft.tally.busy_seconds > 2 * loaded._LIVE_SECONDS
    assert aloft.tally.audio_seconds == pytest.approx(1.0, abs=0.04)


class Person:
    """A live flight's listener, who never ends by himself."""

    idle, taken, tokens = False, 0, 0

    def __init__(self, *, speaking: bool) -> None:
        self.speaking = speaking
        self.over = False

    def step(self) -> bool:
        return not self.over


@pytest.mark.parametrize(("speaking", "most"), [(False, 4), (True, 1)])
def test_an_open_microphone_keeps_jobs_from_long_batches_only(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, *, speaking: bool, most: int
) -> None:
    engine.retune(quick(batch_size=8))
    person, aloft, paced = Person(speaking=speaking), engine._aloft, Choice()
    assert aloft is not None
    paced.learn(1, 0.2)
    monkeypatch.setattr(aloft, "_listen", lambda *_: person)
    monkeypatch.setattr(aloft, "_choice", paced)
    monkeypatch.setattr(paced, "learn", lambda *_: None)
    job = Asked(*[unit_of_all(utterances(1)[0])] * 16)

    def look(_: Sky) -> None:
        person.over = len(job.ended) == 16

    engine.ask(FedFlight(), job, then=look)
    assert max(engine.sizes) == most


def test_what_is_said_counts_as_steps_and_tokens(engine: Engine) -> None:
    with wave.open(str(utterances(1)[0])) as file:
        sound = file.readframes(file.getnframes())
    person = FedFlight()
    person.waiting, person.all_fed = sound + bytes(2 * RATE), True
    steps, produced = engine.noted.steps, engine.noted.produced
    engine.ask(person)
    assert person.tokens > 0
    assert engine.noted.produced - produced == person.tokens
    assert engine.noted.steps - steps > 2, "for its boarding, and wherever sound was taken"


def test_two_streams_decode_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=20)

    class Meeting(Engine):
        loaded = False

        def imagined(self, windows: Sequence[Floats], way: Way) -> list[Take]:
            if self.loaded:
                both.wait()
            return []

    one = Meeting(num_workers=2, batch_size=1)
    one.loaded = True
    files = utterances(4)
    flight = Asked(*map(unit_of_all, files))
    one.ask(flight)
    one.close()
    assert error_share(zip([transcripts()[file.name] for file in files], flight.texts(), strict=True)) <= 0.05


# ── takes that the miniature does not make by itself ──────────────────────────────────────────────────────────────


def imagined(
    text: str, *, logprob: float = -0.3, no_speech: float = 0.0, compression: float = 1.0, **more: Any
) -> Take:
    segment = Segment(0.0, 1.0, text, logprob, no_speech, compression)
    return Take((segment,), text, max(1, len(text.split())), logprob, no_speech, compression, **more)


class Imagining(Engine):
    """It hears what it is told to, the later the further down the list."""

    takes: Sequence[Take] = ()

    def imagined(self, windows: Sequence[Floats], way: Way) -> list[Take]:
        if not self.takes:
            return []
        made = len(self.batches) - 1
        take = self.takes[min(made, len(self.takes) - 1)]
        return [dataclasses.replace(take, temperature=way.temperature)] * len(windows)


@pytest.fixture(scope="module")
def imagining() -> Iterator[Imagining]:
    one = Imagining(batch_size=1)
    yield one
    one.close()


def hear(engine: Imagining, *takes: Take, deterministic: bool = False, **own: Any) -> Asked:
    engine.takes = takes
    engine.batches.clear()
    flight = Asked(unit_of_all(utterances(1)[0]), deterministic=deterministic, own=own)
    engine.ask(flight)
    return flight


@pytest.mark.parametrize("no_speech", [0.88, 0.93, 0.98])
def test_a_phrase_invented_over_silence_is_dropped_and_listed(imagining: Imagining, no_speech: float) -> None:
    flight = hear(imagining, imagined("Vor dem Essen, nach dem Essen", no_speech=no_speech))
    heard = flight.results[0]
    assert heard.segments == ()
    (dropped,) = heard.dropped
    assert (dropped.why, dropped.text) == ("no speech", "Vor dem Essen, nach dem Essen")
    assert (dropped.logprob, dropped.no_speech) == (-0.3, no_speech)
    assert flight.told[0].confidence is None


def test_a_known_phantom_is_dropped_however_sure_the_model_is(imagining: Imagining) -> None:
    flight = hear(imagining, imagined("Sous-titres réalisés par la communauté d'Amara.org", no_speech=0.01))
    assert [dropped.why for dropped in flight.results[0].dropped] == ["phantom phrase"]


def test_what_is_not_believed_is_tried_again_hotter_until_it_is(imagining: Imagining) -> None:
    loop = imagined("no no no no no no no no no no", compression=4.0)
    flight = hear(imagining, loop, loop, imagined("yes two"))
    assert [way.temperature for batch in imagining.batches for way in batch] == [0.0, 0.2, 0.4]
    assert flight.results[0].segments[0].text == "yes two"
    assert flight.told[0].tokens == 10 + 10 + 2


def test_only_usual_work_tells_which_batch_size_is_quickest(
    imagining: Imagining, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = list[int]()

    class Learning(Choice):
        def learn(self, windows: int, seconds: float) -> None:
            learned.append(windows)

    aloft = imagining._aloft
    assert aloft is not None
    monkeypatch.setattr(aloft, "_choice", Learning())
    hear(imagining, imagined("no no no", compression=4.0), imagined("no no no", compression=4.0), imagined("no"))
    assert (len(imagining.batches), learned) == (3, [1]), "what is tried again takes longer, and is always alone"
    hear(imagining, imagined("no"), deterministic=True)
    hear(imagining, imagined("no"), temperatures="0.4 0.8")
    assert learned == [1]


def test_what_repeats_itself_at_all_temperatures_is_dropped(imagining: Imagining) -> None:
    flight = hear(imagining, imagined("no no no no no no no no no no", compression=4.0))
    assert len(imagining.batches) == 6
    assert [dropped.why for dropped in flight.results[0].dropped] == ["repeats"]


def test_what_the_model_takes_for_silence_is_not_tried_again(imagining: Imagining) -> None:
    hear(imagining, imagined("you", logprob=-2.0, no_speech=0.9))
    assert len(imagining.batches) == 1


def test_deterministic_work_is_tried_again_without_chance(imagining: Imagining) -> None:
    flight = hear(imagining, imagined("no no no", compression=4.0), imagined("no"), deterministic=True)
    assert [(way.temperature, way.strict) for batch in imagining.batches for way in batch] == [(0, False), (0, True)]
    assert flight.results[0].segments[0].text == "no"


def test_a_phrase_without_an_end_is_heard_on_from_its_beginning(imagining: Imagining) -> None:
    flight = hear(imagining, imagined("cancel", rest=110), imagined("seven"))
    first, second = flight.results[0].segments
    assert (first.text, second.text) == ("cancel", "seven")
    assert (first.begin, second.begin) == (0.0, 1.0), "a tenth of a second of silence was put before"


def test_amid_speech_the_models_word_for_silence_is_not_enough(imagining: Imagining) -> None:
    flight = hear(imagining, imagined("cancel", rest=110), imagined("seven", no_speech=0.95))
    assert text_of(flight.results[0]) == "cancel seven"


def test_more_windows_than_fit_are_halved_where_their_number_was_left_open() -> None:
    class Cramped(Engine):
        def imagined(self, windows: Sequence[Floats], way: Way) -> list[Take]:
            if len(windows) > 1:
                raise RuntimeError("CUDA failed with error out of memory")
            return []

    one = Cramped()
    flight = Asked(*[unit_of_all(utterances(1)[0])] * 9)
    one.ask(flight)
    assert len(flight.results) == 9
    assert max(one.sizes[one.sizes.index(2) + 1 :]) == 1
    one.retune(quick(batch_size=2))
    with pytest.raises(OutOfMemory, match="out of memory"):
        one.ask(Asked(*[unit_of_all(utterances(1)[0])] * 9))
    one.close()


def test_the_language_of_a_recording_is_found_once_in_its_first_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    many = dataclasses.replace(found(quick()), vocabulary=51865)
    monkeypatch.setattr(loaded, "found", lambda _: many)
    one, asked = Engine(batch_size=2), list[int]()

    def language(sound: Sound) -> tuple[str, float]:
        asked.append(sound.features.shape[1])
        return "fr", 0.75

    one._decoder.language = language  # type: ignore[method-assign]
    unit = unit_of_all(utterances(1)[0])
    head = Span(0, RATE)
    flight = Asked(unit, *[unit_of_all(utterances(1)[0], head=head)] * 3)
    one.ask(flight)
    assert {(heard.language, heard.language_probability) for heard in flight.results.values()} == {("fr", 0.75)}
    assert len(asked) == 1
    resumed = Asked(unit_of_all(utterances(2)[1], head=head), own={"word_timestamps": True})
    one.ask(resumed)
    assert asked[1] == 120, "the second, and a tenth of one of silence at both ends"
    one.close()
