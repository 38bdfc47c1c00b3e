"""Chapters and tags: from what documents say of themselves, and what stands for it where they say nothing."""

from __future__ import annotations

from engines.tts.audio.chapters import ISO_639_2, Chapter, chapters_of, tags_of, three_letters
from engines.tts.audio.timeline import Place
from engines.tts.languages import LANGUAGES
from engines.tts.unit import Book, Span, Unit


def unit(chapter: int = 0, heading: str = "", book: Book | None = None, sentence: int = 0) -> Unit:
    return Unit("Text.", "en", (Span(sentence, 0, 5),), chapter=chapter, heading=heading, book=book)


def marks(*units: Unit) -> list[tuple[int, str]]:
    """Begins and titles where each unit has 100 samples."""
    return [(one.begin, one.title) for one in _chapters(*units)]


def _chapters(*units: Unit) -> tuple[Chapter, ...]:
    placed = [(one, Place(100 * i, 100 * i + 90, 10, 0)) for i, one in enumerate(units)]
    return chapters_of(placed, 100 * len(units))


BOOK = Book("Emma", "Jane Austen", "en")


def test_a_chapter_lasts_until_the_next_and_is_named_by_its_heading() -> None:
    units = [unit(0, "One", BOOK), unit(0, sentence=1), unit(1, "Two", sentence=2), unit(2, sentence=3)]
    assert _chapters(*units) == (Chapter(0, 200, "One"), Chapter(200, 300, "Two"), Chapter(300, 400, "Chapter 3"))


def test_chapters_without_a_heading_are_counted() -> None:
    assert marks(unit(0, book=BOOK), unit(1, sentence=1)) == [(0, "Chapter 1"), (100, "Chapter 2")]


def test_a_text_without_chapters_has_none() -> None:
    assert marks(unit(book=BOOK), unit(sentence=1)) == []
    assert marks() == []
    assert marks(unit(0, "Preface")) == [(0, "Preface")]


def test_documents_follow_each_other_and_their_chapters_count_on() -> None:
    units = [
        unit(0, book=Book("Emma")),
        unit(1, sentence=1),
        unit(0, "Loomings", Book("Moby Dick")),
        unit(0, book=Book("Ulysses")),
        unit(0, book=Book()),
    ]
    assert marks(*units) == [(0, "Emma"), (100, "Chapter 2"), (200, "Loomings"), (300, "Ulysses"), (400, "Chapter 5")]


def test_a_document_whose_first_unit_failed_still_begins_a_chapter() -> None:
    units = [unit(0, "One", BOOK), unit(0, sentence=5), unit(0, sentence=1), unit(0, sentence=2)]
    assert marks(*units) == [(0, "One"), (200, "Chapter 2")]


def test_pieces_of_one_sentence_are_one_document() -> None:
    pieces = [Unit("Text.", "en", (Span(3, begin, begin + 5),), book=BOOK if not begin else None) for begin in (0, 5)]
    assert marks(*pieces) == []


def test_tags_are_what_the_book_says() -> None:
    assert tags_of([unit(book=BOOK), unit()], "file") == {
        "title": "Emma",
        "album": "Emma",
        "artist": "Jane Austen",
        "album_artist": "Jane Austen",
        "genre": "Audiobook",
        "language": "eng",
    }


def test_what_no_book_says_is_left_out_or_taken_from_the_file_s_name() -> None:
    assert tags_of([unit(book=Book())], "file") == {
        "title": "file",
        "album": "file",
        "genre": "Audiobook",
        "language": "eng",
    }
    assert tags_of([], "file") == {"title": "file", "album": "file", "genre": "Audiobook"}


def test_several_books_in_one_file_are_named_by_the_file_and_by_all_their_authors() -> None:
    books = [Book("Emma", "Austen", "en"), Book("Mansfield Park", "Austen", "en-GB"), Book("Faust", "Goethe", "de")]
    tags = tags_of([unit(book=book) for book in books], "shelf")
    assert (tags["title"], tags["artist"]) == ("shelf", "Austen, Goethe")
    assert "language" not in tags


def test_every_language_that_can_be_spoken_has_a_code_of_three_letters() -> None:
    assert set(ISO_639_2) == set(LANGUAGES)
    assert len({*ISO_639_2.values()}) == len(LANGUAGES)
    assert [three_letters(one) for one in ("en", "en-GB", "EN_us", "deu", "xx", "")] == [
        "eng",
        "eng",
        "eng",
        "deu",
        "",
        "",
    ]
