"""Jobs that are changed while they run, under a pilot: every key does what it says, however many jobs there are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import scenery
import worked
from msgspec.structs import replace
from scripted import Box, Looking, looking, worked_box
from textual import events

from ipc import control
from ipc.snapshot import JobChanged, JobRow
from tui import joborder, selection
from tui.draw import joblist
from tui.draw.table import Column
from tui.ink import Line
from tui.screens.engine_choice import EngineChoice
from tui.screens.new_job import NewJob
from tui.screens.overview import Overview
from tui.store import Store

pytestmark = pytest.mark.anyio


@pytest.fixture
async def at(tmp_path: Path) -> AsyncGenerator[Looking]:
    async with looking(tmp_path, box=worked_box()) as seen:
        yield seen


def notices(at: Looking) -> str:
    return "\n".join(f"{notice.title} {notice.message}" for notice in at.app._notifications)


def of_jobs(box: Box) -> list[control.Command]:
    """What was asked but for looking."""
    return [command for command in box.asked if not isinstance(command, control.Watch | control.ShowJob)]


async def on_job(at: Looking, number: int) -> None:
    """The cursor on a job."""
    await at.press("slash", *f"gpubox-3-{number}", "enter")
    await at.press("tab")
    at.app.screen.query_one("#filter").value = ""  # type: ignore[attr-defined]
    await at.pilot.pause()
    assert f"gpubox-3-{number}" in lit(at)


def lit(at: Looking) -> str:
    """The row under the cursor."""
    return next((row for row in at.text("jobs").splitlines() if row.startswith("▸")), "")


@pytest.mark.parametrize(
    ("number", "keys", "command"),
    [
        (41, ["t"], control.RetryJob("gpubox-3-41")),
        (37, ["t"], control.RetryJob("gpubox-3-37")),
        (41, ["plus"], control.PrioritizeJob("gpubox-3-41", 6)),
        (41, ["minus"], control.PrioritizeJob("gpubox-3-41", 4)),
        (43, ["w"], control.ReleaseJob("gpubox-3-43")),
        (40, ["X", "y"], control.ClearJobs(("gpubox-3-40",))),
        (37, ["X", "y"], control.ClearJobs(("gpubox-3-37",), True)),
        (41, ["m", "enter"], control.MoveJob("gpubox-3-41", "voice-small")),
        (41, ["m", "k", "k", "enter"], control.MoveJob("gpubox-3-41", "")),
    ],
)
async def test_a_key_changes_a_job(at: Looking, number: int, keys: list[str], command: control.Command) -> None:
    await on_job(at, number)
    await at.press(*keys)
    await at.asked(command)
    assert of_jobs(at.box) == [command]


async def test_presses_in_a_row_build_on_each_other_and_the_cursor_stays_on_its_job(at: Looking) -> None:
    await on_job(at, 44)
    place = at.text("jobs").splitlines().index(lit(at))
    await at.press("plus", "plus", "plus", "plus", "plus")
    await at.until(lambda: "p9" in lit(at))
    assert [command.priority for command in of_jobs(at.box) if isinstance(command, control.PrioritizeJob)] == [
        6,
        7,
        8,
        9,
    ]
    assert "gpubox-3-44 queued p9" in lit(at)
    assert at.text("jobs").splitlines().index(lit(at)) < place


async def test_marked_jobs_change_together(at: Looking) -> None:
    await on_job(at, 38)
    await at.press("space", "k", "k")
    await at.press("space")
    await at.press("X")
    assert "Clear 2 finished jobs? That frees 3.9 M; their outputs stay." in " ".join(at.text("question").split())
    await at.press("y")
    await at.asked(control.ClearJobs(("gpubox-3-40", "gpubox-3-38")))
    await at.until(lambda: "2 jobs cleared, 3.9 M freed." in notices(at))
    await at.until(lambda: "gpubox-3-38" not in at.text("jobs"))


async def test_a_job_whose_results_are_the_last_copy_stays_and_says_why(at: Looking) -> None:
    at.box.last_copies = {"gpubox-3-40"}
    await on_job(at, 40)
    await at.press("X", "y")
    await at.until(lambda: "gpubox-3-40 is kept Its output is gone. Take the results out first." in notices(at))
    assert "gpubox-3-40" in at.text("jobs")


async def test_many_questions_are_cut_short(tmp_path: Path) -> None:
    box = worked_box()
    jobs = tuple(scenery.job(number, "running", 1, 9) for number in range(1, 20))
    box.snapshot = replace(box.snapshot, jobs=jobs)
    async with looking(tmp_path, (80, 24), box=box) as at:
        await at.press("tab", *(["space"] * 19), "x")
        told = " ".join(at.text("question").split())
        assert told.count("Cancel gpubox") == 5
        assert "… and 14 more like these." in told
        await at.press("y")
        await at.asked(control.CancelJob("gpubox-3-19"))


async def test_only_engines_of_the_kind_are_offered_and_escape_leaves(at: Looking) -> None:
    await on_job(at, 41)
    await at.press("m")
    assert isinstance(at.app.screen, EngineChoice)
    told = at.text("question")
    assert "What is left of gpubox-3-41 goes to:" in told
    assert "ready · busy · chatterbox · it is there now" in told
    assert "▸ voice-small" in told
    assert "writer" not in told
    await at.press("escape")
    assert of_jobs(at.box) == []


async def test_the_mouse_chooses_an_engine(at: Looking) -> None:
    await on_job(at, 41)
    await at.press("m")
    row = next(y for y, line in enumerate(at.text("question").splitlines()) if "any" in line)
    await at.pilot.click("#question", offset=(6, row), times=2)
    await at.asked(control.MoveJob("gpubox-3-41", ""))


async def test_jobs_of_several_kinds_do_not_move_together(at: Looking) -> None:
    await on_job(at, 41)
    await at.press("space", "k", "k", "space", "m")
    assert "move: the marked jobs are of several kinds." in notices(at)
    await at.press("escape")
    await on_job(at, 40)
    await at.press("m")
    assert "move: works on an unfinished job" in notices(at)


async def test_the_footer_tells_what_applies(at: Looking) -> None:
    assert "t retry" not in at.text("keys")
    assert "r restart" in at.text("keys")
    await on_job(at, 41)
    for told in ("p pause", "x cancel", "t retry", "+ sooner", "- later", "m move"):
        assert told in at.text("keys")
    assert "restart" not in at.text("keys")
    assert "clear" not in at.text("keys")
    await on_job(at, 40)
    assert "X clear" in at.text("keys")
    assert "pause" not in at.text("keys")


async def test_read_only_changes_no_job(tmp_path: Path) -> None:
    async with looking(tmp_path, readonly=True, box=worked_box()) as at:
        for number in (41, 43, 40):
            await on_job(at, number)
            await at.press("t", "plus", "minus", "m", "w", "X")
            assert isinstance(at.app.screen, Overview)
        await on_job(at, 41)
        await at.press("enter", "tab", "j", "o", "m", "t", "plus")
        assert {type(command) for command in of_jobs(at.box)} == {control.ShowUnits}
        assert "read-only" in notices(at)


async def test_a_bad_end_is_an_alert_until_it_is_looked_at(at: Looking) -> None:
    at.box.publish(scenery.tick(1, scenery.GPUS, scenery.FLEET))
    await at.until(lambda: "gpubox-3-36 failed: the source ended" in at.text("news"))
    await on_job(at, 36)
    await at.press("enter")
    await at.until(lambda: "results kept" in at.text("body"))
    assert "the source ended within a line" in at.text("facts")
    await at.press("escape")
    assert "gpubox-3-36 failed: the source ended" not in at.text("news")
    assert "the source ended within a line" in at.text("jobs")


async def test_a_new_job_with_everything(at: Looking) -> None:
    await on_job(at, 39)
    await at.press("n")
    assert isinstance(at.app.screen, NewJob)
    at.app.screen.focused.post_message(events.Paste("/data/a b.mp3\n/data/c/*.mp3\n"))  # type: ignore[union-attr]
    await at.pilot.pause()
    await at.press("down", *"/data/texts/", "down", "backspace", "9", "down", *"41 gpubox-3-42", "enter")
    inputs = ("/data/a b.mp3", "/data/c/*.mp3")
    after = ("gpubox-3-41", "gpubox-3-42")
    await at.asked(control.Submit("stt", "ear-medium", inputs, "/data/texts/", "", 9, after))
    await at.until(lambda: isinstance(at.app.screen, Overview))


async def test_a_job_for_any_engine_opens_the_first_and_suggests_its_kind(at: Looking) -> None:
    await on_job(at, 41)
    at.box.publish(JobChanged(replace(worked.BOOK, engine="voice, voice-small")))
    await at.until(lambda: "," in at.app.context.store.jobs["gpubox-3-41"].engine)
    await at.press("l")
    await at.asked(control.Logs("voice", 1000, True))
    await at.press("escape", "n", *"/a", "down", *"/o", "enter")
    await at.asked(control.Submit("tts", "", ("/a",), "/o", ""))


async def test_what_is_wrong_with_a_new_job_is_said_in_the_form(at: Looking) -> None:
    await at.press("n", *"/a.jsonl", "down", *"/out", "down", "backspace", "0", "enter")
    await at.until(lambda: "The priority is 1 to 9, not 0." in at.text("said"))
    assert isinstance(at.app.screen, NewJob)


# ── ten thousand jobs ──


class Work:
    """Counts what is done for the list of jobs, while it is done as ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows = self.places = self.offers = 0
        draw, find, offer = joblist.job_row, joborder.place, selection.Selection.offer

        def row(store: Store, row: JobRow, columns: tuple[Column, ...], width: int, mark: str) -> Line:
            self.rows += 1
            return draw(store, row, columns, width, mark)

        def place(row: JobRow) -> joborder.Place:
            self.places += 1
            return find(row)

        def offered(chosen: selection.Selection, keys: list[str]) -> None:
            self.offers += 1
            offer(chosen, keys)

        monkeypatch.setattr(joblist, "job_row", row)
        monkeypatch.setattr(joborder, "place", place)
        monkeypatch.setattr(selection.Selection, "offer", offered)

    def none(self) -> None:
        """From here on."""
        self.rows = self.places = self.offers = 0


