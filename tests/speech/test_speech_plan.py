"""Documents planned by the desk of the kind, with its own segmenter and language detection."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engines.contract import CannotPlan, Planning
from engines.tts.checkpoint import FILES, Backend
from engines.tts.plan import plan
from engines.tts.settings import TtsSettings
from engines.tts.text import shelf
from engines.tts.text.detect import detected
from engines.tts.text.sentences import sentences_of
from engines.tts.unit import Book, Span, Unit, unit_of
from ipc.snapshot import Scalar

BOOK = """# Loomings

Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, I thought I would
sail about a little and see the watery part of the world. It is a way I have of driving off the spleen.

“Why?” he asked. Dr. Smith came at 8 a.m. and left.

# The Carpet-Bag

I stuffed a shirt or two into my old carpet-bag, tucked it under my arm, and started for Cape Horn and the Pacific.

***

Yes.
"""
FRENCH = (
    "Longtemps, je me suis couché de bonne heure. Parfois, à peine ma bougie éteinte, mes yeux se fermaient si vite "
    "que je n’avais pas le temps de me dire : « Je m’endors. » Et, une demi-heure après, la pensée qu’il était temps "
    "de chercher le sommeil m’éveillait ; je voulais poser le volume que je croyais avoir encore dans les mains."
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "moby.md"
    path.write_text(BOOK)
    return path


def checkpoint(folder: Path, backend: Backend, characters: str = "") -> str:
    """A folder that looks like one to whoever plans."""
    folder.mkdir()
    (folder / FILES[backend].tokens).touch()
    if characters:
        described = {"model": {"vocab": {character: number for number, character in enumerate(characters)}}}
        (folder / FILES[backend].tokenizer).write_text(json.dumps(described))
    return str(folder)


def settings(**changes: Scalar) -> TtsSettings:
    return TtsSettings(**{"model": "/nowhere", **changes})  # type: ignore[arg-type]


def units(planning: Planning) -> list[Unit]:
    return [unit_of(unit.payload) for unit in planning.units]


def stretched(source: Path, with_settings: TtsSettings, limit: int, cursor: str = "") -> list[Planning]:
    """All stretches from a cursor on."""
    stretches = [plan(source, cursor, limit, with_settings)]
    while not stretches[-1].end:
        stretches.append(plan(source, stretches[-1].cursor, limit, with_settings))
    return stretches


def test_a_book_becomes_units_that_say_where_they_are_from(source: Path) -> None:
    planning = plan(source, "", 99, settings(voice="anna"))
    assert planning.end
    assert planning.share == 1.0
    assert not planning.problems
    assert [(unit.name, unit.start, unit.where) for unit in planning.units] == [
        ("c1s1", "0:0", "moby.md chapter 1 “Loomings”, sentence 1"),
        ("c1s2", "1:0", "moby.md chapter 1 “Loomings”, sentences 2–4"),
        ("c1s5", "4:0", "moby.md chapter 1 “Loomings”, sentences 5–6"),
        ("c2s7", "6:0", "moby.md chapter 2 “The Carpet-Bag”, sentence 7"),
        ("c2s8", "7:0", "moby.md chapter 2 “The Carpet-Bag”, sentences 8–9"),
    ]
    first, *others = units(planning)
    opening = (Span(0, 0, 8),)
    book = Book(language="en")
    assert first == Unit("Loomings", "en", opening, 1, "Loomings", "paragraph", "anna", "", 84, book)
    assert [(unit.chapter, unit.heading, unit.pause, unit.book) for unit in others] == [
        (1, "", "paragraph", None),
        (1, "", "chapter", None),
        (2, "The Carpet-Bag", "paragraph", None),
        (2, "", "chapter", None),
    ]


@pytest.mark.parametrize("size", [40, 90, 280, 550])
@pytest.mark.parametrize("limit", [1, 3, 99])
def test_stretches_of_any_length_say_every_character_once(source: Path, size: int, limit: int) -> None:
    stretches = stretched(source, settings(batch_size=size), limit)
    spans = [span for stretch in stretches for unit in units(stretch) for span in unit.spans]
    found = [(span.sentence, at) for span in spans for at in range(span.begin, span.end)]
    sentences = shelf.script(source).sentences
    assert found == [(n, at) for n, sentence in enumerate(sentences) for at in range(len(sentence.text))]
    assert all(len(stretch.units) <= limit for stretch in stretches)
    shares = [stretch.share for stretch in stretches if stretch.share is not None]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_planning_from_any_unit_gives_it_first_and_then_the_same(source: Path) -> None:
    whole = plan(source, "", 99, settings(batch_size=60)).units
    for at, unit in enumerate(whole):
        assert plan(source, unit.start, 99, settings(batch_size=60)).units == whole[at:]


def test_another_size_language_or_lexicon_goes_on_where_the_first_ended(source: Path) -> None:
    (source.parent / "l.toml").write_text('[words]\nIshmael = "Ish-may-el"')
    first = plan(source, "", 2, settings(batch_size=60))
    rest = plan(source, first.cursor, 99, settings(batch_size=500, language="de", lexicon="l.toml"))
    spans = [span for unit in units(first) + units(rest) for span in unit.spans]
    assert [span.sentence for span in spans] == sorted(span.sentence for span in spans)
    assert sum(span.end - span.begin for span in spans) == shelf.script(source).begins[-1]
    assert {unit.language for unit in units(rest)} == {"de"}


def test_lexicon_and_cast_change_what_is_spoken_and_by_whom_and_subtitles_keep_the_text(source: Path) -> None:
    (source.parent / "l.toml").write_text('[en]\nishmael = "Ish-may-el"')
    (source.parent / "c.toml").write_text('default = "anna"\n"The Carpet-Bag" = "ben"')
    found = units(plan(source, "", 99, settings(lexicon="l.toml", cast="c.toml", voice="carl")))
    assert [unit.voice for unit in found] == ["anna", "anna", "anna", "ben", "ben"]
    assert found[1].text.startswith("Call me Ish-may-el. Some")
    assert found[1].shown.startswith("Call me Ishmael. Some")
    assert not found[2].shown


def test_what_the_model_does_not_know_is_left_out_and_told_once(tmp_path: Path) -> None:
    model = checkpoint(tmp_path / "m", "english", "abcdefghijklmnopqrstuvwxyzHI. ")
    source = tmp_path / "a.txt"
    source.write_text(
        "Here is a snowman ☃ for all of them to see.\n\nნახვამდის.\n\nIt ends a little later with an arrow → here."
    )
    planning = plan(source, "", 99, settings(model=model, language="en"))
    assert [unit.text for unit in units(planning)] == [
        "Here is a snowman for all of them to see.", "It ends a little later with an arrow here.",
    ]  # fmt: skip
    assert units(planning)[0].shown == "Here is a snowman ☃ for all of them to see."
    assert [(found.problem.title, found.units_before) for found in planning.problems] == [
        ("Characters left out", 1), ("Sentence left out", 1),
    ]  # fmt: skip
    assert planning.problems[0].problem.detail == (
        "a.txt sentence 1: the model does not know ☃ →; left out (and in 1 more sentence)."
    )


def test_a_document_of_unknown_characters_has_no_units_and_one_problem(tmp_path: Path) -> None:
    model = checkpoint(tmp_path / "m", "english", "abc. ")
    source = tmp_path / "a.txt"
    source.write_text("ნახვამდის. გამარჯობა.")
    planning = plan(source, "", 99, settings(model=model, language="en"))
    assert (planning.units, planning.end, len(planning.problems)) == ((), True, 1)


def test_three_thousand_characters_without_a_mark_are_a_dozen_units(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("word " * 600)
    planning = plan(source, "", 99, settings())
    assert [unit.pause for unit in units(planning)] == ["none"] * 10 + ["chapter"]
    assert " ".join(unit.text for unit in units(planning)) == ("word " * 600).strip()
    assert [unit.name for unit in planning.units][:2] == ["c1s1", "c1s1+280"]
    assert planning.units[1].where == "a.txt part of sentence 1"


# ── languages ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (FRENCH, "fr"),
        (
            "Als Gregor Samsa eines Morgens aus unruhigen Träumen erwachte, fand er sich in seinem Bett verwandelt.",
            "de",
        ),
        ("吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。", "ja"),
        ("مرحبا بكم في هذا الكتاب الجديد. كيف حالكم اليوم؟", "ar"),
        ("12 34", "en"),
    ],
)
def test_a_language_is_detected(text: str, language: str) -> None:
    assert detected(text).language == language


def test_what_a_book_says_of_its_language_goes_before_what_it_looks_like(tmp_path: Path) -> None:
    source = tmp_path / "a.html"
    source.write_text(f'<html lang="it"><p>{FRENCH}')
    assert units(plan(source, "", 1, settings()))[0].language == "it"
    source.write_text(f'<html lang="la"><p>{FRENCH} Fin.')
    assert units(plan(source, "", 1, settings()))[0].language == "fr"


def test_a_model_that_speaks_english_refuses_other_languages_in_words(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text(FRENCH)
    english = checkpoint(tmp_path / "m", "english")
    with pytest.raises(CannotPlan, match=r"a.txt is in French, but this Chatterbox speaks English only"):
        plan(source, "", 1, settings(model=english))
    with pytest.raises(CannotPlan, match="is to be read in German, but Chatterbox Turbo"):
        plan(source, "", 1, settings(model=checkpoint(tmp_path / "t", "turbo"), language="de"))
    assert units(plan(source, "", 1, settings(model=english, language="en")))[0].language == "en"
    several = checkpoint(tmp_path / "both", "multilingual")
    assert units(plan(source, "", 1, settings(model=several)))[0].language == "fr"
    source.write_text("Bonjour.")
    assert units(plan(source, "", 1, settings(model=english)))[0].language == "en"


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("fr", "M. Dupont vint à 8 h. 30. Il dit : « Oui. » Puis M. X partit.", 3),
        ("en", "Approx. 2.5 km. “Why?” he asked. “I see!” J. R. R. Tolkien left (he was late.) The end…", 4),
        ("de", "Am 3. Mai kam Hr. Müller, z. B. um 8 Uhr. „Ja.“ Das ist der 5. Tag.", 3),
        ("zh", "你好。我们走吧！好", 3),
        ("ar", "مرحبا بكم. كيف حالك؟ أنا بخير.", 3),
    ],
)
def test_sentences_end_where_people_end_them(language: str, text: str, count: int) -> None:
    sentences = sentences_of(text, language)
    assert "".join(sentences) == text
    assert len(sentences) == count, sentences


# ── the desk's ways ───────────────────────────────────────────────────────────────────────────────────────


def test_a_cursor_that_a_document_does_not_have_is_refused(source: Path) -> None:
    for cursor in ("99:0", "0:99", "x", "-1:0"):
        with pytest.raises(CannotPlan, match="has no place"):
            plan(source, cursor, 1, settings())


def test_a_changed_document_is_read_again_and_two_are_kept(source: Path) -> None:
    first = shelf.script(source)
    assert shelf.script(source) is first
    others = [source.with_name(f"{name}.txt") for name in "ab"]
    for other in others:
        other.write_text("Text.")
        shelf.script(other)
    assert shelf.script(source) is not first
    source.write_text("# New\n\nText.")
    assert shelf.script(source).document.chapters[0].heading == "New"


def test_a_book_is_planned_fast_once_it_was_read(tmp_path: Path) -> None:
    source = tmp_path / "long.txt"
    source.write_text(
        "\n\n".join([FRENCH, "Some years ago, never mind how long, I thought I would sail. Then I went."] * 1500)
    )
    shelf.script(source)
    began = time.process_time()
    count = sum(len(stretch.units) for stretch in stretched(source, settings(), 64))
    assert count / (time.process_time() - began) > 1000


def test_planning_needs_neither_torch_nor_the_model_library(source: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from engines.tts.plan import plan; from engines.tts.settings import TtsSettings;"
        f"plan(Path({str(source)!r}), '', 9, TtsSettings(model='/nowhere'));"
        "print([name for name in ('torch', 'chatterbox', 'librosa', 'transformers', 'av') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
