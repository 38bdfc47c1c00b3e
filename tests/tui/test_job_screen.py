"""The screen of one job under a pilot: it asks for what comes in sight, follows the job, and acts on its units."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import worked
from msgspec.structs import replace
from scripted import Box, Looking, looking, worked_box

from ipc import control
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import JobChanged, JobGone, UnitRow
from tui.draw import job_units
from tui.ink import Line
from tui.screens import job as job_screen
from tui.screens.job import MORE, JobPlace
from tui.screens.overview import Overview
from tui.screens.question import Question
from tui.units import PAGE

pytestmark = pytest.mark.anyio

BOOK = "gpubox-3-41"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncGenerator[Looking]:
    async with looking(tmp_path, box=worked_box()) as seen:
        await open_book(seen)
        yield seen


async def open_book(at: Looking) -> None:
    await at.press("tab", "j", "j", "j", "enter")
    assert isinstance(at.app.screen, JobPlace)
    assert at.app.screen.job == BOOK
    await at.until(lambda: "#0 " in at.text("body"))


def pages(box: Box) -> list[control.ShowUnits]:
    return [command for command in box.asked if isinstance(command, control.ShowUnits)]


def notices(at: Looking) -> str:
    return "\n".join(f"{notice.title} {notice.message}" for notice in at.app._notifications)


async def test_one_look_tells_numbers_runs_problems_and_units(at: Looking) -> None:
    body = at.text("body")
    for part in (
        "1,204/~1,700",
        "voice-small",
        "problems  3",
        "Set aside: voice died",
        "#0       done",
        "chapter 1, line 0",
    ):
        assert part in body
    assert pages(at.box) == [control.ShowUnits(BOOK, -1, PAGE)]
    assert at.text("pane") == ""
    assert "tab problems  m move" in at.text("keys")
    await at.press("tab")
    assert "o again" in at.text("keys")
    assert "tab units  # find unit" in at.text("keys")


async def test_the_problem_under_the_cursor_is_told_and_tried_again(at: Looking) -> None:
    await at.press("tab", "j")
    assert "▸▴ #731" in at.text("body")
    assert "Look at the last lines of its log." in at.text("pane")
    assert "o retry it" in at.text("keys")
    await at.press("o")
    await at.asked(control.RetryJob(BOOK, ("#731",)))


async def test_all_problems_are_tried_again(at: Looking) -> None:
    await at.press("t")
    await at.asked(control.RetryJob(BOOK))


async def test_a_long_log_tail_is_told_whole_on_demand(at: Looking) -> None:
    await at.press("tab", "j")
    assert "lines above: enter shows them" in at.text("pane")
    assert "step 1: allocating" not in at.text("pane")
    await at.press("enter")
    assert "step 1: allocating" in at.text("pane")
    assert "▸▴ #731" in at.text("body")


async def test_a_piece_of_a_source_cannot_be_tried_again(at: Looking) -> None:
    await at.press("tab", "o")
    assert "again: works on a unit that ended" in notices(at)
    assert not any(isinstance(command, control.RetryJob) for command in at.box.asked)


async def test_a_unit_is_redone_after_a_question_that_says_what_happens(at: Looking) -> None:
    await at.press("tab", "tab", "j", "j")
    assert "▸✓ #2" in at.text("body")
    assert "run 1 on voice-small" in at.text("pane")
    await at.press("o")
    assert isinstance(at.app.screen, Question)
    assert "Its result stays until there is a new one; moby-dick.m4b gets the new one." in " ".join(
        at.text("question").split()
    )
    await at.press("n", "o", "y")
    await at.asked(control.RedoUnits(BOOK, ("#2",)))
    assert [type(command) for command in at.box.asked].count(control.RedoUnits) == 1


async def test_the_job_itself_is_paused_moved_and_cancelled_from_here(at: Looking) -> None:
    await at.press("p")
    await at.asked(control.PauseJob(BOOK))
    await at.press("plus")
    await at.asked(control.PrioritizeJob(BOOK, 6))
    await at.until(lambda: "running p6" in at.text("facts"))
    await at.press("m", "enter")
    await at.asked(control.MoveJob(BOOK, "voice-small"))
    await at.press("x", "y")
    await at.asked(control.CancelJob(BOOK))


async def test_units_come_page_by_page_as_the_reader_goes(at: Looking) -> None:
    await at.press("G")
    await at.until(lambda: "▸… #1000" in at.text("body") or "▸✓ #1000" in at.text("body"))
    await at.asked(control.ShowUnits(BOOK, PAGE - 1, PAGE))
    await at.until(lambda: "▸✓ #1000" in at.text("body"))
    await at.press("G")
    await at.until(lambda: "▸○ #1299" in at.text("body"))
    await at.press("pageup")
    await at.press("g")
    assert "results kept" in at.text("body")
    assert len(pages(at.box)) == 2


async def test_a_unit_is_found_by_its_number(at: Looking) -> None:
    await at.press("number_sign", *"988", "enter")
    assert "▸✕ #988" in at.text("body")
    assert "m move" in at.text("keys")
    await at.press("number_sign", "escape")
    assert isinstance(at.app.screen, JobPlace)
    assert "m move" in at.text("keys")
    await at.press("escape")
    assert isinstance(at.app.screen, Overview)


async def test_it_follows_the_job_and_asks_only_for_units_in_sight(at: Looking) -> None:
    at.box.detail = replace(worked.DETAIL, numbers=replace(worked.DETAIL.numbers, attempts=4321))
    at.box.publish(JobChanged(replace(worked.BOOK, units_done=1230)))
    await at.until(lambda: "4,321" in at.text("body"))
    assert "1,230/~1,700" in at.text("body")
    (first, again) = pages(at.box)
    assert again.after == first.after
    assert again.limit < MORE + 34


async def test_new_units_are_seen_when_they_are_planned(at: Looking) -> None:
    await at.press("G", "G")
    await at.until(lambda: "▸○ #1299" in at.text("body"))
    at.box.units = 1310
    at.box.publish(JobChanged(replace(worked.BOOK, units_done=1210)))
    place = at.app.screen
    assert isinstance(place, JobPlace)
    await at.until(lambda: place.view.units.count == 1310)
    await at.press("j")
    assert "▸○ #1300" in at.text("body")


async def test_a_job_that_is_cleared_says_so(at: Looking) -> None:
    at.box.publish(JobGone(BOOK))
    await at.until(lambda: f"{BOOK} was cleared." in at.text("facts"))
    await at.press("o", "t", "escape")
    assert isinstance(at.app.screen, Overview)


async def test_a_page_that_is_refused_is_not_asked_for_over_and_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = worked_box()
    answer = box.answer

    async def refusing(command: control.OneAnswer) -> control.Answer:
        if isinstance(command, control.ShowUnits):
            box.asked.append(command)
            raise RequestFailed(Problem("No units", "They cannot be read.", "Look at the disk."))
        return await answer(command)

    monkeypatch.setattr(box, "answer", refusing)
    monkeypatch.setattr(job_screen, "AGAIN_SECONDS", 3600.0)  # a busy machine takes longer than a second for ten keys
    async with looking(tmp_path, box=box) as at:
        await at.press("tab", "j", "j", "j", "enter")
        await at.until(lambda: "They cannot be read." in notices(at))
        asked = len(pages(box))
        for _ in range(5):
            await at.press("j", "k")
        assert len(pages(box)) == asked
        for done in range(3):
            box.publish(JobChanged(replace(worked.BOOK, units_done=done)))
            await at.until(lambda: f"{done}/~1,700" in at.text("body"))  # noqa: B023 (awaited within the turn)
        assert notices(at).count("They cannot be read.") == 1


async def test_of_a_hundred_thousand_units_a_key_draws_and_asks_for_those_in_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = worked_box()
    box.units = 100_000
    whole = replace(worked.BOOK, units_total=100_000)
    box.snapshot = worked.worked((whole, *worked.JOBS[1:]))
    box.detail = replace(worked.DETAIL, row=whole)
    drawn = 0
    real = job_units.unit_row

    def counted(index: int, unit: UnitRow | None, width: int, lit: bool) -> Line:
        nonlocal drawn
        drawn += 1
        return real(index, unit, width, lit)

    async with looking(tmp_path, box=box) as at:
        await open_book(at)
        monkeypatch.setattr(job_units, "unit_row", counted)
        in_sight = at.app.screen.size.height
        for key, most in (("j", 1), ("pagedown", 1), ("G", 2), ("pageup", 2), ("g", 1)):
            drawn = 0
            await at.press(key)
            assert drawn <= most * in_sight, key
        await at.press("G")
        await at.until(lambda: "▸○ #99999" in at.text("body"))
    assert len(pages(box)) <= 3
    assert sum(page.limit for page in pages(box)) <= 3 * PAGE


async def test_in_a_tiny_terminal_nothing_breaks(tmp_path: Path) -> None:
    async with looking(tmp_path, (30, 8), box=worked_box()) as at:
        await at.press("tab", "enter")
        assert isinstance(at.app.screen, JobPlace)
        for key in ("j", "G", "tab", "tab", "enter", "pageup", "number_sign", "escape", "o", "escape"):
            await at.press(key)
        assert at.app.is_running
