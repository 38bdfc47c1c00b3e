"""Tables at every width: columns go, rows stay, every state is told by glyph and word."""

from __future__ import annotations

import pytest
import scenery
import worked
from hypothesis import given
from hypothesis import strategies as st

from ipc import states
from ipc.snapshot import EngineRow, JobRow
from tui.allotment import Fleet, allot
from tui.draw import engine_words, fleet, frame, job_words, joblist, news
from tui.draw.listing import Table, listing
from tui.draw.table import columns_for, title_row
from tui.ink import Line, length
from tui.selection import window
from tui.store import Store

STORE = Store(scenery.snapshot())
ENGINE_COLUMNS = fleet.columns([row.name for row in scenery.ENGINES])
JOB_COLUMNS = joblist.columns([row.id for row in scenery.JOBS])


def text(line: Line) -> str:
    return "".join(span.text for span in line.spans)


@given(st.sampled_from(scenery.ENGINES), st.sampled_from([*scenery.JOBS, *worked.JOBS]), st.integers(1, 220))
def test_every_row_is_as_wide_as_the_screen(engine: EngineRow, job: JobRow, width: int) -> None:
    assert length(fleet.engine_row(STORE, engine, ENGINE_COLUMNS, width, " ").spans) == width
    assert length(joblist.job_row(STORE, job, JOB_COLUMNS, width, " ").spans) == width
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
        "units",
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
    job = text(joblist.job_row(STORE, scenery.job(1, "running", 120, None), JOB_COLUMNS, 120, " "))
    assert "120/—" in job
    assert "0 %" not in job


def test_how_sure_it_is_stands_beside_the_rate_where_a_job_listens() -> None:
    columns = joblist.columns(["gpubox-3-41"], listening=True)
    row = scenery.job(1, "running", 120, None, kind="stt", rtf=0.04, audio_seconds=60.0, confidence=-0.314)
    assert " RTF 0.04      −0.31 " in text(joblist.job_row(STORE, row, columns, 160, " "))
    assert "confidence" in text(title_row(columns, 160))
    assert "confidence" not in text(title_row(columns, 100)), "it is the first to go"
    assert "confidence" not in text(title_row(JOB_COLUMNS, 200))


def job_text(row: JobRow, width: int = 120, store: Store = STORE) -> str:
    return text(joblist.job_row(store, row, JOB_COLUMNS, width, " "))


def test_a_job_shows_progress_rate_and_time_left() -> None:
    row = job_text(scenery.JOBS[0])
    for part in ("gpubox-3-41", "running", "14 %", "1,388/9,900", "212 tok/s", "~01:47"):
        assert part in row
    held = job_text(scenery.JOBS[2])
    assert "▇ scribe failed: engineroom start" in held.replace("░", "▇")
    assert "held: scribe failed" in job_text(scenery.JOBS[2], 60)
    fresh = scenery.job(1, "held", 0, 112, reason="scribe: " + "GPU 2 has too little free, and so on " * 2)
    assert "GPU 2 has too little free, and so on" in job_text(fresh)


def test_an_estimated_total_wears_a_tilde_and_never_fills_the_bar() -> None:
    row = job_text(worked.BOOK)
    for part in ("tts moby-dick.epub", "~70 %", "1,204/~1,700", "RTF 0.04", "00:18 ±2", "2 set aside"):
        assert part in row
    nearly = job_text(scenery.job(1, "running", 1699, None, units_expected=1700))
    assert "~99 %" in nearly
    assert nearly.count("░") == 1
    assert "~99 %" in job_text(scenery.job(1, "running", 1800, None, units_expected=1700))
    exact = job_text(scenery.job(1, "assembling", 1700, 1700))
    assert "100 %" in exact
    assert "~" not in exact
    assert "░" not in exact


def test_a_rate_is_in_what_the_job_is_made_of() -> None:
    assert "3.2 units/s" in job_text(scenery.job(1, "running", 5, 10, units_per_second=3.2))
    assert "0.04 units/s" in job_text(scenery.job(1, "running", 5, 10, units_per_second=0.04))
    sounding = scenery.job(1, "running", 5, 10, units_per_second=3.2, tokens_per_second=8.0, rtf=1.28)
    assert "RTF 1.3" in job_text(sounding)
    assert "units/s" not in job_text(scenery.job(1, "paused", 5, 10, units_per_second=3.2))


@pytest.mark.parametrize(
    ("row", "wanted", "other"),
    [
        (scenery.job(1, "running", 1, 2, priority=9), "running p9", ""),
        (scenery.job(1, "running", 1, 2), "running", " p"),
        (scenery.job(1, "done", 2, 2, priority=9), "done", "p9"),
        (scenery.job(1, "queued", 0, None, after=("gpubox-3-41", "gpubox-3-38")), "after gpubox-3-41 ", "38"),
        (scenery.job(1, "queued", 0, None, after=("gpubox-3-9",)), "0/—", "after"),
        (
            scenery.job(1, "queued", 0, None, after=("gpubox-3-41",), reason="another goes first"),
            "another goes",
            "after",
        ),
        (scenery.job(1, "running", 5, 9, after=("gpubox-3-41",)), "5/9", "after"),
    ],
)
def test_a_job_tells_its_priority_and_whom_it_waits_for(row: JobRow, wanted: str, other: str) -> None:
    told = job_text(row)
    assert wanted in told
    assert not other or other not in told


