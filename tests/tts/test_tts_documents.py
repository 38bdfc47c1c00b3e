"""Each format becomes chapters of paragraphs, and bad files one clear sentence."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from engines.contract import CannotPlan
from engines.tts.text import reading
from engines.tts.text.document import Chapter, Document
from engines.tts.unit import Book


def read(folder: Path, name: str, text: str | bytes) -> Document:
    source = folder / name
    source.write_bytes(text.encode() if isinstance(text, str) else text)
    return reading.read(source)


def shown(document: Document) -> list[tuple[str, list[str]]]:
    return [(chapter.heading, list(chapter.paragraphs)) for chapter in document.chapters]


def refusal(folder: Path, name: str, text: str | bytes) -> str:
    with pytest.raises(CannotPlan) as refused:
        read(folder, name, text)
    return f"{refused.value.problem.title}: {refused.value.problem.detail}"


# ── plain text ────────────────────────────────────────────────────────────────────────────────────────────


def test_lines_of_a_paragraph_are_joined_and_blank_lines_part_them(tmp_path: Path) -> None:
    document = read(tmp_path, "a.txt", "It was\r\nthe best\r\n\r\n\r\nof times.\r\n")
    assert shown(document) == [("", ["It was the best", "of times."])]


def test_words_cut_at_a_lines_end_are_whole_again_and_compounds_keep_their_hyphen(tmp_path: Path) -> None:
    text = "An exam-\nple of a well-\nknown author, well, is known\nto read Jean-\nPaul at once-\n  over."
    document = read(tmp_path, "a.txt", text)
    assert shown(document) == [
        ("", ["An example of a well-known author, well, is known to read Jean-Paul at onceover."])
    ]


@pytest.mark.parametrize(
    "line",
    [
        "CHAPTER I", "Chapter 2: The Whale", "Chapter Twenty-One", "chapter iv. Of Ships", "Kapitel 3",
        "Chapter 12 The Long Way", "第三章 公園", "PROLOGUE", "Epilogue.", "THE WHITE WHALE", "XIV.", "Глава 2",
        "Part Two — The Sea", "CHAPITRE PREMIER", "The last chapter",
    ],
)  # fmt: skip
def test_lines_that_look_like_headings_begin_chapters(tmp_path: Path, line: str) -> None:
    document = read(tmp_path, "a.txt", f"Before.\n\n{line}\n\nAfter it.\n")
    assert shown(document) == [("", ["Before."]), (line, ["After it."])]
    assert [document.number(0), document.number(1)] == [0, 1]


@pytest.mark.parametrize(
    "line",
    ["Chapter 2 was the best of all, and I read it twice.", "HELP!", "I said so.", "42", "Partly cloudy", "GO, GO,"],
)
def test_sentences_that_stand_alone_are_no_headings(tmp_path: Path, line: str) -> None:
    assert shown(read(tmp_path, "a.txt", f"Before.\n\n{line}\n\nAfter.\n")) == [("", ["Before.", line, "After."])]


def test_a_title_over_two_lines_is_one_heading(tmp_path: Path) -> None:
    document = read(
        tmp_path, "a.txt", "CHAPTER I\n\nLOOMINGS\n\nCall me Ishmael.\n\nCHAPTER II\nThe Carpet-Bag\n\nI stuffed."
    )
    assert shown(document) == [
        ("CHAPTER I. LOOMINGS", ["Call me Ishmael."]), ("CHAPTER II. The Carpet-Bag", ["I stuffed."]),
    ]  # fmt: skip
    assert document.number(0) == 1


def test_a_table_of_contents_is_read_as_paragraphs(tmp_path: Path) -> None:
    contents = "\n\n".join(f"Chapter {number}" for number in range(1, 7))
    document = read(tmp_path, "a.txt", f"Contents.\n\n{contents}\n\nChapter 1\n\nText.")
    assert [chapter.heading for chapter in document.chapters] == ["", "Chapter 1"]
    assert len(document.chapters[0].paragraphs) == 7


def test_words_at_the_end_that_look_like_a_heading_are_not_lost(tmp_path: Path) -> None:
    assert shown(read(tmp_path, "a.txt", "Text.\n\nTHE END\n")) == [("", ["Text.", "THE END"])]


def test_a_paragraph_that_was_cut_to_a_great_width_is_one(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "story.txt"
    assert [len(chapter.paragraphs) for chapter in reading.read(example).chapters] == [2, 3]
    verse = f"{'a' * 130},\nand then,\n{'b' * 125},\nor else."
    assert shown(read(tmp_path, "verse.txt", verse)) == [("", verse.split("\n"))]


def test_long_lines_and_indented_ones_are_paragraphs_of_their_own(tmp_path: Path) -> None:
    long = "word " * 40
    assert len(read(tmp_path, "a.txt", f"{long}\n{long}\n").chapters[0].paragraphs) == 2
    indented = "  It was late.\nHe went.\n  “Who?”\n  she said.\n"
    assert shown(read(tmp_path, "b.txt", indented)) == [("", ["It was late. He went.", "“Who?” she said."])]


def test_points_of_a_list_and_speakers_begin_paragraphs(tmp_path: Path) -> None:
    text = "He asked:\n- So?\n- It was\n - and is - so.\n— Oui.\n"
    document = read(tmp_path, "a.txt", text)
    assert shown(document) == [("", ["He asked:", "So?", "It was - and is - so.", "— Oui."])]


def test_scene_breaks_are_not_spoken(tmp_path: Path) -> None:
    assert shown(read(tmp_path, "a.txt", "One.\n\n* * *\n\nTwo.\n\n---\n\nThree.")) == [
        ("", ["One.", "Two.", "Three."])
    ]


def test_project_gutenbergs_licence_is_not_spoken(tmp_path: Path) -> None:
    text = (
        "The Project Gutenberg eBook\n\nTitle: Moby Dick\n\nAuthor: Herman Melville\n\nLanguage: English\n\n"
        "*** START OF THE PROJECT GUTENBERG EBOOK MOBY DICK ***\n\nCall me Ishmael.\n\n"
        "*** END OF THE PROJECT GUTENBERG EBOOK MOBY DICK ***\n\nLicence.\n"
    )
    document = read(tmp_path, "a.txt", text)
    assert document == Document(Book("Moby Dick", "Herman Melville", "english"), (Chapter("", ("Call me Ishmael.",)),))


# ── lines of JSON ─────────────────────────────────────────────────────────────────────────────────────────


def test_answers_of_an_earlier_job_are_spoken_and_not_the_lines_they_stand_in(tmp_path: Path) -> None:
    lines = (
        '{"id":"a","answer":"It was late.\\n\\nHe went.","tokens":9,"prompt_tokens":3,"finish":"stop"}\n'
        '\n{"text":"And came back.","id":2,"mood":"glad"}\r\n'
    )
    assert shown(read(tmp_path, "a.jsonl", lines)) == [("", ["It was late.", "He went.", "And came back."])]


@pytest.mark.parametrize("line", ['{"id":"a","prompt":"What?"}', '["text"]', "It was late.", '{"text": 3}'])
def test_a_line_without_words_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    assert refusal(tmp_path, "a.jsonl", f'{{"text":"One."}}\n{line}\n') == (
        "Nothing to read aloud: Line 2 is no JSON with a `text`, or with the `answer` of an earlier job."
    )


@pytest.mark.parametrize("name", ["a.json", "a.csv", "a.npy", "a.xml", "a.PDF", "a.docx"])
def test_files_of_data_are_not_read_aloud(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, name, "Words, words").startswith(f"Not read aloud: {name} is a {name[2:].lower()} file")


# ── characters ────────────────────────────────────────────────────────────────────────────────────────────


def test_invisible_and_odd_characters_become_what_one_reads(tmp_path: Path) -> None:
    text = "The\u00a0ﬁrst\u00adly\u200b “odd”\u2009\u2011 e\u0301te\x07\x1b \ue000text."
    assert shown(read(tmp_path, "a.txt", text)) == [("", ["The firstly “odd” - éte text."])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_utf_8_and_utf_16_are_read(tmp_path: Path, encoding: str) -> None:
    assert shown(read(tmp_path, "a.txt", "Été.".encode(encoding))) == [("", ["Été."])]


def test_bad_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a.txt", b"") == "Empty document: a.txt is empty."
    assert refusal(tmp_path, "a.txt", b" \n\n ") == "Empty document: a.txt is empty."
    assert refusal(tmp_path, "a.txt", b"PK\x03\x04\0\0") == "Not text: a.txt is a binary file."
    assert refusal(tmp_path, "a.txt", "Été".encode("latin-1")) == "Not text: a.txt is no text in UTF-8 (byte 0)."
    assert refusal(tmp_path, "a.txt", b"* * *\n---") == "Nothing to say: a.txt has no word of text in it."
    assert refusal(tmp_path, "a.srt", b"no cues") == "Nothing to say: a.srt has no word of text in it."


def test_missing_and_huge_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotPlan, match="No such file"):
        reading.read(tmp_path / "none.txt")
    with pytest.raises(CannotPlan, match="not a regular file"):
        reading.read(tmp_path)
    huge = tmp_path / "huge.txt"
    huge.touch()
    os.truncate(huge, reading.MOST_BYTES + 2**20)
    with pytest.raises(CannotPlan, match=r"huge.txt has 65 MiB; at most 64 are read"):
        reading.read(huge)


# ── Markdown, subtitles ───────────────────────────────────────────────────────────────────────────────────


def test_markdown_is_read_without_its_marks(tmp_path: Path) -> None:
    text = """---
