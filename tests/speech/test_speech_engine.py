"""The engine over a miniature: what boards, what lands, and what is told of it."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from flights_kit import Asked, ask, unit
from flying_kit import Heard, Sky

from engines.contract import CannotLoad, LoadCancelled, OutOfMemory
from engines.tts.alive import alive
from engines.tts.boarding import most_characters
from engines.tts.decode.chunk import Chunk
from engines.tts.decode.decoder import Decoder
from engines.tts.engine import TtsEngine, create
from engines.tts.loading import BUILT, library_model
from engines.tts.reader import Reader
from engines.tts.renderer import Renderer
from engines.tts.settings import TtsSettings
from engines.tts.sound.flac import decode
from engines.tts.sound.render import Sound
from engines.tts.unit import RATE, TOKENS_PER_SECOND
from ipc.errors import Problem, RequestFailed

pytest_plugins = ["speech_fixtures"]

SHORT = "The boiler works."
LONG = "The boiler feeds the engine, and the engine turns the wheel, and nobody sees the steam."


def knobs(folder: Path, **settings: object) -> TtsSettings:
    """Quick ones: two steps of the flow, nothing done anew."""
    defaults: dict[str, object] = {"gpu": "cpu", "parallel": 4, "flow_steps": 1, "attempts": 0, "seed": 1}
    return TtsSettings(model=str(folder), **{**defaults, **settings})  # type: ignore[arg-type]


class Loaded:
    """The engine on one miniature, and what it reported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard = Heard()
        self.engine: TtsEngine = create(self.heard)
        self.engine.load(knobs(folder))

    def fly(self, *flights: Asked, **settings: object) -> None:
        """With these settings, to the end."""
        self.engine.apply(knobs(self.folder, **settings))
        self.engine.fly(Sky(*flights))


@pytest.fixture(scope="module")
def loaded(miniature: Path) -> Iterator[Loaded]:
    one = Loaded(miniature)
    yield one
    one.engine.close()


def test_each_unit_of_a_flight_gets_its_sound(loaded: Loaded) -> None:
    flight = Asked(unit(SHORT), unit(LONG))
    loaded.fly(flight)
    short, long = flight.said(0), flight.said(1)
    assert long.tokens > 2 * short.tokens > 0
    for at, said in enumerate((short, long)):
        assert len(decode(flight.file(at))) == said.samples
        assert said.samples == said.tokens * RATE // TOKENS_PER_SECOND
        assert flight.told[at].audio_seconds == said.samples / RATE
        assert (said.pieces, said.redone, said.unknown) == (1, 0, "")
    assert "characters" in loaded.heard.words
    assert loaded.heard.fractions == sorted(loaded.heard.fractions)
    assert loaded.heard.fractions[-1] == 1


def test_a_person_gets_the_sound_as_text(loaded: Loaded) -> None:
    person = Asked(ask(SHORT, seed=5), stream=True)
    loaded.fly(person)
    assert person.spoken().seconds == person.said().samples / RATE
    assert len(decode(person.file())) == person.said().samples
    assert person.said().seed == 5, "with it the same can be had again"


def test_a_long_request_is_spoken_in_pieces(loaded: Loaded) -> None:
    person = Asked(ask(f"{SHORT} And the engine turns."), stream=True)
    loaded.fly(person, batch_size=25)
    assert person.said().pieces == 2


def test_a_request_longer_than_a_breath_is_told_to_become_a_job(loaded: Loaded) -> None:
    person = Asked(ask("word " * 201), stream=True)
    loaded.fly(person)
    assert "submit" in person.problems[0].hint


@pytest.mark.parametrize(("language", "most"), [("en", 1000), ("zh", 346), ("ar", 770)])
def test_what_a_person_hears_at_once_is_limited_by_the_pace_of_the_language(language: str, most: int) -> None:
    assert most_characters(language) == most


