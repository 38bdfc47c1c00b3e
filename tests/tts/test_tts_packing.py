"""Chunks hold every sentence once, keep to their size, and follow from where they begin."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tts_text_kit import characters_of, chunks, covered, packer, script, texts

from engines.tts.text.document import Block, chapters_of
from engines.tts.text.normal import says_something
from engines.tts.text.packing import SHORT
from engines.tts.text.script import Script

WORDS = st.text(alphabet="ab,;é-", min_size=1, max_size=9)
SENTENCES = st.builds(
    lambda words, end: " ".join(words) + end, st.lists(WORDS, min_size=1, max_size=20), st.sampled_from([".", "!", ""])
)
CHINESE = st.text(alphabet="你好我们，、的", min_size=1, max_size=120).map(lambda text: f"{text}。")
PARAGRAPHS = st.lists(SENTENCES | CHINESE, min_size=1, max_size=5).map(" ".join)
SCRIPTS = st.lists(st.tuples(st.booleans(), st.lists(PARAGRAPHS, min_size=1, max_size=5)), min_size=1, max_size=3).map(
    lambda chapters: made([("Heading" if headed else "", paragraphs) for headed, paragraphs in chapters])
)


def made(chapters: list[tuple[str, list[str]]]) -> Script:
    """As a document is made, so that a paragraph says something."""
    blocks = [
        block
        for heading, paragraphs in chapters
        for block in ([Block(heading, heading=True)] if heading else []) + [Block(f"a {text}") for text in paragraphs]
    ]
    return script(*((chapter.heading, list(chapter.paragraphs)) for chapter in chapters_of(blocks)))


@given(SCRIPTS, st.integers(40, 550))
@settings(deadline=None, max_examples=40)
def test_every_character_of_every_sentence_is_in_one_chunk(of: Script, size: int) -> None:
    silent = {number for number, sentence in enumerate(of.sentences) if not says_something(sentence.text)}
    expected = [place for place in characters_of(of) if place[0] not in silent]
    found = covered(of, chunks(of, size))
    missing = [place for place in expected if place not in set(found)]
    assert found == sorted(set(found))
    assert set(found) <= set(expected)
    assert not says_something("".join(of.sentences[number].text[at] for number, at in missing))


@given(SCRIPTS, st.integers(40, 550))
@settings(deadline=None, max_examples=40)
def test_planning_from_any_chunk_gives_the_same_chunks(of: Script, size: int) -> None:
    whole = chunks(of, size)
    for at, chunk in enumerate(whole):
        assert list(packer(of, size).chunks(chunk.begin)) == whole[at:]


@given(SCRIPTS, st.integers(40, 550), st.integers(40, 550), st.data())
@settings(deadline=None, max_examples=40)
def test_another_size_goes_on_where_the_first_ends(of: Script, size: int, other: int, data: st.DataObject) -> None:
    whole = chunks(of, size)
    kept = whole[: data.draw(st.integers(1, len(whole)))]
    found = covered(of, kept) + covered(of, list(packer(of, other).chunks(kept[-1].end)))
    assert found == sorted(set(found))
    said = "".join(of.sentences[number].text[at] for number, at in found)
    all_there_is = "".join(sentence.text for sentence in of.sentences)
    assert list(filter(str.isalnum, said)) == list(filter(str.isalnum, all_there_is))


@given(SCRIPTS, st.integers(40, 550))
@settings(deadline=None, max_examples=40)
def test_no_chunk_is_too_long_and_none_spans_chapters(of: Script, size: int) -> None:
    for chunk in chunks(of, size):
        assert 0 < len(chunk.spoken) <= size
        assert chunk.spoken == chunk.spoken.strip()
        assert len({of.sentences[span.sentence].chapter for span in chunk.spans}) == 1


@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=30), min_size=1, max_size=200), st.integers(40, 550))
@settings(deadline=None, max_examples=40)
def test_no_word_is_cut_that_fits(words: list[str], size: int) -> None:
    spoken = texts(" ".join(words), characters=size)
    assert " ".join(spoken).split() == words


@given(st.text(alphabet="abc ,.", min_size=1), st.integers(2, 40))
@settings(deadline=None, max_examples=40)
def test_what_is_said_in_many_more_words_keeps_to_the_size_too(text: str, factor: int) -> None:
    of = made([("", [text])])
    for chunk in chunks(of, 80, lambda written: written.replace("a", "long" * factor)):
        assert len(chunk.spoken) <= 80 or " " not in chunk.spoken.strip(",. ")


# ── the rules, one by one ─────────────────────────────────────────────────────────────────────────────────


def words(count: int, letter: str = "x") -> str:
    """A sentence of so many characters."""
    return ((letter * 4 + " ") * count)[: count - 1].strip().ljust(count - 1, letter) + "."


def test_sentences_go_together_up_to_the_size() -> None:
    one, two, three = words(100), words(150), words(120)
    assert texts(f"{one} {two} {three}") == [f"{one} {two}", three]


def test_a_chunk_ends_with_its_paragraph() -> None:
    assert texts(words(100), words(100)) == [words(100), words(100)]


def test_a_very_short_paragraph_goes_on_with_the_next() -> None:
    assert texts("Yes.", "No!", words(100), words(90)) == [f"Yes. No! {words(100)}", words(90)]


def test_a_very_short_paragraph_at_the_end_goes_with_the_one_before() -> None:
    assert texts(words(100), words(100), "The end.") == [words(100), f"{words(100)} The end."]


def test_the_last_sentence_is_kept_back_for_a_very_short_rest() -> None:
    assert texts(f"{words(135)} {words(140)} Oh no.") == [words(135), f"{words(140)} Oh no."]


def test_a_heading_is_a_chunk_of_its_own_with_a_paragraphs_pause() -> None:
    first, second = chunks(script(("One", [words(60)])), 280)
    assert (first.spoken, first.pause) == ("One", "paragraph")
    assert (second.spoken, second.pause) == (words(60), "chapter")


def test_pauses_say_what_ended() -> None:
    long = f"{words(150)[:-1]}, {words(200)[:-1]} {words(200)}"
    of = script(("", [f"{words(200)} {words(210)}", long]), ("Two", [words(50)]))
    assert [chunk.pause for chunk in chunks(of, 280)] == [
        "sentence", "paragraph", "clause", "none", "chapter", "paragraph", "chapter",
    ]  # fmt: skip


def test_paragraphs_without_a_mark_at_their_end_get_one_where_they_go_together() -> None:
    of = script(("", ["Apples", "Pears", "and nuts", "Plums,", "Figs"]))
    (chunk,) = chunks(of, 280)
    assert chunk.spoken == "Apples. Pears and nuts. Plums, Figs"
    assert chunk.written == "Apples Pears and nuts Plums, Figs"


def test_a_sentence_of_which_nothing_is_said_is_in_no_chunk() -> None:
    of = script(("", [f"{words(60)} გამარჯობა.", words(60)]), ("", ["გამარჯობა."]))
    made_of = chunks(of, 280, lambda written: "" if written.startswith("გ") else written)
    assert [chunk.spoken for chunk in made_of] == [words(60), words(60)]
    assert [chunk.pause for chunk in made_of] == ["paragraph", "chapter"]


@pytest.mark.parametrize("before", [[], [words(60)]])
def test_much_of_which_nothing_is_said_is_looked_at_a_few_times_only(before: list[str]) -> None:
    looked: list[str] = []

    def speak(written: str) -> str:
        looked.append(written)
        return "" if written.startswith("გ") else written

    of = script(("", [*before, *["გამარჯობა. " * 100] * 5, words(60)]))
    assert len(chunks(of, 280, speak)) == len(before) + 1
    assert len(looked) < 5 * len(of.sentences)


def test_a_short_chunk_is_below_forty_characters() -> None:
    assert len(texts(words(SHORT - 1), words(60))) == 1
    assert len(texts(words(SHORT), words(60))) == 2


# ── too long sentences ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mark", [";", ":", ",", ",”", "—"])
def test_a_long_sentence_is_cut_at_its_last_clause(mark: str) -> None:
    head = f"{words(100)[:-1]}, {words(120)[:-1]}{mark}"
    tail = words(200)
    assert texts(f"{head} {tail}") == [head, tail]


def test_numbers_are_not_cut_at_their_commas() -> None:
    text = f"{words(30)[:-1]} 1,000,000 10:30 {words(60)}"
    assert all("1,000,000 10:30" in piece or "0" not in piece for piece in texts(text, characters=60))


def test_three_thousand_characters_without_a_mark_are_cut_between_words() -> None:
    text = ("word " * 600).strip()
    spoken = texts(text)
    assert " ".join(spoken) == text
    assert {len(piece) for piece in spoken[:-2]} == {279}


def test_three_thousand_characters_without_a_space_are_cut_where_nothing_else_is_possible() -> None:
    spoken = texts("a" * 3000)
    assert "".join(spoken) == "a" * 3000
    assert max(map(len, spoken)) == 280
    assert min(map(len, spoken)) >= SHORT


def test_chinese_is_cut_after_its_commas_else_anywhere_but_before_them() -> None:
    clause = "我们今天去公园散步，"
    assert texts(clause * 20, characters=45) == [clause * 4] * 5
    assert all(piece[0] not in "，、" for piece in texts("字" * 44 + "，" + "字" * 99, characters=44))


def test_a_cut_word_keeps_its_marks() -> None:
    assert all(piece[0] != "\u0301" for piece in texts("x\u0301" * 500, characters=41))
