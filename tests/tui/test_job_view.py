"""The screen of one job without a terminal: units page by page, a cursor over three parts, only lines in sight."""

from __future__ import annotations

import msgspec
import pytest
import scenery
import worked
from hypothesis import given
from hypothesis import strategies as st

from engines.fake.settings import FakeSettings
from engines.settings import as_dict
from ipc.snapshot import JobDetail, RunRow, UnitProblem, UnitRow
from tui.draw import job_numbers, job_runs, job_units
from tui.draw.engine_words import models_of
from tui.ink import Line, length
from tui.job_cursor import Cursor, Extent, first_line
from tui.job_view import JobView
from tui.units import KEPT_PAGES, PAGE, Units

NOW = scenery.NOW


def text(lines: list[Line]) -> str:
    return "\n".join("".join(span.text for span in line.spans) for line in lines)


def page(number: int) -> list[UnitRow]:
    return [worked.unit(index) for index in range(number * PAGE, (number + 1) * PAGE)]


def view_of(units: int = 1300, detail: JobDetail = worked.DETAIL) -> JobView:
    view = JobView()
    view.tell(detail)
    view.units.tell_total(units)
    for number in range(-(-units // PAGE)):
        view.units.take(
            number, [worked.unit(index) for index in range(number * PAGE, min(units, (number + 1) * PAGE))], True
        )
    return view


def shown(view: JobView, room: int = 20, width: int = 120) -> str:
    return text(view.lines(worked.BOOK, NOW, width, room))


# ── units ──


def test_pages_are_asked_for_when_they_come_in_sight() -> None:
    units = Units()
    assert units.missing(0, 0) == [0]
    units.tell_total(100_000)
    units.take(0, page(0), last=False)
    assert units.count == 100_000
    assert units.missing(0, 20) == []
    assert units.missing(990, 1010) == [1]
    assert units.missing(99_980, 100_000) == [99]
    assert (units.get(999), units.get(1000)) == (worked.unit(999), None)


def test_without_a_total_there_is_one_more_until_the_last() -> None:
    units = Units()
    units.take(0, page(0), last=False)
    assert units.count == 1001
    units.take(1, page(1)[:300], last=True)
    assert units.count == 1300
    units.renew([worked.unit(1300), worked.unit(1301)])
    assert units.count == 1302
    assert units.get(1301) == worked.unit(1301)


def test_only_so_many_pages_are_kept() -> None:
    units = Units()
    for number in range(KEPT_PAGES + 3):
        units.take(number, page(number), last=False)
    assert units.get(0) is None
    assert units.missing(0, 5) == [0]
    assert units.get((KEPT_PAGES + 2) * PAGE) is not None
    units.renew([worked.unit(3)])
    assert units.get(3) is None


# ── the cursor ──

EXTENTS = st.builds(Extent, st.integers(0, 30), st.integers(0, 5), st.integers(0, 200))


@given(EXTENTS, st.integers(1, 40), st.lists(st.integers(-300, 300), max_size=8))
def test_the_cursor_is_on_a_row_and_in_sight(extent: Extent, room: int, moves: list[int]) -> None:
    cursor, first = Cursor(), 0
    for by in moves:
        cursor = cursor.move(by, extent)
        first = first_line(extent, cursor, first, room)
        line = extent.line(cursor)
        assert (line is None) == (cursor.part == "top")
        assert 0 <= first <= max(0, extent.lines - 1)
        if line is not None:
            assert extent.at(line) == cursor
            assert first <= line < first + room
        assert cursor.settled(extent) == cursor


def test_from_part_to_part() -> None:
    both, none, units = Extent(9, 2, 30), Extent(9, 0, 0), Extent(9, 0, 30)
    assert Cursor().next_part(both) == Cursor("problems")
    assert Cursor("problems", 1).next_part(both) == Cursor("units")
    assert Cursor("units", 7).next_part(both) == Cursor()
    assert Cursor().next_part(units) == Cursor("units")
    assert Cursor().next_part(none) == Cursor()
    assert Cursor("problems", 1).move(1, both) == Cursor("units", 0)
    assert Cursor("units", 0).move(-1, both) == Cursor("problems", 1)
    assert Cursor("units", 29).settled(Extent(9, 2, 5)) == Cursor("units", 4)


# ── the view ──


def test_numbers_places_and_runs_are_told() -> None:
    told = shown(view_of(), 40)
    for part in (
        *("1,204/~1,700", "RTF 0.04", "00:18 ±2", "4.2 s · 9.6 s", "180 ms · 410 ms", "02:14:33", "412.0 kJ", "51 J"),
        *("results kept 210 M", "/data/moby-dick.epub", "/data/moby-dick.m4b", "1,219"),
        *("batch_size 280 · language en", "parallel 8 · quantization int8", "parallel 4 · quantization bf16"),
    ):
        assert part in told


def test_of_settings_at_their_default_only_the_number_is_told() -> None:
    row = scenery.job(1, "running", 1, 2, kind="fake")
    plain = {name: value for name, value in as_dict(FakeSettings(parallel=3)).items() if name in ("parallel", "layers")}
    detail = msgspec.structs.replace(worked.DETAIL, row=row, settings=plain, runs=())
    assert job_numbers.settings(detail) == "parallel 3 · 1 by default"
    ran = (RunRow(1, "a", NOW, {"parallel": 3}, 1), RunRow(2, "a", NOW, {"parallel": 2}, 1))
    assert job_numbers.settings(msgspec.structs.replace(detail, runs=ran)) == "1 by default"


def test_of_prompts_tokens_are_told_and_no_sound() -> None:
    detail = msgspec.structs.replace(worked.DETAIL, row=worked.REVIEWS)
    told = text(job_numbers.grid(detail, worked.REVIEWS, NOW, 120))
    assert "tokens       55,520" in told
    assert "each token   1.6 J" in told
    assert "audio" not in told
    unmeasured = msgspec.structs.replace(worked.REVIEWS, joules=None, eta_seconds=None)
    told = text(job_numbers.grid(detail, unmeasured, NOW, 120))
    for name in ("energy", "each token", "left", "ended"):
        assert f"{name:12} —" in told


def test_of_what_is_heard_the_pace_in_both_measures_and_how_sure_it_is_are_told() -> None:
    row = scenery.job(
        *(39, "running", 57, 112), kind="stt", engine="ear-medium, ear-small", audio_seconds=8073.0, rtf=0.04,
        tokens=55_520, tokens_per_second=212.4, confidence=-0.314, eta_seconds=1080.0, eta_spread_seconds=120.0,
    )  # fmt: skip
    own = {"language": "fr", "formats": "srt,json"}
    view = view_of(detail=msgspec.structs.replace(worked.DETAIL, row=row, own=own))
    engines = {one.name: one for one in worked.SOUNDS}
    models = models_of(row, engines, {}, set())
    assert models == ("whisper-medium on ear-medium",), "one that is not there has loaded nothing"
    told = text(view.lines(row, NOW, 120, 40, models))
    for part in (
        *(
            "audio        02:14:33",
            "RTF          0.04",
            "confidence   −0.31",
            "rate         212 tok/s",
            "4.2 s · 9.6 s",
        ),
        *("00:18 ±2", "whisper-medium on ear-medium", "language fr · formats srt,json"),
    ):
        assert part in told
    assert models_of(msgspec.structs.replace(row, state="done"), engines, {}, set()) == ()
    unit = msgspec.structs.replace(worked.unit(3), confidence=-0.2)
    assert "confidence −0.20" in text(job_units.unit_pane(unit, (), 200))
    assert "confidence" not in text(job_units.unit_pane(worked.unit(3), (), 200))


@given(st.integers(24, 220))
def test_nothing_is_wider_than_the_screen(width: int) -> None:
    view = view_of()
    view.next_part()
    lines = view.lines(worked.BOOK, NOW, width, 60)
    assert all(length(line.spans) <= width for line in lines)
    assert all(length(line.spans) <= width for line in view.pane(width, 30))


def test_runs_tell_only_what_differs() -> None:
    assert job_runs.differing(worked.RUNS)[2] == {"parallel": 4, "quantization": "bf16"}
    assert job_runs.differing(worked.RUNS[:1]) == [{}]
    assert job_runs.lines((), NOW, 80) == []
    many = tuple(RunRow(number, "voice", NOW, {"parallel": number % 2}, 1) for number in range(20))
    told = text(job_runs.lines(many, NOW, 80))
    assert "12 earlier" in told
    assert "\n   19 " in told


def test_what_stands_above_the_first_row_is_scrolled_through() -> None:
    view = view_of()
    assert "units" in shown(view, 5)
    seen = [shown(view, 5)]
    while view.chosen() is None:
        view.move(1)
        seen.append(shown(view, 5))
    assert isinstance(view.chosen(), UnitProblem)
    for part in ("results kept", "/data/moby-dick.m4b", "quantization bf16", "problems  3"):
        assert any(part in told for told in seen), part
    view.first()
    assert shown(view, 5) == seen[0]


def test_the_last_unit_and_a_unit_by_its_number() -> None:
    view = view_of()
    shown(view)
    view.last()
    assert "▸○ #1299" in shown(view)
    view.find(731)
    assert "▸▴ #731" in shown(view)
    view.find(99_999)
    assert "▸○ #1299" in shown(view)
    view.page(-1)
    assert "▸○ #1280" in shown(view)


def test_among_units_the_heads_of_their_columns_stay() -> None:
    view = view_of()
    shown(view)
    for unit in (0, 1, 30, 700, 1299):
        view.find(unit)
        lines = shown(view).splitlines()
        assert len(lines) == 20
        assert sum("took" in line for line in lines) == 1
        assert any(f"#{unit} " in line and "▸" in line for line in lines)


def test_the_cursor_stays_on_its_problem() -> None:
    view = view_of()
    shown(view, 40)
    view.next_part()
    view.move(2)
    assert view.chosen() == worked.PROBLEMS[2]
    view.tell(msgspec.structs.replace(worked.DETAIL, problems=worked.PROBLEMS[1:]))
    shown(view, 40)
    assert view.chosen() == worked.PROBLEMS[2]
    view.tell(msgspec.structs.replace(worked.DETAIL, problems=worked.PROBLEMS[:1]))
    shown(view, 40)
    assert view.chosen() == worked.PROBLEMS[0]


def test_a_problem_tells_cause_way_out_and_last_words() -> None:
    view = view_of()
    shown(view)
    assert view.pane(80, 30) == []
    view.next_part()
    view.move(1)
    told = text(view.pane(80, 20))
    assert "voice died three times on this unit alone." in told
    assert "Look at the last lines of its log." in told
    assert "… 12 lines above: enter shows them" in told
    assert "Aborted (core dumped)" in told.splitlines()[-1]
    view.whole = True
    assert "step 1: allocating" in text(view.pane(80, 40))


def test_a_unit_tells_what_has_no_column() -> None:
    view = view_of()
    shown(view)
    view.find(712)
    assert "#712 ch09-072 · chapter 9, line 72 · done · run 3 on voice · 1 attempt" in text(view.pane(120, 20))


@pytest.mark.parametrize("state", ["planned", "flying", "done", "failed", "quarantined"])
def test_every_state_of_a_unit_has_a_glyph_and_a_word(state: str) -> None:
    unit = msgspec.structs.replace(worked.unit(1), state=state)
    assert state in text([job_units.unit_row(1, unit, 80, False)])


def test_a_unit_that_was_not_told_yet_is_a_number_only() -> None:
    assert text([job_units.unit_row(5, None, 80, False)]).split() == ["…", "#5"]


def test_without_units_it_says_so() -> None:
    view = JobView()
    assert view.lines(worked.BOOK, NOW, 80, 20) == []
    view.tell(msgspec.structs.replace(worked.DETAIL, problems=(), runs=()))
    assert "no unit yet" in shown(view, 40)


def test_of_a_hundred_thousand_units_only_those_in_sight_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    real = job_units.unit_row

    def counted(index: int, unit: UnitRow | None, width: int, lit: bool) -> Line:
        drawn.append(index)
        return real(index, unit, width, lit)

    monkeypatch.setattr(job_units, "unit_row", counted)
    view = JobView()
    view.tell(worked.DETAIL)
    view.units.tell_total(100_000)
    for step in (view.last, view.first, view.next_part, lambda: view.page(1), lambda: view.find(50_000)):
        drawn.clear()
        step()
        shown(view, 25)
        assert len(drawn) <= 25
    assert view.in_sight().stop - view.in_sight().start == 25
    assert view.units.missing(view.in_sight().start, view.in_sight().stop) == [49, 50]


def test_a_unit_that_was_asked_for_again_is_not_said_to_be_redone() -> None:
    """A redo that failed counts, too."""
    unit = msgspec.structs.replace(worked.unit(0), state="failed", take=1)
    said = text(job_units.unit_pane(unit, (), 120))
    assert "asked again 1×" in said
    assert "redone" not in said
