"""Where units lie in the output: to the sample, whatever their lengths and pauses."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from engines.catalog import KINDS
from engines.tts.audio.formats import FORMATS
from engines.tts.audio.timeline import FADE, Place, follow, gaps, total
from engines.tts.settings import TtsSettings
from engines.tts.unit import RATE

UNITS = st.lists(st.tuples(st.integers(0, 5 * RATE), st.sampled_from([0, 1, FADE, RATE])), max_size=30)


def placed(units: Iterable[tuple[int, int]]) -> list[Place]:
    places: list[Place] = []
    for samples, gap in units:
        places.append(follow(places[-1] if places else None, samples, gap))
    return places


@given(UNITS)
def test_the_duration_is_the_sum_of_the_parts(units: list[tuple[int, int]]) -> None:
    places = placed(units)
    parts = sum(samples + gap for samples, gap in units)
    assert total(places[-1] if places else None) == parts - sum(place.overlap for place in places)
    assert [place.end - place.begin for place in places] == [samples for samples, _ in units]


@given(UNITS)
def test_no_sample_lies_in_two_overlaps_and_silence_is_never_shortened(units: list[tuple[int, int]]) -> None:
    places = placed(units)
    for before, place in zip(places, places[1:], strict=False):
        assert before.begin + before.overlap <= place.begin + place.overlap <= place.end
        assert place.begin == before.end + before.gap - place.overlap
        assert place.overlap <= (0 if before.gap else FADE)


def test_pieces_of_a_sentence_overlap_by_a_fade_and_sentences_do_not() -> None:
    one, two, three = placed([(RATE, 0), (RATE, 4800), (RATE, 0)])
    assert (one.begin, one.end) == (0, RATE)
    assert (two.begin, two.overlap) == (RATE - 480, 480)
    assert (three.begin, three.overlap) == (2 * RATE - 480 + 4800, 0)


def test_a_long_book_is_exact_to_its_last_sample() -> None:
    places = placed([(19 * RATE + 7, 4801)] * 2000)
    assert total(places[-1]) == 2000 * (19 * RATE + 7 + 4801)


def test_pauses_are_as_set() -> None:
    settings = TtsSettings(pause_sentence_ms=200, pause_paragraph_ms=600, pause_chapter_ms=2000)
    expected = {"none": 0, "clause": 2880, "sentence": 4800, "paragraph": 14400, "chapter": 48000}
    assert gaps(settings) == expected
    assert gaps(TtsSettings(pause_sentence_ms=50))["clause"] == 1200  # never longer than after a sentence


def test_the_catalog_names_the_forms_that_there_are() -> None:
    assert KINDS["tts"].forms == tuple(FORMATS)
    assert KINDS["tts"].writes in FORMATS
