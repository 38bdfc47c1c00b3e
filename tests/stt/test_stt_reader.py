"""The thread that reads: what it hears first, which recordings it keeps, and whose turn it is."""

from __future__ import annotations

import shutil
import threading
import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from stt_engine_kit import Asked, Engine, quick, utterances

from engines.stt import reader
from engines.stt.aboard import Part, Trip
from engines.stt.audio.recording import Recording, stamp
from engines.stt.decode.decoder import Floats, Sound
from engines.stt.decode.take import Take
from engines.stt.decode.way import Way
from engines.stt.folder import found
from engines.stt.manner import Manner, Manners
from engines.stt.reader import Read, Reader
from engines.stt.spoken import Languages
from engines.stt.unit import RATE, Source, Span, Unit

SECONDS = 20


def manner() -> Manner:
    """Of a model whose recordings have to tell their language."""
    made = Manners(found(quick())).of(quick(), {}, deterministic=False)
    return Manner(made.settings, made.rungs, made.phantoms, "", deterministic=False)


class Reading:
    """A reader that keeps its samples."""

    def __init__(self) -> None:
        self.heard: list[Floats] = []
        self.heard_at: list[int] = []
        """After how many steps."""
        self.steps = 0
        self.news = SimpleQueue[Any]()
        self.languages = Languages()
        self.reader = Reader(self._sound, self.languages, self._step, self.news)

    def _sound(self, samples: Floats) -> Sound:
        self.heard.append(samples)
        self.heard_at.append(self.steps)
        return Sound(np.zeros((1, 1), np.float32), 0.0)

    def _step(self) -> None:
        self.steps += 1
        self.then()

    then: Callable[[], None] = staticmethod(lambda: None)
    """What happens at each step, in the reader's thread."""

    def reads(self) -> Read:
        """What comes next."""
        read = self.news.get(timeout=10)
        assert isinstance(read, Read), read
        return read

    def part(self, unit: Unit, number: int = 0, *, stream: bool = False) -> Part:
        """To be read."""
        flight = Asked(unit, stream=stream)
        return Part(Trip(flight, 1), flight.orders[0], unit, manner(), number)

    def read(self, unit: Unit) -> Read:
        """This, at once."""
        self.reader.want(self.part(unit))
        return self.reads()


@pytest.fixture
def reading() -> Iterator[Reading]:
    one = Reading()
    yield one
    one.reader.close()


