"""Tables at every width: columns go, rows stay, every state is told by glyph and word."""

from __future__ import annotations

import pytest
import scenery
from hypothesis import given
from hypothesis import strategies as st

from ipc import states
from ipc.snapshot import EngineRow, JobRow
from tui.allotment import Fleet, allot
from tui.draw import engine_words, fleet, frame, joblist, news
from tui.draw.listing import listing
from tui.draw.table import columns_for, title_row
from tui.ink import Line, length
from tui.selection import window
from tui.store import Store

STORE = Store(scenery.snapshot())
ENGINE_COLUMNS = fleet.columns([row.name for row in scenery.ENGINES])
JOB_COLUMNS = joblist.columns([row.id for row in scenery.JOBS])


def text(line: Line) -> str:
    return "".join(span.text for span in line.spans)


@given(st.sampled_from(scenery.ENGINES), st.sampled_from(scenery.JOBS), st.integers(1, 220))
def test_every_row_is_as_wide_as_the_screen(engine: EngineRow, job: JobRow, width: int) -> None:
    assert length(fleet.engine_row(STORE, engine, ENGINE_COLUMNS, width, " ").spans) == width
    assert length(joblist.job_row(job, JOB_COLUMNS, width, " ").spans) == width
    assert length(title_row(ENGINE_COLUMNS, width).spans) == width
    assert length(title_row(JOB_COLUMNS, width, "1–3 of 9").spans) == width


@given(st.integers(12, 220), st.integers(0, 3))
def test_the_frame_is_never_wider_than_the_screen(width: int, host_rows: int) -> None:
    lines = [
        frame.title(STORE, (), True, width),
        *frame.host(STORE, host_rows, width),
        *news.news((), list(STORE.happenings), 3, width),
        frame.keys(frame.overview_keys(scenery.ENGINES[:1], False), frame.DETACH, width),
    ]
    assert all(length(line.spans) <= width for line in lines)


def test_columns_go_by_rank_and_the_first_ones_never() -> None:
    assert {c.key for c in columns_for(30, ENGINE_COLUMNS)} == {"engine", "state"}
    assert {c.key for c in columns_for(80, ENGINE_COLUMNS)} >= {
        "engine",
        "state",
        "rate",
        "spark",
        "quant",
        "flights",
        "rss",
    }
    assert {c.key for c in ENGINE_COLUMNS} - {c.key for c in columns_for(120, ENGINE_COLUMNS)} == {"cpu", "ttft"}
    assert len(columns_for(130, ENGINE_COLUMNS)) == len(ENGINE_COLUMNS)


ALL_STATES: list[states.EngineState] = [
    states.Stopped("operator"),
    states.Starting(1),
    states.Cold(1, 0),
    states.Loading(1, 0.5),
    states.Ready(1, 1, 0),
    states.Draining(1, "unload", 1),
    states.Stopping(1, "term", "asked by the operator"),
    states.Backoff(1, 9.0, "killed"),
    states.Failed("no file", ()),
]


def test_every_state_has_its_own_glyph_and_word() -> None:
    told = [engine_words.state_words(state, 5.0) for state in ALL_STATES]
    assert len({glyph for glyph, _, _ in told}) == len(ALL_STATES)
    assert len({word for _, word, _ in told}) == len(ALL_STATES)
    assert all(word for _, word, _ in told)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (states.Ready(1, 1, 2), "ready · busy"),
        (states.Loading(1, None), "loading"),
        (states.Cold(1, 3 << 30), "cold · 3.0 G left"),
        (states.Backoff(2, 9.0, "x"), "again in 4 s"),
        (states.Stopped("never started"), "not started"),
    ],
)
def test_state_words(state: states.EngineState, words: str) -> None:
    assert engine_words.state_words(state, 5.0)[1] == words


def test_an_engine_that_does_not_work_says_why_where_its_numbers_were() -> None:
    failed = text(fleet.engine_row(STORE, STORE.engines["scribe"], ENGINE_COLUMNS, 120, " "))
    assert "truncated file: 3.1 of 7.4 GB" in failed
    assert failed.rstrip().endswith("3")
    flaky = text(fleet.engine_row(STORE, STORE.engines["flaky"], ENGINE_COLUMNS, 80, " "))
    assert "killed by signal 9 from outside" in flaky


def test_unknown_is_a_dash_never_zero() -> None:
    row = text(fleet.engine_row(STORE, scenery.engine("new", states.Ready(1, 1, 0)), ENGINE_COLUMNS, 120, " "))
    assert row.count("—") >= 5
    job = text(joblist.job_row(scenery.job(1, "running", 120, None), JOB_COLUMNS, 120, " "))
    assert "120/—" in job
    assert "0 %" not in job