def test_a_request_that_a_lexicon_makes_too_long_is_refused(loaded: Loaded, tmp_path: Path) -> None:
    (tmp_path / "words.toml").write_text('[words]\nw = "wheel and wheel"')
    person = Asked(ask("w " * 100), stream=True)
    loaded.fly(person, lexicon=str(tmp_path / "words.toml"))
    assert person.problems[0].title == "Text too long"


def test_a_request_that_ends_in_marks_is_spoken(loaded: Loaded) -> None:
    person = Asked(ask("And the engine turns. ——————"), stream=True)
    loaded.fly(person, batch_size=22)
    assert person.said().pieces == 1


def test_what_a_person_asks_for_goes_before_the_settings(loaded: Loaded) -> None:
    plain, same, other = (Asked(ask(SHORT, seed=5, **more), stream=True) for more in ({}, {}, {"exaggeration": 2.0}))
    for flight in (plain, same, other):
        loaded.fly(flight)
    assert plain.file() == same.file() != other.file()


@pytest.mark.parametrize(("text", "what"), [("日本", "that the model knows"), ("… !", "no letter and no digit")])
def test_a_text_with_nothing_to_say_fails_alone(loaded: Loaded, text: str, what: str) -> None:
    flight = Asked(unit(text), unit(SHORT))
    loaded.fly(flight)
    assert what in flight.problems[0].detail
    assert set(flight.told) == {1}


def test_unknown_characters_are_left_out_and_told(loaded: Loaded) -> None:
    with_them, without = Asked(unit(f"日{SHORT}本")), Asked(unit(SHORT))
    for flight in (with_them, without):
        loaded.fly(flight, temperature=0)
    assert with_them.said().unknown == "日本"
    assert with_them.said().tokens == without.said().tokens


def test_a_voice_that_is_not_there_fails_the_unit_with_a_way_out(loaded: Loaded) -> None:
    flight = Asked(unit(SHORT, voice="/nowhere/anna.wav"))
    loaded.fly(flight)
    assert "/nowhere/anna.wav" in flight.problems[0].detail
    assert flight.problems[0].hint


@pytest.mark.parametrize("payload", ["{", "{}", '{"text": ""}', '{"text": "a", "pitch": 3}'])
def test_what_is_no_request_is_refused(loaded: Loaded, payload: str) -> None:
    person = Asked(payload, stream=True)
    loaded.fly(person)
    assert person.problems[0].title == "Bad request"


def test_a_deterministic_flight_gives_the_same_bytes_again_whatever_flew_between(loaded: Loaded) -> None:
    first, second = (Asked(unit(SHORT), unit(SHORT + " It does."), deterministic=True) for _ in range(2))
    loaded.fly(first, seed=-1)
    person, between = Asked(ask("Hello."), stream=True), Asked(unit("Steam rises."))
    loaded.fly(second, person, between, seed=-1)
    assert first.digest() == second.digest()
    assert person.told
    assert between.told


