"""What is written and what is not, by the probabilities that public reports of invented phrases have."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.stt.decode.judge import Phantoms, normal, once, parsed, phantoms_of, why_dropped
from engines.stt.decode.ladder import Rung, believed, best, rungs
from engines.stt.decode.take import Take
from engines.stt.settings import SttSettings
from ipc.errors import RequestFailed
from ipc.hearing import Segment

SETTINGS = SttSettings()
BUNDLED = phantoms_of("")


def take(
    text: str, *, logprob: float = -0.3, no_speech: float = 0.1, compression: float = 1.2, parts: tuple[str, ...] = ()
) -> Take:
    segments = tuple(Segment(0.0, 1.0, part, logprob, no_speech, compression) for part in parts or (text,))
    return Take(segments, text, len(text.split()), logprob, no_speech, compression)


@pytest.mark.parametrize(
    "phrase",
    [
        "Sous-titres réalisés par la communauté d'Amara.org",
        "Sous-titres réalisés par la communauté d’Amara.org.",
        "SOUS-TITRES RÉALISÉS PAR LA COMMUNAUTÉ D'AMARA.ORG",
        "Untertitel im Auftrag des ZDF für funk, 2017",
        "Untertitelung des ZDF, 2020",
        "Subtítulos realizados por la comunidad de Amara.org",
        "Sottotitoli creati dalla comunità Amara.org",
        "Субтитры сделал DimaTorzok",
        "Subtitles by the Amara.org community. Subtitles by the Amara.org community.",
        "www.mooji.org",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
    ],
)
def test_a_phrase_of_subtitles_that_stands_alone_is_never_believed(phrase: str) -> None:
    assert why_dropped(take(phrase, logprob=-0.05, no_speech=0.01), SETTINGS, BUNDLED) == "phantom phrase"


CLOSINGS = (
    "Thank you for watching!",
    " thanks for watching ",
    "Please like and subscribe.",
    "ご視聴ありがとうございました。",
    "시청해주셔서 감사합니다.",
    "Thank you for watching. Thank you for watching. Thank you for watching.",
)


@pytest.mark.parametrize("phrase", CLOSINGS)
def test_what_is_said_at_the_end_of_a_film_is_believed_only_without_doubt(phrase: str) -> None:
    assert why_dropped(take(phrase, no_speech=0.05), SETTINGS, BUNDLED) is None
    assert why_dropped(take(phrase, no_speech=0.15), SETTINGS, BUNDLED) == "phantom phrase"
    assert why_dropped(take(phrase, no_speech=0.15), SETTINGS, BUNDLED, amid=True) == "phantom phrase"


@pytest.mark.parametrize("phrases", [("Thank you.",), ("Okay.", "Thank you very much.", "Bye bye.")])
def test_amid_speech_what_people_do_say_is_believed(phrases: tuple[str, ...]) -> None:
    said = take(" ".join(phrases), parts=phrases, no_speech=0.25, logprob=-0.15)
    assert why_dropped(said, SETTINGS, BUNDLED, amid=True) is None


@pytest.mark.parametrize(
    ("phrases", "why"),
    [
        (("Okay.", "Thank you very much.", "Bye bye."), None),
        (("Yeah.", "So.", "Okay."), None),
        (("Thank you.", "Thank you.", "Thank you."), "phantom phrase"),
        (("Thank you.", "Subtitles by the Amara.org community"), "phantom phrase"),
    ],
)
def test_different_things_that_people_do_say_are_a_conversation(phrases: tuple[str, ...], why: str | None) -> None:
    said = take(" ".join(phrases), parts=phrases, no_speech=0.25, logprob=-0.15)
    assert why_dropped(said, SETTINGS, BUNDLED) == why


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (("Thank you for watching.", "Please like and subscribe."), "phantom phrase"),
        (("We mixed the paint.", "Thank you for watching."), None),
    ],
)
def test_several_phantoms_are_one_too_and_one_after_speech_is_not(parts: tuple[str, ...], why: str | None) -> None:
    assert why_dropped(take(" ".join(parts), parts=parts), SETTINGS, BUNDLED) == why


@pytest.mark.parametrize(("no_speech", "why"), [(0.05, None), (0.4, "phantom phrase"), (0.9, "no speech")])
def test_what_people_do_say_is_doubted_only_where_silence_is_likely(no_speech: float, why: str | None) -> None:
    assert why_dropped(take("Thank you.", no_speech=no_speech), SETTINGS, BUNDLED) == why


def test_what_the_model_was_told_before_is_doubted_too() -> None:
    settings = SttSettings(prompt="Minutes of the board.")
    assert why_dropped(take("Minutes of the board", no_speech=0.5), settings, BUNDLED) == "phantom phrase"
    assert why_dropped(take("Minutes of the board", no_speech=0.01), settings, BUNDLED) is None


@pytest.mark.parametrize(
    ("heard", "why"),
    [
        (take("left two", no_speech=0.79, logprob=-0.2), None),
        (take("left two", no_speech=0.88, logprob=-0.3), "no speech"),
        (take("left two", no_speech=0.98, logprob=-0.3), "no speech"),
        (take("left two", no_speech=0.7, logprob=-1.4), "not believed"),
        (take("left two", no_speech=0.5, logprob=-1.4), None),
        (take("no no no no", compression=2.5), "repeats"),
        (take("", no_speech=0.0), "no speech"),
    ],
)
def test_thresholds(heard: Take, why: str | None) -> None:
    assert why_dropped(heard, SETTINGS, BUNDLED) == why


def test_amid_speech_only_what_is_unlikely_as_well_is_dropped() -> None:
    sure, unlikely = take("left", no_speech=0.95), take("left", no_speech=0.95, logprob=-1.5)
    assert why_dropped(sure, SETTINGS, BUNDLED, amid=True) is None
    assert why_dropped(unlikely, SETTINGS, BUNDLED, amid=True) == "not believed"


def test_a_users_own_phrases_count_beside_those_that_come_along(tmp_path: Path) -> None:
    file = tmp_path / "phrases.txt"
    file.write_text("# of our radio\n\nThe news at ten\n? Good night\n", encoding="utf-8")
    own = phantoms_of(str(file))
    assert why_dropped(take("The news, at ten."), SETTINGS, own) == "phantom phrase"
    assert why_dropped(take("Good night!"), SETTINGS, own) is None
    assert why_dropped(take("Good night!", no_speech=0.5), SETTINGS, own) == "phantom phrase"
    assert own.never > BUNDLED.never


@pytest.mark.parametrize("path", ["/nowhere/phrases.txt", "/"])
def test_phrases_that_cannot_be_read_are_said_so(path: str) -> None:
    with pytest.raises(RequestFailed, match="phantoms"):
        phantoms_of(path)


def test_normal_keeps_letters_of_all_scripts_and_accents() -> None:
    assert normal("  Sous‑titres : RÉALISÉS…  par l'Amara.ORG ") == "sous titres réalisés par l amara org"
    assert normal("ありがとう、ございました。") == "ありがとう ございました"
    assert normal("… ♪ !") == ""


@pytest.mark.parametrize(
    ("text", "phrase"), [("a b a b a b", "a b"), ("a b a", "a b a"), ("a a", "a"), ("", ""), ("a", "a")]
)
def test_once(text: str, phrase: str) -> None:
    assert once(text) == phrase


def test_a_line_without_letters_is_no_phrase() -> None:
    assert parsed(["!!", "?", "~ ", " # x", "a"]) == Phantoms(frozenset({"a"}), frozenset(), frozenset())


def test_the_ladder_is_climbed_as_it_is_written() -> None:
    assert rungs(SttSettings(temperatures="0, 0.5 1"), deterministic=False) == (Rung(0.0), Rung(0.5), Rung(1.0))
    assert rungs(SttSettings(temperatures="0"), deterministic=True) == (Rung(0.0),)
    assert rungs(SETTINGS, deterministic=True) == (Rung(0.0), Rung(0.0, strict=True))


@pytest.mark.parametrize("temperatures", ["", "warm", "0 -1", "0 nan", "0 3"])
def test_temperatures_that_are_none_are_refused(temperatures: str) -> None:
    with pytest.raises(RequestFailed, match="temperatures"):
        rungs(SttSettings(temperatures=temperatures), deterministic=False)


@pytest.mark.parametrize(
    ("heard", "stands"),
    [
        (take("yes"), True),
        (take("yes", logprob=-1.1), False),
        (take("yes", compression=2.5), False),
        (take("yes", logprob=-1.1, no_speech=0.7), True),
        (take("yes", compression=9.0, no_speech=0.9), True),
    ],
)
def test_believed(heard: Take, stands: bool) -> None:
    assert believed(heard, SETTINGS) is stands


def test_the_best_of_those_not_believed_does_not_repeat_itself() -> None:
    loop, unlikely, worse = take("a a a", compression=5.0), take("b", logprob=-1.5), take("c", logprob=-2.0)
    assert best([loop, unlikely, worse], SETTINGS) is unlikely
    assert best([loop, take("d", compression=3.0, logprob=-0.5)], SETTINGS) is loop
    assert best([unlikely, take("e")], SETTINGS).text == "e"