@pytest.mark.parametrize(
    ("inputs", "output", "told"),
    [
        (("/d/a.jsonl",), "/d/out.jsonl", ["a.jsonl → out.jsonl", "a.jsonl"]),
        (("/d/moby.epub",), "/d/moby.m4b", ["moby.epub → moby.m4b", "moby.epub → m4b", "moby.epub"]),
        (("/d/lectures/",), "/d/texts/", ["lectures/ → texts/", "lectures/"]),
        (("/d/night/*.mp3",), "/d/texts/", ["night/*.mp3 → texts/", "night/*.mp3"]),
        (("/d/a.jsonl", "/d/b.jsonl"), "/o.jsonl", ["a.jsonl, b.jsonl → o.jsonl", "a.jsonl, b.jsonl", "a.jsonl +1"]),
        (worked.LECTURES, "/d/", ["lectures/ (112 files) → d/", "lectures/ (112 files)", "lectures/ (112)"]),
        (("/a/1.x", "/b/1.x", "/c/1.x", "/d/1.x"), "/o.x", ["1.x +3 → o.x", "1.x +3"]),
        ((), "/d/sum.x", ["output of gpubox-3-1 → sum.x", "→ sum.x"]),
    ],
)
def test_what_a_job_is_made_from(inputs: tuple[str, ...], output: str, told: list[str]) -> None:
    row = scenery.job(2, "queued", 0, None, inputs=inputs, output=output, after=("gpubox-3-1",))
    assert job_words.sources(row) == told


@pytest.mark.parametrize(
    ("done", "total", "expected", "told"),
    [
        (1388, 9900, None, "1,388/9,900"),
        (120, None, None, "120/—"),
        (99_388, 100_000, None, "99k/100k"),
        (12_388, None, 2_000_000, "12k/~2.0M"),
    ],
)
def test_counts_keep_to_their_column(done: int, total: int | None, expected: int | None, told: str) -> None:
    assert job_words.count(scenery.job(1, "running", done, total, units_expected=expected), 13) == told


@pytest.mark.parametrize(
    ("failed", "told"), [(0, "—"), (2, "2 set aside"), (1204, "1,204 aside"), (123_456, "123k aside")]
)
def test_problems_keep_to_their_column(failed: int, told: str) -> None:
    assert job_words.problems(scenery.job(1, "done", 1, 2, units_failed=failed), 11) == told


def test_a_job_that_ended_long_ago_tells_the_day() -> None:
    now = STORE.unix
    assert job_words.end(scenery.job(1, "done", 1, 1, finished_unix=now - 60), now).strip().count(":") == 2
    assert ":" not in job_words.end(scenery.job(1, "done", 1, 1, finished_unix=now - 200_000), now)


def test_files_are_named_without_what_could_steer_a_terminal() -> None:
    row = scenery.job(1, "running", 1, 2, inputs=("/data/\x1b[2Jevil\x07.jsonl",))
    assert "\x1b" not in text(joblist.job_row(STORE, row, JOB_COLUMNS, 120, " "))


def test_a_long_list_shows_what_surrounds_the_cursor() -> None:
    def table(cursor: int) -> Table:
        return Table(ENGINE_COLUMNS, 30, lambda index: Line(key=f"engine:{index}"), cursor)

    shown, first = listing(table(20), 0, 5, True, 120)
    assert [row.key for row in shown[1:]] == [f"engine:{n}" for n in range(16, 21)]
    assert [row.lit for row in shown[1:]] == [False] * 4 + [True]
    assert "17–21 of 30" in text(shown[0])
    filtered, _ = listing(table(20), 0, 5, True, 120, "ear")
    assert "/ear  17–21 of 30" in text(filtered[0])
    again, _ = listing(table(18), first, 5, True, 120)
    assert again[1].key == "engine:16"


def test_what_is_scrolled_away_is_told_whole_wherever_there_is_room() -> None:
    assert " 1–3 of 9 " in text(title_row(JOB_COLUMNS, 120, "1–3 of 9"))
    assert "what" in text(title_row(JOB_COLUMNS, 120, "1–3 of 9"))
    assert "/night  4,321–4,331 of 10,000 " in text(title_row(JOB_COLUMNS, 120, "/night  4,321–4,331 of 10,000"))


def test_an_empty_list_says_so() -> None:
    shown, first = listing(Table(JOB_COLUMNS, 0, lambda _: Line(), None, "no jobs yet"), 3, 5, False, 40)
    assert ([text(line).strip() for line in shown], first) == (["no jobs yet"], 0)


@given(st.integers(1, 100_000), st.integers(1, 60), st.data())
def test_only_rows_in_sight_are_drawn(total: int, room: int, data: st.DataObject) -> None:
    drawn: list[int] = []

    def row(index: int) -> Line:
        drawn.append(index)
        return Line(key=str(index))

    cursor = data.draw(st.integers(0, total - 1))
    listing(Table(JOB_COLUMNS, total, row, cursor), data.draw(st.integers(0, total)), room, True, 120)
    assert len(drawn) == min(total, room)
    assert cursor in drawn


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