title: "A Book"
author: Somebody
lang: en-GB
---
<!-- a comment -->
# One #

Some *very* **good** `code` and ~~old~~ [a link](http://x.y/(z)), [another][ref]\\* and snake_case_name.[^1]
![picture](p.png)

- first
- [x] second
  goes on
1. third

> quoted
> words

| a | b |
|---|---|
| 1 | 2 |

```python
print("unspoken")
```

***

Two
---
Text<br>after.

#### Deep
[ref]: http://x.y
[^1]: A note.
"""
    document = read(tmp_path, "a.md", text)
    assert document.book == Book("A Book", "Somebody", "en-GB")
    assert shown(document) == [
        ("One", [
            "Some very good code and old a link, another* and snake_case_name.", "first", "second goes on", "third",
            "quoted words", "a, b", "1, 2",
        ]),
        ("Two", ["Text", "after.", "Deep", "A note."]),
    ]  # fmt: skip


def test_subtitles_run_on_without_numbers_times_and_styles(tmp_path: Path) -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\n<i>It was</i>\n\n"
        "2\n00:00:02,100 --> 00:00:04,000\n{\\an8}in 1984.\n- Was it?\n\n"
        "3\n00:00:09,000 --> 00:00:10,000 X1:1\n1984\n\n4\n00:00:10,000 --> 00:00:11,000\n♪ yes ♪\n"
    )
    assert shown(read(tmp_path, "a.srt", text)) == [("", ["It was in 1984. Was it?", "1984 yes"])]


# ── HTML ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_html_is_read_as_a_browser_shows_it(tmp_path: Path) -> None:
    text = """<!DOCTYPE html><html lang="de"><head><title>Der &amp; Titel</title><meta name="author" content="Wer">
<style>p { color: red }</style></head><body><nav><a href="/">Home</a></nav>
<h1>Eins</h1><div><p>Ein <b>fetter</b> Satz<sup><a href="#n1">1</a></sup>.<script>alert("x")</script></p>
<p>Zeile<br/>zwei &lt;x&gt; <a href="x.html">3</a> <a href="#f">[4]</a></p></div>
<ul><li>a<li>b<ul><li>c</ul></ul><table><tr><td>1</td><td>2</td></tr></table>
<p hidden>weg</p><p style="display: none">weg</p><hr>m<sup>2</sup><pre><code>x = 1</code></pre><h4>Tief</h4>
<h2>Zwei</h2>Lose W&ouml;rter<p>Ende"""
    document = read(tmp_path, "a.html", text)
    assert document.book == Book("Der & Titel", "Wer", "de")
    assert shown(document) == [
        ("Eins", [
            "Ein fetter Satz.", "Zeile", "zwei <x> 3", "a", "b", "c", "1, 2", "m2", "Tief",
        ]),
        ("Zwei", ["Lose Wörter", "Ende"]),
    ]  # fmt: skip


def test_deeply_nested_and_broken_html_is_read(tmp_path: Path) -> None:
    deep = "<div>" * 20000 + "Deep <b>down" + "</div>" * 20000 + "</nav></p><nav>menu</div></nav><p>And <![odd up"
    assert shown(read(tmp_path, "a.html", deep))[0][1][:2] == ["Deep down", "And <! [odd up"]


def test_html_may_declare_an_older_encoding(tmp_path: Path) -> None:
    data = '<meta charset="windows-1252"><p>Été “x”</p>'.encode("cp1252")
    assert shown(read(tmp_path, "a.html", data)) == [("", ["Été “x”"])]


def test_right_to_left_and_chinese_text_is_read(tmp_path: Path) -> None:
    text = '<p dir="rtl">\u200fمرحبا بكم. كيف حالك؟\u200e</p><p>你好。　我们走吧！</p>'
    assert shown(read(tmp_path, "a.html", text)) == [("", ["مرحبا بكم. كيف حالك؟", "你好。 我们走吧！"])]


# ── EPUB ──────────────────────────────────────────────────────────────────────────────────────────────────

CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
PACKAGE = """<?xml version="1.0"?><!DOCTYPE package [<!ENTITY lol "lol"><!ENTITY bomb "&lol;&lol;&lol;">]>
<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>A &amp; B &bomb;</dc:title>
<dc:creator>Somebody</dc:creator><dc:language>fr-FR</dc:language></metadata><manifest>
<item id="b" href="two%20pages.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="one.xhtml" media-type="application/xhtml+xml"/>
<item id="c" href="three.xhtml" media-type="application/xhtml+xml"/>
<item id="x" href="aside.xhtml" media-type="application/xhtml+xml"/>
<item id="nav" href="toc/nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="pic" href="cover.jpg" media-type="image/jpeg"/></manifest>
<spine><itemref idref="pic"/><itemref idref="nav"/><itemref idref="a"/><itemref idref="b"/>
<itemref idref="x" linear="no"/><itemref idref="c"/></spine></package>"""
NAVIGATION = """<html><body><nav epub:type="toc"><ol><li><a href="../one.xhtml">Chapter the first</a></li>
<li><a href="../two%20pages.xhtml#second">The <i>second</i></a></li>
<li><a href="../three.xhtml">Third</a></li></ol></nav>
<nav epub:type="page-list"><a href="../one.xhtml">1</a></nav></body></html>"""
PAGES = {
    "META-INF/container.xml": CONTAINER,
    "OPS/book.opf": PACKAGE,
    "OPS/toc/nav.xhtml": NAVIGATION,
    "OPS/one.xhtml": '<html><body><h1>One</h1><p>First<a epub:type="noteref" href="#n">1</a>.</p>'
    '<aside epub:type="footnote" id="n">Note.</aside></body></html>',
    "OPS/two pages.xhtml": '<body><p>Still the first.</p><section id="second"><p>Of the second.</p></section></body>',
    "OPS/three.xhtml": "<body><p>THIRD</p><p>Of the third<span epub:type='pagebreak'>12</span>.</p></body>",
    "OPS/aside.xhtml": "<body><p>Aside.</p></body>",
    "OPS/cover.jpg": "\0\0",
}


def epub(folder: Path, pages: dict[str, str] = PAGES) -> Path:
    path = folder / "book.epub"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in pages.items():
            archive.writestr(name, text)
    return path


def test_a_book_is_read_in_the_order_of_its_spine_with_headings_from_pages_or_contents(tmp_path: Path) -> None:
    document = reading.read(epub(tmp_path))
    assert document.book == Book("A & B &bomb;", "Somebody", "fr-FR")
    assert shown(document) == [
        ("One", ["First.", "Still the first."]), ("The second", ["Of the second."]), ("Third", ["Of the third."]),
    ]  # fmt: skip


def test_an_older_book_has_its_headings_in_another_table_of_contents(tmp_path: Path) -> None:
    package = PACKAGE.replace('href="toc/nav.xhtml" media-type="application/xhtml+xml" properties="nav"',
                              'href="toc.ncx" media-type="application/x-dtbncx+xml"')  # fmt: skip
    contents = (
        "<ncx><docTitle><text>B</text></docTitle><navMap><navPoint><navLabel><text>Troisième</text></navLabel>"
        '<content src="three.xhtml"/></navPoint></navMap></ncx>'
    )
    document = reading.read(epub(tmp_path, {**PAGES, "OPS/book.opf": package, "OPS/toc.ncx": contents}))
    assert [chapter.heading for chapter in document.chapters] == ["One", "Troisième"]


def test_broken_books_are_refused_in_a_sentence(tmp_path: Path) -> None:
    whole = epub(tmp_path).read_bytes()
    assert refusal(tmp_path, "a.epub", b"no archive").startswith("Broken book: a.epub is no whole EPUB: ")
    assert refusal(tmp_path, "a.epub", whole[: len(whole) // 2]).startswith("Broken book")
    damaged = bytearray(whole)
    damaged[60:90] = bytes(30)
    assert refusal(tmp_path, "a.epub", bytes(damaged)).startswith("Broken book")
    with pytest.raises(CannotPlan, match="does not say where its contents are"):
        reading.read(epub(tmp_path, {"a.txt": "x"}))
    with pytest.raises(CannotPlan, match="none of the pages"):
        reading.read(epub(tmp_path, {name: PAGES[name] for name in ("META-INF/container.xml", "OPS/book.opf")}))


def test_a_protected_book_is_refused_and_one_with_scrambled_fonts_is_not(tmp_path: Path) -> None:
    encrypted = '<encryption><enc:EncryptedData><enc:EncryptionMethod Algorithm="{}"/></enc:EncryptedData></encryption>'
    drm = encrypted.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")
    with pytest.raises(CannotPlan, match="is encrypted"):
        reading.read(epub(tmp_path, {**PAGES, "META-INF/encryption.xml": drm}))
    fonts = encrypted.format("http://www.idpf.org/2008/embedding")
    assert len(reading.read(epub(tmp_path, {**PAGES, "META-INF/encryption.xml": fonts})).chapters) == 3


def test_a_book_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    bomb = {**PAGES, "OPS/one.xhtml": "<p>" + " " * (65 * 2**20)}
    path = epub(tmp_path, bomb)
    assert path.stat().st_size < 2**20
    with pytest.raises(CannotPlan, match="unpacks to more than 64 MiB"):
        reading.read(path)


_ENDLESS = "x" * 99_999
_GUTENBERG = "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n\nYes.\n\n*** END OF THE PROJECT GUTENBERG EBOOK X ***"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", f"---\ntitle: {_ENDLESS}\nauthor: {_ENDLESS}\nlang: {_ENDLESS}\n---\nYes."),
        (
            "a.html",
            f"<html lang={_ENDLESS}><title>{_ENDLESS}</title><meta name=author content={_ENDLESS}><p>Yes.</p></html>",
        ),
        (
            "a.txt",
            f"Title: {_ENDLESS}\nAuthor: {_ENDLESS}\nLanguage: {_ENDLESS}\n\n{_GUTENBERG}",
        ),
    ],
)
def test_what_a_document_says_of_itself_is_no_longer_than_one_reads(tmp_path: Path, name: str, text: str) -> None:
    assert read(tmp_path, name, text).book == Book("x" * 500, "x" * 500, "x" * 500)


def test_what_a_book_says_of_itself_is_no_longer_than_one_reads(tmp_path: Path) -> None:
    pages = {name: text.replace("Somebody", _ENDLESS).replace("A &amp; B", _ENDLESS) for name, text in PAGES.items()}
    said = reading.read(epub(tmp_path, pages)).book
    assert (said.title, said.author) == ("x" * 500, "x" * 500)
