"""A live transcript on a screen: what is committed stands, the guess is drawn again in its place, at any width."""

from __future__ import annotations

from collections.abc import Callable

import pyte
import pytest

from cli.listen_pages import LinesPage, TerminalPage
from ipc.hearing import Live


class Seen:
    """A page, and what a person would see of it."""

    def __init__(self, columns: int = 20, lines: int = 8, *, plain: bool = False) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.screen.set_mode(pyte.modes.LNM)
        stream = pyte.Stream(self.screen)
        self.wrote = ""

        def write(text: str) -> None:
            self.wrote += text
            stream.feed(text)

        self.page = TerminalPage(write, lambda: (self.screen.columns, self.screen.lines), plain=plain)

    def show(self, commit: str = "", guess: str = "", *, ended: bool = False) -> list[str]:
        self.page.show(Live(0.0, commit, guess, ended))
        return self.rows()

    def rows(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display if row.strip()]


def test_a_guess_becomes_committed_in_its_place() -> None:
    seen = Seen()
    assert seen.show("", " the engin") == ["the engin"]
    assert "\x1b[2mthe engin\x1b[0m" in seen.wrote
    assert seen.show("the", " engine stops") == ["the engine stops"]
    assert seen.show(" engine", " stopped") == ["the engine stopped"]
    assert seen.show(" stopped", "", ended=True) == ["the engine stopped"]
    assert seen.show(" again", "", ended=True) == ["the engine stopped", "again"]


def test_long_texts_are_wrapped_and_rows_that_are_whole_are_not_drawn_again() -> None:
    seen = Seen()
    assert seen.show("one two three four", " five six seven") == ["one two three four", "five six seven"]
    assert seen.show(" five", " sick seven eight") == ["one two three four", "five sick seven", "eight"]
    before = len(seen.wrote)
    assert seen.show(" six seven eight", "") == ["one two three four", "five six seven", "eight"]
    assert "one" not in seen.wrote[before:]


def test_more_than_the_screen_holds_scrolls_and_keeps_its_order() -> None:
    seen = Seen(20, 4)
    for number in range(12):
        seen.show(f" word{number:02}", " and a guess that is longer than all of the screen can hold at once, or twice")
    seen.show("", "", ended=True)
    assert seen.rows() == ["word08 word09", "word10 word11"], "the rows above were pushed out by the guess"


@pytest.mark.parametrize("columns", [12, 33])
def test_a_terminal_that_changes_its_width_is_drawn_right_at_the_next_change(columns: int) -> None:
    seen = Seen(24)
    seen.show("the engine", " was stopped")
    reflow(seen, columns)
    rows = seen.show(" was stopped by", " somebody")
    assert " ".join(rows) == "the engine was stopped by somebody"


def reflow(seen: Seen, columns: int) -> None:
    """As terminals do, and pyte does not: a row that became too long is broken."""
    rows = seen.rows()
    seen.screen.resize(columns=columns)
    seen.screen.reset()
    seen.screen.set_mode(pyte.modes.LNM)
    pyte.Stream(seen.screen).feed("\n".join(rows))


def test_the_guess_goes_when_nothing_more_comes() -> None:
    seen = Seen()
    seen.show("the", " engine")
    seen.page.close()
    assert seen.rows() == ["the"]
    assert seen.screen.cursor.x == 0


def test_what_could_steer_the_terminal_does_not() -> None:
    assert Seen().show("a\x1b[2Jb", "\x07") == ["a�[2Jb�"]


def test_a_plain_terminal_is_only_appended_to() -> None:
    seen = Seen(plain=True)
    seen.show("the", " engine")
    seen.show(" engine", "", ended=True)
    seen.show(" stops", "", ended=False)
    seen.page.close()
    assert seen.wrote == "the engine\nstops\n"


def test_lines_are_what_was_said_between_two_silences(capsys: pytest.CaptureFixture[str]) -> None:
    page, out = LinesPage(), _printed(capsys)
    page.show(Live(0.1, "one", " two"))
    assert out() == ""
    page.show(Live(0.2, " two", ended=True))
    assert out() == "one two\n"
    page.show(Live(0.3, " three", " four"))
    page.show(Live(0.3, "", ""))
    page.close()
    assert out() == "three\n"
    page.close()
    assert out() == ""


def _printed(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    return lambda: capsys.readouterr().out
