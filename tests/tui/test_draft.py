"""The knob panel's state: steps, typed values, undo, and only what differs."""

from __future__ import annotations

import booked
import pytest
import scenery
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engines.settings import knobs_of
from engines.tts.settings import TtsSettings
from ipc.control import Price
from ipc.snapshot import Knob, Scalar
from tui.draft import Draft, read, stepped
from tui.draw import knobs
from tui.ink import Line, length

BY_NAME = {knob.name: knob for knob in scenery.KNOBS}


def draft_at(name: str) -> Draft:
    draft = Draft(scenery.KNOBS)
    draft.move(list(BY_NAME).index(name))
    return draft


def text(lines: list[Line]) -> str:
    return "\n".join("".join(span.text for span in line.spans) for line in lines)


@pytest.mark.parametrize(
    ("name", "value", "direction", "wanted"),
    [
        ("deterministic", False, 1, True),
        ("deterministic", True, 1, False),
        ("unload_depth", "exit", -1, "model"),
        ("unload_depth", "exit", 1, "exit"),
        ("parallel", 4, 1, 5),
        ("parallel", 1, -1, 1),
        ("parallel", 40, 1, 41),
        ("parallel", 64, 1, 64),
        ("n_ctx", 4096, 1, 8192),
        ("n_ctx", 4096, -1, 2048),
        ("n_ctx", 64, -1, 64),
        ("n_ctx", 1500, 1, 1600),
        ("unload_after", 300.0, 1, 310.0),
        ("unload_after", 0.0, -1, 0.0),
        ("temperature", 0.8, 1, 0.85),
        ("temperature", 1.0, -1, 0.95),
        ("temperature", 5.0, 1, 5.0),
        ("model", "miniature", 1, "miniature"),
    ],
)
def test_steps(name: str, value: Scalar, direction: int, wanted: Scalar) -> None:
    found = stepped(BY_NAME[name], value, direction)
    assert found == wanted
    assert type(found) is type(wanted)


@given(st.integers(1, 64), st.lists(st.sampled_from([1, -1]), max_size=30))
def test_steps_stay_within_the_range(value: int, directions: list[int]) -> None:
    knob = BY_NAME["parallel"]
    now: Scalar = value
    for direction in directions:
        now = stepped(knob, now, direction)
        assert isinstance(now, int)
        assert 1 <= now <= 64


@pytest.mark.parametrize(
    ("name", "typed", "wanted"),
    [
        ("parallel", "8", 8),
        ("parallel", " 8 ", 8),
        ("parallel", "many", "many"),
        ("parallel", "8.5", 8.5),
        ("n_ctx", "8,192", 8192),
        ("unload_after", "5", 5.0),
        ("unload_after", "5 min", 300.0),
        ("unload_after", "1h 30m", 5400.0),
        ("unload_after", "5 potatoes", "5 potatoes"),
        ("parallel", "", ""),
        ("deterministic", "on", True),
        ("deterministic", "no", False),
        ("deterministic", "perhaps", "perhaps"),
        ("model", "/a b.gguf", "/a b.gguf"),
        ("python", "", None),
        ("python", "/usr/bin/python3", "/usr/bin/python3"),
    ],
)
def test_typed(name: str, typed: str, wanted: Scalar) -> None:
    found = read(BY_NAME[name], typed)
    assert found == wanted
    assert type(found) is type(wanted)


def test_only_what_differs_is_a_change_and_undo_goes_back_step_by_step() -> None:
    draft = draft_at("parallel")
    draft.step(1)
    draft.step(1)
    assert draft.changes == {"parallel": 6}
    draft.move(1)
    draft.put("0")
    assert draft.changes == {"parallel": 6, "unload_after": 0.0}
    draft.undo()
    draft.undo()
    assert draft.changes == {"parallel": 5}
    draft.move(-1)
    draft.put("4")
    assert draft.changes == {}
    draft.undo()
    assert draft.changes == {"parallel": 5}
    draft.default()
    assert draft.changes == {"parallel": 1}
    for _ in range(9):
        draft.undo()
    assert draft.changes == {}


def test_the_panel_shows_old_and_new_range_unit_and_when() -> None:
    draft = draft_at("parallel")
    draft.step(1)
    shown, _ = knobs.rows("writer · miniature · ready", draft, 0, 110, 20)
    row = next(line for line in text(shown).splitlines() if "parallel" in line)
    for part in ("▸", "4→5", "units", "1–64", "context is rebuilt"):
        assert part in row
    feet = text(knobs.feet(draft, ("2 units finish first · ~21 s", "accent"), 110, 20))
    assert "units worked on at once · default 1" in feet
    assert "2 units finish first" in feet


