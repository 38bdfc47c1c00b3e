"""Numbers and jobs as a person reads them, by table."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from scripted_supervisor import ENGINE, JOB, UNIT

from cli import job_words, say, words
from ipc.snapshot import JobRow
from ipc.states import Ready, Stopped

RUNNING = replace(
    JOB,
    units_done=1388,
    units_total=9900,
    tokens=5000,
    tokens_per_second=212.4,
    units_per_second=1.32,
    eta_seconds=6420.0,
    eta_spread_seconds=540.0,
)


@pytest.mark.parametrize(
    ("seconds", "spread_seconds", "says"),
    [
        (None, None, "—"),
        (None, 5.0, "—"),
        (6420.0, 540.0, "01:47:00 ±9 min"),
        (6420.0, 541.0, "01:47:00 ±10 min"),
        (70.0, None, "~01:10"),
        (70.0, 0.0, "01:10 ±1 s"),
        (70.0, 8.2, "01:10 ±9 s"),
        (700.0, 100.0, "11:40 ±100 s"),
        (700.0, 101.0, "11:40 ±2 min"),
        (20000.0, 6000.0, "05:33:20 ±100 min"),
        (20000.0, 6001.0, "05:33:20 ±2 h"),
        (400000.0, 172800.0, "4 d 15:06 ±48 h"),
        (400000.0, 172801.0, "4 d 15:06 ±3 d"),
    ],
)
def test_what_is_left(seconds: float | None, spread_seconds: float | None, says: str) -> None:
    assert words.left(seconds, spread_seconds) == says


@pytest.mark.parametrize(
    ("joules", "says"),
    [
        (None, "—"),
        (0.0, "0 J"),
        (0.00312, "0.0031 J"),
        (3.14, "3.1 J"),
        (840.2, "840 J"),
        (12_400.0, "12.4 kJ"),
        (3.1e6, "3.1 MJ"),
        (7.25e9, "7.2 GJ"),
        (7.25e12, "7250.0 GJ"),
    ],
)
def test_energy(joules: float | None, says: str) -> None:
    assert words.energy(joules) == says


@pytest.mark.parametrize(
    ("factor", "says"), [(None, "—"), (0.04, "RTF 0.04"), (1.5, "RTF 1.50"), (0.0042, "RTF 0.004"), (0.0, "RTF 0")]
)
def test_real_time_factor(factor: float | None, says: str) -> None:
    assert words.rtf(factor) == says


@pytest.mark.parametrize(
    ("per_second", "says"),
    [(None, "—"), (212.4, "212 tok/s"), (3.44, "3.4 tok/s"), (0.0123, "0.012 tok/s"), (0.0, "0 tok/s")],
)
def test_rate(per_second: float | None, says: str) -> None:
    assert words.rate(per_second, "tok") == says


@pytest.mark.parametrize(
    ("total", "expected", "says"),
    [(9900, None, "1388/9900"), (9900, 10, "1388/9900"), (None, 9900, "1388/~9900"), (None, None, "1388/—")],
)
def test_progress(total: int | None, expected: int | None, says: str) -> None:
    row = replace(RUNNING, units_total=total, units_expected=expected)
    assert job_words.progress_of(row) == says


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (RUNNING, "212 tok/s"),
        (replace(RUNNING, audio_seconds=60.0, rtf=0.04), "RTF 0.04"),
        (replace(RUNNING, tokens=0, tokens_per_second=0.0), "1.3 units/s"),
        (replace(RUNNING, tokens_per_second=None, units_per_second=None), "—"),
        (JOB, "—"),
    ],
)
def test_speed(row: JobRow, says: str) -> None:
    assert job_words.speed_of(row) == says


def test_speed_of_a_unit() -> None:
    assert job_words.speed_of_unit(UNIT) == "50 tok/s"
    assert job_words.speed_of_unit(replace(UNIT, audio_seconds=52.5)) == "RTF 0.04"
    assert job_words.speed_of_unit(replace(UNIT, tokens=None)) == "—"
    assert job_words.speed_of_unit(replace(UNIT, seconds=None, audio_seconds=52.5)) == "—"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (JOB, "—"),
        (replace(JOB, joules=12_400.0), "12.4 kJ"),
        (replace(JOB, joules=12_400.0, tokens=4000), "12.4 kJ, 3.1 J/tok"),
        (replace(JOB, joules=120.0, tokens=9, audio_seconds=60.0), "120 J, 2 J for each second of audio"),
    ],
)
def test_energy_of_a_job(row: JobRow, says: str) -> None:
    assert job_words.energy_of(row) == says


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (RUNNING, "box-1 running 1388/9900 · 212 tok/s · 01:47:00 ±9 min left"),
        (replace(RUNNING, state="paused"), "box-1 paused 1388/9900"),
        (replace(RUNNING, state="held", reason="heat", units_failed=2), "box-1 held 1388/9900 · 2 set aside · heat"),
        (JOB, "box-1 running 0/— · — · — left"),
    ],
)
def test_a_job_on_one_line(row: JobRow, says: str) -> None:
    assert job_words.line(row) == says


@pytest.mark.parametrize(("text", "says"), [("prompts.jsonl line 12", "…nl line 12"), ("line 12", "line 12")])
def test_the_ending_of_a_long_text(text: str, says: str) -> None:
    assert words.ending(text, 11) == says


def test_a_table_in_parts_never_gets_narrower() -> None:
    columns = say.Columns(right=frozenset({1}))
    assert columns.lines([("name", "n"), ("a", "1")]) == ["name  n", "a     1"]
    assert columns.lines([("b", "1000")]) == ["b     1000"]
    assert columns.lines([("c", "2")]) == ["c        2"]
    assert columns.lines([]) == []


def test_an_engine_s_remark_has_what_it_says_of_itself_while_its_model_is_loaded() -> None:
    row = replace(ENGINE, state=Ready(1, 0, 0), chosen="8 together", said="225 words", note="")
    assert words.remark_of(row) == "8 together; 225 words"
    assert words.remark_of(replace(row, state=Stopped("idle"))) == "8 together"