async def test_of_ten_thousand_jobs_a_key_draws_those_in_sight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = worked_box(10_000)
    async with looking(tmp_path, (120, 40), box=box) as at:
        await at.press("tab")
        in_sight = len(at.text("jobs").splitlines()) - 2
        work = Work(monkeypatch)
        for key in ("j", "G", "k", "pageup", "g", "tab"):
            work.none()
            await at.press(key)
            assert 0 < work.rows <= in_sight
            assert (work.places, work.offers) == (0, 0)
        work.none()
        running = next(row for row in box.snapshot.jobs if row.state == "running")
        box.publish(JobChanged(replace(running, units_done=running.units_done + 1, units_failed=3)))
        await at.until(lambda: "3 set aside" in at.text("jobs"))
        assert work.places == 1
        assert work.offers == 0
        assert work.rows <= 3 * in_sight


async def test_ten_thousand_jobs_are_narrowed_by_a_filter(tmp_path: Path) -> None:
    async with looking(tmp_path, (120, 40), box=worked_box(10_000)) as at:
        assert "of 10,000" in at.text("jobs")
        await at.press("slash", *"-3-9999", "enter", "tab")
        await at.until(lambda: "gpubox-3-9999" in lit(at))
        assert at.text("jobs").count("gpubox-3-") == 1
        await at.press("escape")
        await at.until(lambda: "of 10,000" in at.text("jobs"))
        assert "gpubox-3-9999" in lit(at)