def test_a_job_shows_progress_rate_and_time_left() -> None:
    row = text(joblist.job_row(scenery.JOBS[0], JOB_COLUMNS, 120, " "))
    for part in ("gpubox-3-41", "running", "14 %", "1,388/9,900", "212 tok/s", "~1 h 47 m"):
        assert part in row
    held = text(joblist.job_row(scenery.JOBS[2], JOB_COLUMNS, 120, " "))
    assert "▇ scribe failed: engineroom start" in held.replace("░", "▇")
    assert "held: scribe failed" in text(joblist.job_row(scenery.JOBS[2], JOB_COLUMNS, 60, " "))
    fresh = scenery.job(1, "held", 0, 112, reason="scribe: " + "GPU 2 has too little free, and so on " * 2)
    assert "GPU 2 has too little free, and so on" in text(joblist.job_row(fresh, JOB_COLUMNS, 120, " "))


def test_files_are_named_without_what_could_steer_a_terminal() -> None:
    row = scenery.job(1, "running", 1, 2, inputs=("/data/\x1b[2Jevil\x07.jsonl",))
    assert "\x1b" not in text(joblist.job_row(row, JOB_COLUMNS, 120, " "))


def test_a_long_list_shows_what_surrounds_the_cursor() -> None:
    lines = [Line(key=f"engine:{n}") for n in range(30)]
    shown, first = listing(ENGINE_COLUMNS, lines, "engine:20", 0, 5, True, 120)
    assert [row.key for row in shown[1:]] == [f"engine:{n}" for n in range(16, 21)]
    assert [row.lit for row in shown[1:]] == [False] * 4 + [True]
    assert "17–21 of 30" in text(shown[0])
    filtered, _ = listing(ENGINE_COLUMNS, lines, "engine:20", 0, 5, True, 120, "ear")
    assert "/ear  17–21 of 30" in text(filtered[0])
    again, _ = listing(ENGINE_COLUMNS, lines, "engine:18", first, 5, True, 120)
    assert again[1].key == "engine:16"


@given(st.integers(0, 50), st.integers(1, 20), st.integers(0, 60), st.data())
def test_the_window_always_holds_the_cursor(total: int, room: int, start: int, data: st.DataObject) -> None:
    cursor = data.draw(st.integers(0, total - 1)) if total else None
    first = window(total, room, cursor, start)
    assert 0 <= first <= max(0, total - room)
    assert cursor is None or first <= cursor < first + room


FLEETS = st.builds(Fleet, st.integers(0, 20), st.booleans(), st.integers(1, 4), st.booleans())


@given(st.integers(4, 120), st.integers(0, 40), st.integers(0, 40), st.integers(0, 1000), FLEETS)
def test_the_sections_fit_and_no_list_is_starved(height: int, engines: int, jobs: int, told: int, gpus: Fleet) -> None:
    plan = allot(height, engines, jobs, told, gpus)
    rules = (5 if plan.host else 4) if plan.rules else 0
    used = 2 + plan.host + plan.gpus + rules + 2 * plan.titles + plan.engines + plan.jobs + plan.news
    assert used <= height
    if height >= 6:
        assert plan.engines >= 1
        assert plan.jobs >= 1
    if height >= 12 and gpus.count:
        assert plan.gpus >= 1
    if height >= 18 and told:
        assert plan.news >= 1
    assert plan.engines <= max(1, engines)
    assert plan.jobs <= max(1, jobs)


@pytest.mark.parametrize(
    ("height", "fleet", "rows", "form"),
    [
        (34, Fleet(2, wide=True, abreast=3), 4, "two lines"),
        (34, Fleet(8, wide=True, abreast=3), 8, "one line"),
        (34, Fleet(16, wide=True, abreast=3), 6, "abreast"),
        (50, Fleet(8, wide=True, abreast=5), 16, "two lines"),
        (24, Fleet(2, abreast=2), 2, "one line"),
        (24, Fleet(16, abreast=2), 8, "abreast"),
        (24, Fleet(40, abreast=2), 9, "summary"),
        (10, Fleet(8, abreast=1), 1, "summary"),
        (34, Fleet(absent=True), 1, "summary"),
        (34, Fleet(), 0, "summary"),
    ],
)
def test_gpus_get_shorter_as_room_does(height: int, fleet: Fleet, rows: int, form: str) -> None:
    plan = allot(height, 7, 5, 20, fleet)
    assert (plan.gpus, plan.gpu_form) == (rows, form)
