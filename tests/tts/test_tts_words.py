"""What is spoken: sentences joined after abbreviations, pronunciations, and characters that the model knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tts_text_kit import script

from engines.contract import CannotPlan
from engines.tts.checkpoint import FILES, Backend
from engines.tts.text.alphabet import Alphabet, alphabet_of, token_bound
from engines.tts.text.cast import voices_of
from engines.tts.text.detect import told
from engines.tts.text.lexicon import Lexicon, lexicon_of
from engines.tts.text.missed import missed
from engines.tts.text.script import Place
from engines.tts.text.sentences import joined
from engines.tts.text.speech import Speech
from engines.tts.text.tables import table
from engines.tts.text.writing import words_in


def cut_everywhere(text: str) -> list[str]:
    """As a segmenter that knows no abbreviations would cut it: `|` marks where, and is no part of it."""
    return text.split("|")


# ── sentences ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "pieces", "count"),
    [
        ("fr", "M. |Dupont vint à 8 h. |30. |Il partit.", 2),
        ("en", "Approx. |2.5 km. |Then e.g. |this, J. |R. |R. |Tolkien said. |Mr. |Smith left.", 3),
        ("de", "Das geht z. |B. |so, d. |h. |anders. |Am 3. |Mai. |Es war 1914. |Dann kam er.", 4),
        ("fr", "J.|-P. |Sartre parle. |Il y en a. |Puis non. |Vers 8 h. |Il part.", 5),
        ("en", "Well… |maybe. |He left... |and came. |“Why?” |he asked. |No… |Yes.", 5),
        ("en", "He said (yes. |) |Then “no.|” |And left.", 3),
        ("en", "It is I. |And it is no. |Then no. |5 came. |Vitamin C. |Next.", 4),
        ("en", "etc. |and so. |Etc. |Next one. |... |!", 3),
        ("ru", "Это А. |С. |Пушкин. |Т. е. |так. |Это я. |Он там.", 4),
        ("zh", "你好。|我是。", 2),
    ],
)
def test_sentences_are_joined_where_a_full_stop_ends_none(language: str, pieces: str, count: int) -> None:
    sentences = joined(cut_everywhere(pieces), language)
    assert "".join(sentences) == pieces.replace("|", "")
    assert len(sentences) == count, sentences


def test_words_are_counted_without_spaces_too() -> None:
    assert words_in("It is so-called text.") == 4
    assert words_in("你好世界 hello") == 3


@pytest.mark.parametrize(
    ("name", "code"),
    [("en-US", "en"), ("fre", "fr"), ("German", "de"), ("nb_NO", "no"), ("zh-Hans", "zh"), ("la", ""), ("", "")],
)
def test_languages_are_known_by_the_names_that_books_use(name: str, code: str) -> None:
    assert told(name) == code


# ── pronunciations ────────────────────────────────────────────────────────────────────────────────────────

TABLES: dict[str, Any] = {
    "words": {"GIF": "jiff", "worcester": "Wooster", "new york": "Noo Yawk", "York": "Yorick", "don't": "do not",
              "&": "and"},
    "fr": {"worcester": "Ouster", "C++": "cé plus plus"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("A GIF from Worcester, a gif.", "A jiff from Wooster, a gif."),
        ("Worcestershire", "Worcestershire"),
        ("New  York, YORK and York", "Noo Yawk, YORK and Yorick"),
        ("They don’t & DON'T.", "They do not and do not."),
        ("nothing", "nothing"),
    ],
)
def test_whole_words_are_spoken_as_the_lexicon_says(written: str, spoken: str) -> None:
    assert lexicon_of(TABLES, "en", "l.toml").say(written) == spoken


def test_a_language_goes_before_all_languages() -> None:
    assert lexicon_of(TABLES, "fr", "l.toml").say("Worcester: C++, York") == "Ouster: cé plus plus, Yorick"


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"xx": {}}, r"table \[xx\], which is no language"),
        ({"word": "x"}, "word stands outside a table"),
        ({"words": {"a": 1}}, "'a' does not say what is spoken"),
        ({"en": {"a": ""}}, "'a' does not say what is spoken"),
        ({"en": {"a": "x" * 201}}, "more than 200 characters"),
        ({"words": "a"}, "words is no table"),
    ],
)
def test_a_wrong_lexicon_is_refused_in_a_sentence(tables: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotPlan, match=said):
        lexicon_of(tables, "en", "l.toml")


def test_tables_are_found_beside_the_document_and_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text('[words]\na = "b"')
    (tmp_path / "bad.toml").write_text("[words")
    book = tmp_path / "book.txt"
    assert table("l.toml", book, "lexicon") == {"words": {"a": "b"}}
    assert table(str(tmp_path / "l.toml"), Path("/elsewhere/book.txt"), "lexicon") == {"words": {"a": "b"}}
    with pytest.raises(CannotPlan, match=r"No lexicon: .*none.toml: No such file"):
        table("none.toml", book, "lexicon")
    with pytest.raises(CannotPlan, match=r"Bad cast: .*bad.toml is no TOML"):
        table("bad.toml", book, "cast")


@pytest.mark.parametrize("name", ["~nobody9/l.toml", "~no\0body/l.toml", "a\0b", "x" * 300, "x/" * 5000])
@pytest.mark.parametrize("what", ["lexicon", "cast"])
def test_a_table_of_a_name_that_no_file_can_have_is_not_there(tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(CannotPlan, match=f"No {what}: "):
        table(name, tmp_path / "book.txt", what)


# ── voices ────────────────────────────────────────────────────────────────────────────────────────────────

BOOK = script(("", ["Before."]), *((name, ["Text."]) for name in ("One.", "The Spouter-Inn", "Three", "Four"))).document


def test_voices_go_by_heading_then_number_then_range_then_default() -> None:
    told_voices = {"default": "d", "2-4": "r", "3": "n", "the spouter-inn": "h"}
    assert voices_of(told_voices, BOOK, "set", "c.toml") == ("d", "d", "h", "n", "r")
    assert voices_of({"0": "a", "One": "b"}, BOOK, "set", "c.toml") == ("a", "b", "set", "set", "set")


@pytest.mark.parametrize(
    ("voices", "said"),
    [({"9": "a"}, "chapter '9', which the document"), ({"Two": "a"}, "chapter 'Two'"), ({"1": 2}, "1 does not")],
)  # fmt: skip
def test_a_wrong_cast_is_refused_in_a_sentence(voices: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotPlan, match=said):
        voices_of(voices, BOOK, "", "c.toml")


# ── characters ────────────────────────────────────────────────────────────────────────────────────────────


def checkpoint(folder: Path, backend: Backend, characters: str) -> Path:
    vocabulary = {"[UNK]": 0, "the": 1, **{character: number for number, character in enumerate(characters, 2)}}
    (folder / FILES[backend].tokenizer).write_text(json.dumps({"model": {"vocab": vocabulary}, "added_tokens": []}))
    return folder


def test_what_the_model_does_not_know_is_written_as_near_as_can_be(tmp_path: Path) -> None:
    alphabet = alphabet_of(checkpoint(tmp_path, "english", "abcdefghilmnorstuABC,.'\"-! "), "english", "en")
    written = alphabet.write("naïf «Café» bœuf… 'Été' — ☃ (fin) Straße")
    assert written == "naif \"Cafe\" boeuf… 'ete' — fin strasse"
    assert alphabet.left_out("a ☃ (b) ☃ % x") == "☃%x"


def test_the_multilingual_model_knows_characters_by_their_parts_in_small_letters(tmp_path: Path) -> None:
    alphabet = alphabet_of(checkpoint(tmp_path, "multilingual", "aeiou\u0301ᄒ\u1161\u11ab"), "multilingual", "fr")
    assert alphabet.write("É한à") == "É한a"
    assert alphabet.left_out("É한à字") == "字"


def test_chinese_characters_are_known_by_the_table_of_their_parts(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, "multilingual", "a.")
    assert alphabet_of(folder, "multilingual", "zh").left_out("你好") == "你好"
    other = tmp_path / "other"
    other.mkdir()
    checkpoint(other, "multilingual", "a.")
    (other / "Cangjie5_TC.json").write_text(json.dumps(["你\tonf", "好\tvnd"]))
    assert alphabet_of(other, "multilingual", "zh").write("你好𠀀") == "你好"


def test_turbo_knows_all_and_so_does_a_model_that_is_not_there(tmp_path: Path) -> None:
    backends: tuple[Backend, ...] = ("turbo", "english", "multilingual")
    for backend in backends:
        assert alphabet_of(tmp_path, backend, "en").write("☃") == "☃"


def test_words_of_command_are_words() -> None:
    assert Alphabet().write("a [STOP] b [en] c <|endoftext|> [cough]") == "a STOP b en c  [cough]"


def test_tokens_are_bounded_from_above() -> None:
    assert token_bound("english", "en")("abc") == 3
    assert token_bound("multilingual", "fr")("éﷺ") > 10
    assert token_bound("multilingual", "zh")("你好") == 12
    assert token_bound("turbo", "en")("é") == 2


def test_what_is_left_out_is_told_once_a_stretch() -> None:
    of = script(("One", ["A ☃ b. ქართ. ა ბ. C ✂☃ d."]))
    speech = Speech(Alphabet(frozenset("OneAbCd. ")), Lexicon({}))
    starts = [Place(0, 0), Place(1, 0)]
    found = missed(of, speech, Place(0, 0), Place(5, 0), starts, lambda place: f"sentence {place.sentence + 1}")
    assert [(problem.where, problem.problem.detail, problem.units_before) for problem in found] == [
        ("sentence 2", "sentence 2: the model does not know ☃ ✂; left out (and in 1 more sentence).", 2),
        ("sentence 3", "sentence 3: the model knows no letter of ქ ა რ თ ბ; 2 sentences are not spoken.", 2),
    ]
    assert missed(of, speech, Place(0, 0), Place(1, 0), [], str) == ()