@given(st.integers(20, 160), st.integers(1, 40), st.integers(0, 7))
def test_the_panel_fits_at_any_size(width: int, height: int, index: int) -> None:
    draft = Draft(scenery.KNOBS)
    draft.move(index)
    shown, first = knobs.rows("writer", draft, 0, width, height)
    assert first <= index
    assert len(shown) <= max(3, height)
    feet = knobs.feet(draft, ("price " * 30, "accent"), width, height)
    assert 4 <= len(feet) <= max(4, height)
    assert all(length(line.spans) <= width for line in [*shown, *feet])


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 B"), (512 << 20, "512 M"), (600, "600 B"), (13_600_000_000, "~12.7 G"), (7_200_000_000, "~6.7 G")],
)
def test_bytes_are_shown_as_people_say_them(value: int, shown: str) -> None:
    knob = replace(BY_NAME["parallel"], unit="bytes", minimum=0, maximum=1 << 40)
    assert knobs.shown_as(knob, value) == shown
    assert knobs.limits(knob) == "0 B–1024.0 G"
    assert knobs.shown_as(knob, "600 MiB") == "600 MiB"


def test_a_price_is_told_whole_and_the_description_goes_first() -> None:
    told = knobs.priced(booked.DEAR)
    assert told == (booked.DEAR.text, "warn")
    draft = draft_at("parallel")
    roomy = knobs.feet(draft, told, 80, 20)
    assert " ".join(text(roomy[3:-1]).split()) == booked.DEAR.text
    assert "units worked on at once" in text(roomy)
    tight = knobs.feet(draft, told, 80, 5)
    assert " ".join(text(tight[1:-1]).split()) == booked.DEAR.text
    assert text(knobs.feet(draft, told, 40, 4)).splitlines()[2].endswith("…")
    assert len(knobs.feet(draft, ("", "dim"), 80, 20)) == len(knobs.feet(draft, ("short", "dim"), 80, 20))


def test_a_price_that_nobody_else_pays_is_no_warning() -> None:
    assert knobs.priced(Price("reload ~21 s", 0, 21.0, False, 3 * scenery.GIB)) == ("reload ~21 s", "accent")


def test_a_long_path_shows_its_end() -> None:
    path = Knob("model", "/data/models/mistral-7b.gguf", "miniature", "", None, None, (), "", "model", "")
    shown, _ = knobs.rows("writer", Draft([path]), 0, 80, 10)
    assert "7b.gguf" in text(shown)


VOICE = knobs_of(TtsSettings())


@pytest.mark.parametrize(("width", "height"), [(120, 34), (80, 24)])
def test_many_knobs_with_long_names_and_words_are_told_whole(width: int, height: int) -> None:
    draft = Draft(VOICE)
    panel = knobs.least_width(VOICE) if width > 100 else width
    assert panel <= 80
    kept = {len(knobs.feet(draft, ("", "dim"), panel, height - 3))}
    for at, knob in enumerate(VOICE):
        draft.index = at
        shown, _ = knobs.rows("voice", draft, 0, panel, height - 8)
        feet = text(knobs.feet(draft, ("", "dim"), panel, height - 3))
        kept.add(feet.count("\n") + 1)
        assert knob.name.replace("_", " ") in text(shown)
        assert knob.unit in text(shown)
        told = " ".join(feet.split())
        assert all(" ".join(words.split()) in told for words in (knob.help, knob.recommendation))
        assert all(choice in told or choice in text(shown) for choice in knob.choices)
    assert len(kept) == 1, "nothing jumps from knob to knob"
    assert "/ find" in text(knobs.feet(draft, ("", "dim"), panel, height - 3))


@pytest.mark.parametrize(
    ("typed", "found"),
    [("seed", "seed"), ("pause p", "pause_paragraph_ms"), ("Pronounce", "lexicon"), ("no such thing", "gpu")],
)
def test_a_knob_is_found_by_its_name_or_by_what_it_is_for(typed: str, found: str) -> None:
    draft = Draft(VOICE)
    draft.find(typed, 2)
    assert draft.current.name == found


def test_what_is_looked_for_is_the_next_one_and_round_again() -> None:
    draft = Draft(VOICE)
    names = [knob.name for knob in VOICE]
    draft.find("pause", names.index("pause_paragraph_ms"))
    assert draft.current.name == "pause_paragraph_ms"
    draft.find("pause", names.index("loudness"))
    assert draft.current.name == "pause_sentence_ms"
