"""The cursor stays on its row while rows come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.selection import Selection

KEYS = ("engine:a", "engine:b", "job:1", "job:2")


def selection(*keys: str) -> Selection:
    made = Selection()
    made.offer(keys or KEYS)
    return made


def test_it_starts_at_the_top_and_stops_at_the_ends() -> None:
    chosen = selection()
    assert chosen.cursor == "engine:a"
    chosen.move(-1)
    assert chosen.cursor == "engine:a"
    chosen.move(99)
    assert chosen.cursor == "job:2"


def test_it_stays_on_its_row_and_at_its_place_when_the_row_goes() -> None:
    chosen = selection()
    chosen.to("job:1")
    chosen.offer(("engine:0", *KEYS))
    assert chosen.cursor == "job:1"
    chosen.offer(("engine:a", "engine:b", "job:2"))
    assert chosen.cursor == "job:2"
    chosen.offer(())
    assert chosen.cursor == ""
    chosen.offer(KEYS)
    assert chosen.cursor == "engine:a"


def test_marks_are_the_targets_and_go_with_their_rows() -> None:
    chosen = selection()
    assert chosen.targets() == ("engine:a",)
    chosen.toggle_mark()
    chosen.toggle_mark()
    assert chosen.cursor == "job:1"
    assert chosen.targets() == ("engine:a", "engine:b")
    chosen.offer(KEYS[1:])
    assert chosen.targets() == ("engine:b",)
    chosen.to("engine:b")
    chosen.toggle_mark()
    assert chosen.targets() == ("job:1",)


def test_its_place_in_the_second_list() -> None:
    chosen = selection()
    assert (chosen.place(0), chosen.place(2)) == (0, None)
    chosen.to("job:2")
    assert (chosen.place(0), chosen.place(2)) == (3, 1)
    assert Selection().place(0) is None


def test_from_the_engines_to_the_jobs_and_back() -> None:
    chosen = selection()
    chosen.other_list()
    assert chosen.cursor == "job:1"
    chosen.other_list()
    assert chosen.cursor == "engine:a"


@given(st.lists(st.one_of(st.sets(st.sampled_from(KEYS)), st.integers(-5, 5), st.sampled_from(["mark", "other"]))))
def test_the_cursor_is_always_on_a_row_if_there_is_one(steps: list[set[str] | int | str]) -> None:
    chosen = Selection()
    for step in steps:
        if isinstance(step, set):
            chosen.offer(sorted(step))
        elif isinstance(step, int):
            chosen.move(step)
        elif step == "mark":
            chosen.toggle_mark()
        else:
            chosen.other_list()
        assert (chosen.cursor in chosen.keys) if chosen.keys else chosen.cursor == ""
        assert set(chosen.targets()) <= set(chosen.keys)
