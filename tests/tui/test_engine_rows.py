"""What the ledger adds to an engine's row: what holds it, what was chosen, what becomes of it when idle."""

from __future__ import annotations

import booked
import msgspec
import pytest
import scenery
from hypothesis import given
from hypothesis import strategies as st

from ipc import states
from ipc.snapshot import EngineRow
from tui.draw import fleet
from tui.draw.engine_words import choice, reason, row_words, units, when_idle
from tui.ink import Line, length
from tui.store import Store

STORE = Store(booked.booked())
COLUMNS = fleet.columns([row.name for row in booked.ROWS])
HEAT = "heat: 92 °C, resumes at 82"


def shown(row: EngineRow, width: int = 120) -> str:
    return "".join(span.text for span in drawn(row, width).spans)


def drawn(row: EngineRow, width: int) -> Line:
    return fleet.engine_row(STORE, row, COLUMNS, width, " ")


@given(st.sampled_from(booked.ROWS), st.integers(1, 220))
def test_every_row_is_as_wide_as_the_screen(row: EngineRow, width: int) -> None:
    assert length(drawn(row, width).spans) == width


@pytest.mark.parametrize("width", [80, 120, 200])
def test_what_holds_an_engine_is_its_state_and_its_reason(width: int) -> None:
    hot, short = (next(row for row in booked.ROWS if row.name == name) for name in ("ear-medium", "giant"))
    assert "held · heat" in shown(hot, width)
    assert "92 °C, resumes at 82" in shown(hot, width)
    assert "held · memory" in shown(short, width)
    assert "3.9 GiB short on GPU 0" in shown(short, width)
    assert "warn" in {span.tone for span in drawn(hot, width).spans if "held" in span.text}


def test_a_load_shows_where_it_goes_and_as_what() -> None:
    row = scenery.engine("ear", states.Loading(1, 0.5), gpus=(3,), chosen="q8", rss_bytes=30 << 20)
    assert shown(row).split() == ["◐", "ear", "loading", "50", "%", "q8", "3", "—", "—", "—", "30", "M", "0"]


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (states.Ready(1, 1, 0), "held · heat"),
        (states.Ready(1, 1, 2), "held · heat"),
        (states.Cold(1, 0), "held · heat"),
        (states.Stopped("evicted"), "held · heat"),
        (states.Stopped("operator"), "stopped · operator"),
        (states.Loading(1, 0.5), "loading 50 %"),
        (states.Draining(1, "stop", 1), "drains · stop"),
        (states.Failed("no file", ()), "failed"),
    ],
)
def test_a_hold_is_told_unless_the_state_says_more(state: states.EngineState, word: str) -> None:
    row = scenery.engine("ear", state, hold=HEAT)
    assert row_words(row, 5.0)[1] == word
    assert (reason(row) == "92 °C, resumes at 82") == word.startswith("held")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"pinned": True, "unload_after_seconds": 300.0}, "pinned"),
        ({"unload_after_seconds": 300.0}, "exit 5 m"),
        ({"unload_after_seconds": 90.0, "unload_depth": "model"}, "model 90 s"),
        ({}, "—"),
    ],
)
def test_what_becomes_of_it_when_idle(told: dict[str, object], words: str) -> None:
    row = scenery.engine("ear", states.Ready(1, 1, 0), None, **told)
    assert when_idle(row) == words
    assert words in shown(row)


def test_an_engine_that_made_room_says_so() -> None:
    row = next(row for row in booked.ROWS if row.name == "poet")
    assert "stopped · no room" in shown(row)
    assert "made room for reader: idle 10 m" in shown(row)
    assert "stopped · no room" in shown(row, 80)
    assert "stopped · operator" in shown(scenery.engine("ear", states.Stopped("operator")), 80)


def test_what_was_chosen_stands_where_there_is_room_for_it() -> None:
    loading = scenery.engine(
        "ear", states.Loading(1, 0.5), model="m.gguf", quantization="q4", chosen="q4 · 20 of 33 layers"
    )
    assert choice(loading) == "20 of 33 layers"
    assert shown(loading).count("20 of 33 layers") == 1
    ready = scenery.engine("ear", states.Ready(1, 1, 0), 9.0, model="m.gguf", quantization="q4", chosen=loading.chosen)
    assert "m.gguf · 20 of 33 layers" in shown(ready, 200)
    assert "9.0 tok/s" in shown(ready, 200)
    assert "20 of" not in shown(ready, 120)
    assert choice(scenery.engine("ear", states.Ready(1, 1, 0), quantization="q4", chosen="q4")) == ""


def test_what_an_engine_says_of_itself_stands_beside_its_model_where_there_is_room() -> None:
    row = EngineRow("vectors", "embed", states.Ready(1, 0, 0), "minilm", None, (), 1, None, None, None, None, 0, "")
    said = msgspec.structs.replace(row, said="cache 83 % of 1,204")
    assert "minilm · cache 83 % of 1,204" in shown(said, 200)
    both = msgspec.structs.replace(said, beside="q8 loads beside q4, 62 %")
    assert "minilm · q8 loads beside q4, 62 %" in shown(both, 200)
    assert "cache" not in shown(said, 100)
    assert "cache" not in shown(msgspec.structs.replace(said, state=states.Stopped("idle")), 200)


def test_what_an_engine_says_stands_there_rather_than_what_was_chosen_for_it_if_it_is_short_enough() -> None:
    row = scenery.engine("voice", states.Ready(1, 1, 0), 9.0, model="miniature", chosen="8 together")
    assert "miniature · 8 together" in shown(row, 200)
    short, long = (msgspec.structs.replace(row, said=words) for words in ("225 words", "225 words · " * 20))
    assert "miniature · 225 words" in shown(short, 200)
    assert "miniature · 8 together" in shown(long, 200)


def test_how_much_an_engine_does_at_once_may_still_be_open() -> None:
    assert units(scenery.engine("voice", states.Ready(1, 1, 3), parallel=0)) == "3/auto"
    assert units(scenery.engine("voice", states.Ready(1, 1, 3), parallel=8)) == "3/8"
    assert units(scenery.engine("voice", states.Stopped("idle"), parallel=0)) == "—"
