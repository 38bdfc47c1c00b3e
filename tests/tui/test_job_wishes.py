"""What each key asks for a job, a unit or a problem, and what it says will happen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import scenery
import worked

from ipc import states
from ipc.control import (
    CancelJob,
    ClearJobs,
    MoveJob,
    OneAnswer,
    PauseJob,
    PrioritizeJob,
    RedoUnits,
    ReleaseJob,
    ResumeJob,
    RetryJob,
)
from ipc.snapshot import JobRow, JobState, UnitProblem, UnitRow
from tui import job_wishes
from tui.wishes import Target, Wish

Wisher = Callable[[Target], Wish | None]
ID = "gpubox-3-1"
READY = states.Ready(1, 1, 0)


@pytest.mark.parametrize(
    ("wish", "state", "other", "wanted"),
    [
        (job_wishes.pause_or_resume, "running", {}, PauseJob(ID)),
        (job_wishes.pause_or_resume, "queued", {}, PauseJob(ID)),
        (job_wishes.pause_or_resume, "held", {}, PauseJob(ID)),
        (job_wishes.pause_or_resume, "paused", {}, ResumeJob(ID)),
        (job_wishes.pause_or_resume, "assembling", {}, None),
        (job_wishes.pause_or_resume, "done", {}, None),
        (job_wishes.cancel, "running", {}, CancelJob(ID)),
        (job_wishes.cancel, "assembling", {}, CancelJob(ID)),
        (job_wishes.cancel, "done", {}, None),
        (job_wishes.retry, "running", {}, None),
        (job_wishes.retry, "running", {"units_failed": 2}, RetryJob(ID)),
        (job_wishes.retry, "done with problems", {"units_failed": 2}, RetryJob(ID)),
        (job_wishes.retry, "done with problems", {}, None),
        (job_wishes.retry, "failed", {}, RetryJob(ID)),
        (job_wishes.retry, "cancelled", {}, RetryJob(ID)),
        (job_wishes.retry, "done", {}, None),
        (job_wishes.sooner, "running", {}, PrioritizeJob(ID, 6)),
        (job_wishes.sooner, "queued", {"priority": 9}, None),
        (job_wishes.sooner, "done", {}, None),
        (job_wishes.later, "held", {}, PrioritizeJob(ID, 4)),
        (job_wishes.later, "queued", {"priority": 1}, None),
        (job_wishes.release, "queued", {"after": ("a",), "units_done": 0}, ReleaseJob(ID)),
        (job_wishes.release, "held", {"after": ("a",), "units_done": 0}, ReleaseJob(ID)),
        (job_wishes.release, "queued", {"units_done": 0}, None),
        (job_wishes.release, "running", {"after": ("a",), "units_done": 0}, None),
        (job_wishes.release, "held", {"after": ("a",), "units_done": 3}, None),
        (job_wishes.release, "failed", {"after": ("a",), "units_done": 0}, None),
        (job_wishes.clear, "running", {}, None),
        (job_wishes.clear, "done", {}, ClearJobs((ID,), False)),
        (job_wishes.clear, "cancelled", {}, ClearJobs((ID,), True)),
        (job_wishes.clear, "failed", {"units_done": 0}, ClearJobs((ID,), False)),
    ],
)
def test_of_a_job(wish: Wisher, state: JobState, other: dict[str, object], wanted: OneAnswer | None) -> None:
    values = {"units_done": 5, **other}
    done = values.pop("units_done")
    assert isinstance(done, int)
    asked = wish(scenery.job(1, state, done, 10, **values))
    assert (asked.command if asked else None) == wanted
    assert wish(scenery.engine("w", READY)) is None


@pytest.mark.parametrize(
    ("done", "total", "failed", "said"),
    [
        (1388, 9900, 12, "Cancel gpubox-3-1? 1,388 finished units stay stored; 8,500 units will not be done."),
        (1, 2, 0, "Cancel gpubox-3-1? 1 finished unit stays stored; 1 unit will not be done."),
        (0, None, 0, "Cancel gpubox-3-1? 0 finished units stay stored; the rest, still uncounted, will not be done."),
    ],
)
def test_cancelling_names_what_stays_and_what_is_lost(done: int, total: int | None, failed: int, said: str) -> None:
    asked = job_wishes.cancel(scenery.job(1, "running", done, total, units_failed=failed))
    assert asked
    assert asked.asks == said


def over(number: int, state: JobState, done: int, size: int) -> JobRow:
    return scenery.job(number, state, done, 300, finished_unix=1.0, result_bytes=size)


@pytest.mark.parametrize(
    ("rows", "commands", "asks"),
    [
        (
            [over(1, "done", 300, 4 << 20)],
            [ClearJobs((ID,))],
            "Clear gpubox-3-1? That frees 4.0 M; answers.jsonl stays.",
        ),
        (
            [over(1, "cancelled", 20, 1 << 20)],
            [ClearJobs((ID,), True)],
            "Clear gpubox-3-1? That frees 1.0 M. 20 results exist nowhere else and will be lost.",
        ),
        (
            [over(1, "done", 300, 4 << 20), over(2, "failed", 0, 0), scenery.job(3, "running", 1, 2)],
            [ClearJobs((ID, "gpubox-3-2"))],
            "Clear 2 finished jobs? That frees 4.0 M; their outputs stay.",
        ),
        (
            [over(1, "done", 9, 1 << 20), over(2, "failed", 7, 1 << 20), over(3, "cancelled", 1, 0)],
            [ClearJobs((ID,)), ClearJobs(("gpubox-3-2", "gpubox-3-3"), True)],
            (
                "Clear 3 finished jobs? That frees 2.0 M; their outputs stay. "
                "8 results of 2 jobs that failed or were cancelled exist nowhere else and will be lost."
            ),
        ),
        ([scenery.job(3, "running", 1, 2), scenery.engine("w", READY)], [], ""),
    ],
)
def test_clearing_is_one_question_that_names_bytes_and_last_copies(
    rows: list[Target], commands: list[ClearJobs], asks: str
) -> None:
    asked = job_wishes.clearing(rows)
    assert [wish.command for wish in asked] == commands
    assert [wish.asks for wish in asked] == [asks, ""][: len(commands)]


UNREADABLE, SET_ASIDE, _ = worked.PROBLEMS


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        (SET_ASIDE, RetryJob("gpubox-3-41", ("#731",))),
        (UNREADABLE, None),
        (scenery.DETAIL.problems[1], RetryJob("gpubox-3-41", ("p058",))),
        (worked.unit(731), RetryJob("gpubox-3-41", ("#731",))),
        (worked.unit(12), RedoUnits("gpubox-3-41", ("#12",))),
        (worked.unit(1207), None),
        (worked.unit(1250), None),
    ],
)
def test_a_unit_or_problem_once_more(chosen: UnitProblem | UnitRow, wanted: OneAnswer | None) -> None:
    asked = job_wishes.again(worked.BOOK, chosen)
    assert (asked.command if asked else None) == wanted
    assert bool(asked and asked.asks) == isinstance(wanted, RedoUnits)


def test_a_redo_says_what_will_happen() -> None:
    asked = job_wishes.again(worked.BOOK, worked.unit(12))
    assert asked
    assert asked.asks == (
        "Do #12 (ch01-012) of gpubox-3-41 again? Its result stays until there is a new one; "
        "moby-dick.m4b gets the new one."
    )
    finished = job_wishes.again(worked.JOBS[-2], worked.unit(12))
    assert finished
    assert "then answers.jsonl is written again" in finished.asks


def test_only_what_goes_on_can_move_and_not_to_where_it_is() -> None:
    rows: list[Target] = [scenery.engine("w", READY), worked.BOOK, worked.JOBS[-1], scenery.job(5, "assembling", 1, 1)]
    assert job_wishes.movable(rows) == [worked.BOOK]
    there = job_wishes.move(worked.BOOK, "voice-small")
    assert there
    assert there.command == MoveJob("gpubox-3-41", "voice-small")
    anywhere = job_wishes.move(worked.BOOK, "")
    assert anywhere
    assert anywhere.command == MoveJob("gpubox-3-41", "")
    assert job_wishes.move(worked.BOOK, "voice") is None