@pytest.fixture(scope="module")
def loud_then_quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reader") / "loud.wav"
    with wave.open(str(utterances(1)[0])) as one:
        said = np.frombuffer(one.readframes(one.getnframes()), "<i2")
    said = np.pad(said, (0, SECONDS * RATE // 2 - len(said)))
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(said.tobytes() + (said / 60).astype("<i2").tobytes())
    return path


def test_the_language_is_found_in_the_same_sound_whichever_part_reads_it(
    reading: Reading, loud_then_quiet: Path
) -> None:
    source = Source(str(loud_then_quiet), stamp(loud_then_quiet))
    head, late = Span(0, 3 * RATE), Span(10 * RATE, 13 * RATE)
    first = Unit(source, head, (head,), gain=1.5)
    resumed = Unit(source, late, (late,), gain=60.0, head=head)
    reading.read(first)
    told, _ = reading.heard
    reading.heard.clear()
    reading.languages.release((source.path, source.stamp))
    reading.read(resumed)
    again, quiet = reading.heard
    assert np.array_equal(told, again)
    assert (np.abs(again) >= 1).mean() < 0.001, "it is not made louder than it can be"
    assert np.abs(quiet).max() > 0.1


class Opened:
    """Counts how often recordings are opened, and tells when one is closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[str] = []
        self.closed = threading.Event()
        opened, closed = self.opened, self.closed

        class Counted(Recording):
            def __init__(self, path: Path) -> None:
                opened.append(path.name)
                super().__init__(path)

            def close(self) -> None:
                super().close()
                closed.set()

        monkeypatch.setattr(reader, "Recording", Counted)


def test_recordings_stay_open_while_a_batch_is_computed_and_are_let_go_afterwards(
    monkeypatch: pytest.MonkeyPatch, loud_then_quiet: Path
) -> None:
    monkeypatch.setattr(reader, "_IDLE_SECONDS", 0.02)
    files = Opened(monkeypatch)

    class Slow(Engine):
        def imagined(self, windows: Sequence[Floats], way: Way) -> list[Take]:
            if self.slow:
                threading.Event().wait(0.1)
            return [Take((), "", 1, -0.1, 0.9, 1.0)] * len(windows)

        slow = False

    one = Slow(batch_size=1)
    one.slow = True
    source = Source(str(loud_then_quiet), stamp(loud_then_quiet))
    spans = [Span(at * RATE, (at + 1) * RATE) for at in range(8)]
    one.ask(Asked(*[Unit(source, span, (span,)) for span in spans]))
    assert files.opened == ["loud.wav"]
    assert files.closed.wait(10)
    one.close()


def test_recordings_read_in_turn_are_each_opened_once(
    monkeypatch: pytest.MonkeyPatch, reading: Reading, tmp_path: Path
) -> None:
    files = Opened(monkeypatch)
    sources = list[Source]()
    for number in range(20):
        path = tmp_path / f"{number}.wav"
        shutil.copy(utterances(1)[0], path)
        sources.append(Source(str(path), stamp(path)))
    for begin in (0, RATE // 4):
        for source in sources:
            span = Span(begin, begin + RATE // 4)
            reading.read(Unit(source, span, (span,)))
    assert len(files.opened) == len(sources)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Ten minutes that cannot be entered in the middle."""
    path = tmp_path_factory.mktemp("reader") / "long.flac"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=RATE)
        assert isinstance(stream, AudioStream)
        stream.layout = "mono"
        minute = np.tile(np.arange(RATE, dtype=np.int16), 60)[np.newaxis]
        for number in range(10):
            frame = av.AudioFrame.from_ndarray(minute, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, number * minute.shape[1]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return Source(str(path), stamp(path))


def second(source: Source, begin: int, *, head: Span | None = None) -> Unit:
    span = Span(begin * RATE, (begin + 1) * RATE)
    return Unit(source, span, (span,), head=head)


def test_who_waits_for_an_answer_goes_before_what_lies_deep_in_a_recording(
    monkeypatch: pytest.MonkeyPatch, reading: Reading, long: Source
) -> None:
    files = Opened(monkeypatch)
    said = utterances(1)[0]
    job = reading.part(second(long, 590, head=Span(0, RATE)), 0)
    person = reading.part(second(Source(str(said), stamp(said)), 0), 1, stream=True)

    def comes() -> None:
        if reading.steps == 100:
            reading.reader.want(person)

    reading.then = comes
    reading.reader.want(job)
    assert reading.reads().part is person
    read = reading.reads()
    assert read.part is job
    assert read.head is not None
    _, head_of_person, persons, _ = reading.heard_at
    assert head_of_person == persons < 110
    assert reading.steps < 620, "it goes on where it was"
    assert files.opened == ["long.flac", said.name]


def test_what_nobody_wants_any_more_costs_others_nothing_who_read_the_same_recording(
    monkeypatch: pytest.MonkeyPatch, reading: Reading, long: Source
) -> None:
    files = Opened(monkeypatch)
    gone = reading.part(second(long, 590), 0)
    flight = gone.trip.flight
    assert isinstance(flight, Asked)

    def leaves() -> None:
        flight.gone = reading.steps >= 100

    reading.then = leaves
    reading.reader.want(gone)
    assert reading.reads().sound is None
    read = reading.read(second(long, 200))
    assert read.sound is not None
    assert files.opened == ["long.flac"]
    assert np.array_equal(reading.heard[-1], np.arange(RATE, dtype=np.float32) / 32768)


def test_who_waits_for_an_answer_is_read_though_enough_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    one, wanted = Engine(batch_size=1), list[bool]()
    aloft = one._aloft
    assert aloft is not None
    monkeypatch.setattr(aloft._reader, "want", lambda part: wanted.append(part.trip.flight.stream))
    said = utterances(1)[0]
    unit = second(Source(str(said), stamp(said)), 0)
    aloft.board(Asked(*[unit] * 10), quick(batch_size=1))
    aloft.step(quick(batch_size=1))
    assert wanted == [False] * 3
    aloft.board(Asked(unit, stream=True), quick(batch_size=1))
    aloft.step(quick(batch_size=1))
    assert wanted == [False] * 3 + [True]
    one.close()