def test_chunks_of_a_deterministic_flight_that_come_again_fly_in_the_order_of_the_text(
    endless_miniature: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = Loaded(endless_miniature)
    begun: list[list[int]] = []
    begin, made = Decoder.begin, Renderer.made

    def told(self: Decoder, chunks: Sequence[Chunk]) -> None:
        begun.append([one.seed for one in chunks])
        begin(self, chunks)

    def backwards(self: Renderer[Any], wait_seconds: float) -> list[Any]:
        return made(self, wait_seconds)[::-1] if not self._waiting and self._made.qsize() == self.open else []

    monkeypatch.setattr(Decoder, "begin", told)
    seen = []
    for late in (False, True):
        if late:
            monkeypatch.setattr(Renderer, "made", backwards)
        flight = Asked(*[unit(text) for text in ("Hi.", "The boiler.", "Steam.")], deterministic=True)
        endless.fly(flight, attempts=1)
        seen.append([*begun])
        begun.clear()
    endless.engine.close()
    assert seen[0] == seen[1]
    assert [len(seeds) for seeds in seen[0]] == [3, 3]


def test_what_was_spoken_before_shows_in_no_bit_of_a_deterministic_flight(loaded: Loaded) -> None:
    digests = set()
    for before in (SHORT, LONG * 3, SHORT):
        loaded.fly(Asked(unit(before)))
        flight = Asked(unit(SHORT), deterministic=True)
        loaded.fly(flight)
        digests.add(flight.digest())
    assert len(digests) == 1


def test_the_likeliest_tokens_are_not_written_a_second_time(endless_miniature: Path) -> None:
    endless = Loaded(endless_miniature)
    flight = Asked(unit("The boiler."))
    endless.fly(flight, attempts=2, temperature=0)
    endless.engine.close()
    assert "cut" in flight.said().flags
    assert flight.said().redone == (2 if "silent" in flight.said().flags else 0)


def test_another_take_of_a_unit_sounds_different(loaded: Loaded) -> None:
    first, again, other = (Asked(unit(SHORT), take=take) for take in (0, 0, 1))
    for flight in (first, again, other):
        loaded.fly(flight)
    assert first.digest() == again.digest() != other.digest()


def test_without_a_seed_each_time_is_new(loaded: Loaded) -> None:
    first, second = (Asked(unit(SHORT)) for _ in range(2))
    for flight in (first, second):
        loaded.fly(flight, seed=-1)
    assert first.said().seed != second.said().seed


def test_a_flight_joins_one_that_is_in_the_air(loaded: Loaded) -> None:
    long, late = Asked(unit(LONG)), Asked(unit("Hi there."))

    def join(sky: Sky) -> None:
        if sky.looks == 20:
            sky.waiting.append(late)

    sky = Sky(long, then=join)
    loaded.engine.apply(knobs(loaded.folder))
    loaded.engine.fly(sky)
    assert sky.landed == [late, long], "the shorter one ended first"


def test_a_person_goes_before_the_units_that_wait(loaded: Loaded) -> None:
    job, person = Asked(*[unit(SHORT) for _ in range(3)]), Asked(ask("Hi."), stream=True)

    def call(sky: Sky) -> None:
        if sky.looks == 5:
            sky.waiting.append(person)

    sky = Sky(job, then=call)
    loaded.engine.apply(knobs(loaded.folder, parallel=1))
    loaded.engine.fly(sky)
    assert sky.landed == [person, job]


def test_a_cancelled_flight_ends_within_a_step_and_leaves_the_others_alone(loaded: Loaded) -> None:
    gone, other = Asked(unit(LONG)), Asked(unit(SHORT))
    at: list[int] = []

    def cancel(sky: Sky) -> None:
        gone.gone = gone.gone or sky.looks >= 10
        if gone in sky.landed and not at:
            at.append(sky.looks)

    sky = Sky(gone, other, then=cancel)
    loaded.engine.apply(knobs(loaded.folder))
    loaded.engine.fly(sky)
    assert at == [11]
    assert not gone.told
    assert set(other.told) == {0}


def test_settings_of_a_flight_hold_from_the_next_on(loaded: Loaded) -> None:
    flight = Asked(unit(SHORT))
    loaded.fly(flight, temperature=0, cfg=0)
    again = Asked(unit(SHORT))
    loaded.fly(again, temperature=0, cfg=0, seed=99)
    assert flight.said().tokens == again.said().tokens, "the likeliest token needs no chance"


def test_a_model_that_cannot_be_loaded_leaves_the_old_one_at_work(loaded: Loaded, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(loaded.folder, tmp_path / "broken"))
    (broken / "t3_cfg.safetensors").write_bytes((broken / "s3gen.safetensors").read_bytes())
    with pytest.raises(CannotLoad, match="does not fit the english Chatterbox"):
        loaded.engine.apply(knobs(broken))
    flight = Asked(unit(SHORT))
    loaded.engine.fly(Sky(flight))
    assert flight.told


def test_another_precision_is_another_load(loaded: Loaded) -> None:
    assert loaded.engine.apply(knobs(loaded.folder, quantization="fp32")).quantization == "F32"
    assert loaded.engine.apply(knobs(loaded.folder, quantization="bf16")).quantization == "BF16"


def test_the_english_model_refuses_another_language_as_its_setting(loaded: Loaded) -> None:
    with pytest.raises(RequestFailed, match="English"):
        loaded.engine.apply(knobs(loaded.folder, language="fr"))


def test_memory_that_runs_out_ends_the_flight_in_the_words_for_it(
    miniature: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_up = Loaded(miniature)

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(Decoder, "begin", full)
    flight = Asked(unit(SHORT))
    with pytest.raises(OutOfMemory, match="2.00 GiB"):
        full_up.engine.fly(Sky(flight))
    assert not flight.told
    full_up.engine.close()


def test_what_ends_the_thread_of_sound_ends_the_flight(miniature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Loaded(miniature)

    def assertion(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(Sound, "render", assertion)
    with pytest.raises(RuntimeError, match="device-side assert"):
        broken.engine.fly(Sky(Asked(unit(SHORT))))
    monkeypatch.undo()
    broken.engine.close()


def test_a_load_that_is_not_wanted_any_more_stops(miniature: Path) -> None:
    engine = create(Heard(cancel_at=0.0))
    with pytest.raises(LoadCancelled):
        engine.load(knobs(miniature))
    engine.close()


def test_nothing_of_a_model_is_left_once_it_is_unloaded_or_its_load_failed(
    miniature: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models: list[weakref.ref[object]] = []
    swept: list[list[bool]] = []

    def kept(*args: Any, **named: Any) -> Any:
        model = library_model(*args, **named)
        models.append(weakref.ref(model.t3))
        return model

    monkeypatch.setattr("engines.tts.loaded.library_model", kept)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: swept.append([model() is None for model in models]))
    one = Loaded(miniature)
    loaded = one.engine._ready()
    loaded._device = "cuda"
    one.engine.close()
    assert swept == [[True]], "the allocator gives back what is free, so all must be free before"
    del loaded

    def broken(*_: object) -> None:
        raise RequestFailed(Problem("Language not spoken", "It is not.", "Speak English."))

    monkeypatch.setattr(Reader, "check_wanted", broken)
    with pytest.raises(RequestFailed):
        create(Heard()).load(knobs(miniature))
    assert models[1]() is None


def test_a_load_steps_while_the_library_reads(miniature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Steps(Heard):
        before: list[float]

        def step(self) -> None:
            if self.fractions[-1] < BUILT:
                self.before.append(self.fractions[-1])

    heard = Steps()
    heard.before = []
    monkeypatch.setattr("engines.tts.loading.alive", partial(alive, each_seconds=0.001))
    engine = create(heard)
    engine.load(knobs(miniature))
    engine.close()
    assert heard.before


def test_a_chunk_that_stops_late_goes_on_and_is_whole(late_miniature: Path) -> None:
    late = Loaded(late_miniature)
    flight = Asked(unit(SHORT))
    late.fly(flight)
    said = flight.said()
    assert said.extended >= 1
    assert (said.pieces, "cut" in said.flags) == (1, False)
    assert "1 extended" in late.heard.words
    late.engine.close()


def test_a_chunk_that_finds_no_end_is_spoken_in_pieces(endless_miniature: Path) -> None:
    endless = Loaded(endless_miniature)
    flight = Asked(unit("The old boiler. The old engine."))
    endless.fly(flight)
    said = flight.said()
    assert (said.pieces, said.redone) == (2, 1)
    assert said.flags == ("cut", "long"), "each piece is too short to be divided again"
    assert "1 divided" in endless.heard.words
    endless.engine.close()


def test_a_take_that_is_wrong_is_spoken_anew_and_the_best_is_kept(
    endless_miniature: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endless = Loaded(endless_miniature)
    flight = Asked(unit("The boiler."))
    endless.fly(flight, attempts=2)
    said = flight.said()
    assert (said.pieces, said.redone) == (1, 2)
    assert "cut" in said.flags
    assert "2 redone · 1 flagged" in endless.heard.words
    assert f"j #0 is flagged: {', '.join(said.flags)}\n" in capsys.readouterr().err
    endless.engine.close()
