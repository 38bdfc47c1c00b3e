"""The dashboard under a pilot, attached over a real socket to a scripted box: every key does what it says."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import booked
import msgspec
import pytest
import scenery
from scripted import Box, Looking, looking
from textual.color import Color
from textual.widgets import OptionList

from ipc import control, states
from ipc.snapshot import EngineChanged, Happened, Happening
from tui.actions import ACTIONS, Act
from tui.screens.engine import EnginePlace
from tui.screens.events import EventsPlace
from tui.screens.help import Help
from tui.screens.job import JobPlace
from tui.screens.knobs import KnobPanel
from tui.screens.new_job import NewJob
from tui.screens.overview import Overview
from tui.screens.question import Question

pytestmark = pytest.mark.anyio


@pytest.fixture
async def at(tmp_path: Path) -> AsyncGenerator[Looking]:
    async with looking(tmp_path) as seen:
        yield seen


def notices(at: Looking) -> str:
    """All that was said in passing."""
    return "\n".join(f"{notice.title} {notice.message}" for notice in at.app._notifications)


async def found(at: Looking, text: str) -> None:
    """Wait until the palette offers, first of all, something with this text."""

    def first() -> str:
        lists = [field for field in at.app.screen.query(OptionList) if field.option_count]
        return str(lists[0].get_option_at_index(0).prompt) if lists else ""

    await at.until(lambda: text in first())
    await at.pilot.pause()


async def test_one_glance_tells_it_all(at: Looking) -> None:
    assert "gpubox-3 · up 3 d 04:12 · 2 clients" in at.text("title")
    assert "▲ 4 alerts" in at.text("title")
    assert "rec 00:42:10" in at.text("title")
    assert "12.0 / 32.0 GiB" in at.text("host")
    assert "▸● writer" in at.text("engines")
    assert "212 tok/s" in at.text("engines")
    assert "held       llm reviews.jsonl" in at.text("jobs")
    assert "scribe failed: engineroom start" in at.text("jobs")
    assert "scribe failed: truncated file" in at.text("news")
    assert "q detach" in at.text("keys")


async def test_what_happens_is_shown(at: Looking) -> None:
    at.box.publish(EngineChanged(scenery.engine("writer", states.Stopping(1, "kill", "it did not listen"))))
    at.box.publish(Happened(Happening(50, scenery.NOW, "info", "writer", "x", "the newest sentence")))
    at.box.publish(scenery.tick(3600))
    await at.until(lambda: "the newest sentence" in at.text("news"))
    assert "stopping · kill" in at.text("engines")
    await at.until(lambda: "up 3 d 05:12" in at.text("title"))


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        (["u"], control.Unload("writer")),
        (["r"], control.Restart("writer")),
        (["s", "y"], control.Stop("writer")),
        (["j", "s"], control.Stop("scratch")),
        (["down", "down", "down", "down", "down", "s"], control.Start("vectors")),
        (["tab", "p"], control.PauseJob("gpubox-3-39")),
        (["tab", "j", "x", "y"], control.CancelJob("gpubox-3-41")),
        (["R"], control.StopRecording()),
    ],
)
async def test_a_key_asks_the_supervisor(at: Looking, keys: list[str], command: control.Command) -> None:
    await at.press(*keys)
    await at.asked(command)


@pytest.mark.parametrize("no", ["n", "escape", "q", "enter"])
async def test_a_question_names_what_is_lost_and_only_y_says_yes(at: Looking, no: str) -> None:
    await at.press("tab", "j", "x")
    assert isinstance(at.app.screen, Question)
    assert "1,388 finished units stay stored; 8,512 units will not be done." in " ".join(at.text("question").split())
    await at.press(no)
    await at.press("escape")
    assert isinstance(at.app.screen, Overview)
    assert not [command for command in at.box.asked if isinstance(command, control.CancelJob)]


async def test_a_recording_begins_in_the_state_folder_of_the_box(tmp_path: Path) -> None:
    box = Box()
    quiet = msgspec.structs.replace(scenery.SUPERVISOR, recording=None)
    box.snapshot = msgspec.structs.replace(box.snapshot, supervisor=quiet)
    async with looking(tmp_path, box=box) as at:
        assert "rec" not in at.text("title")
        await at.press("R")
        asked = await box.until_asked(lambda command: isinstance(command, control.Record))
        assert isinstance(asked, control.Record)
        assert asked.path.startswith(f"{quiet.state_folder}/recording-")
        assert asked.path.endswith(".jsonl.zst")


async def test_marked_rows_are_acted_on_together(at: Looking) -> None:
    await at.press("space", "space")
    assert at.text("engines").count("✓") == 2
    await at.press("r")
    await at.asked(control.Restart("writer"))
    await at.asked(control.Restart("scratch"))
    await at.press("escape")
    assert "✓" not in at.text("engines")


async def test_what_does_not_apply_says_so_and_asks_nothing(at: Looking) -> None:
    await at.press("x")
    assert "cancel: works on a job" in notices(at)
    assert at.box.asked == [control.Watch()]


async def test_a_refusal_is_shown_with_its_way_out(at: Looking) -> None:
    at.box.refuse.add("writer")
    await at.press("r")
    await at.until(lambda: "Look at its log." in notices(at))
    assert "[b]refuses[/b]" in notices(at)


async def test_the_filter_narrows_both_lists_and_escape_clears_it(at: Looking) -> None:
    await at.press("slash", *"night")
    assert "gpubox-3-42" in at.text("jobs")
    assert "gpubox-3-41" not in at.text("jobs")
    assert "no engine matches the filter" in at.text("engines")
    await at.press("enter")
    assert "gpubox-3-41" not in at.text("jobs")
    await at.press("escape")
    assert "gpubox-3-41" in at.text("jobs")
    assert "writer" in at.text("engines")


async def test_the_filter_can_be_left_while_typing(at: Looking) -> None:
    await at.press("slash", *"night", "escape")
    assert "gpubox-3-41" in at.text("jobs")
    assert "▸▶ gpubox-3-42" in at.text("jobs")
    await at.press("g", "j")
    assert "▸● scratch" in at.text("engines")


async def test_knobs_show_the_price_and_enter_applies(at: Looking) -> None:
    await at.press("e")
    await at.until(lambda: "parallel" in at.text("knobs"))
    await at.press("j", "right")
    await at.asked(control.SetKnobs("writer", {"parallel": 5}, True))
    await at.until(lambda: "writer: parallel → 5: 2 units to finish, reload ~21 s" in at.text("feet"))
    assert "4→5" in at.text("knobs")
    await at.press("enter")
    await at.asked(control.SetKnobs("writer", {"parallel": 5}, False))
    await at.until(lambda: isinstance(at.app.screen, Overview))
    assert "parallel → 5" in notices(at)


async def test_keys_at_rest_ask_for_one_price(at: Looking) -> None:
    await at.press("e")
    await at.until(lambda: "parallel" in at.text("knobs"))
    await at.press("j", "right", "right", "right", "z")
    await at.until(lambda: "2 units to finish" in at.text("feet"))
    priced = [command for command in at.box.asked if isinstance(command, control.SetKnobs)]
    assert priced[-1] == control.SetKnobs("writer", {"parallel": 6}, True)
    assert len(priced) <= 2


async def test_a_value_is_typed_and_one_that_is_refused_keeps_the_panel(at: Looking) -> None:
    await at.press("e")
    await at.until(lambda: "parallel" in at.text("knobs"))
    at.box.refuse.add("writer")
    await at.press("j", "1")
    await at.press("6", "enter")
    await at.asked(control.SetKnobs("writer", {"parallel": 16}, True))
    await at.until(lambda: "The engine [b]refuses[/b]. Look at its log." in at.text("feet"))
    await at.press("enter")
    await at.asked(control.SetKnobs("writer", {"parallel": 16}, False))
    assert isinstance(at.app.screen, KnobPanel)
    await at.press("escape")
    assert isinstance(at.app.screen, Overview)


async def test_leaving_the_panel_or_the_field_applies_nothing(at: Looking) -> None:
    await at.press("e")
    await at.until(lambda: "parallel" in at.text("knobs"))
    await at.press("j", "j", "j", "j", "i")
    await at.press("x", "escape")
    assert isinstance(at.app.screen, KnobPanel)
    assert "‹ miniature ›" in at.text("knobs")
    await at.press("right")
    await at.press("escape", "escape")
    assert isinstance(at.app.screen, Overview)
    assert not [command for command in at.box.asked if isinstance(command, control.SetKnobs)]


async def test_a_knob_is_looked_for_while_its_name_is_typed(at: Looking) -> None:
    await at.press("e")
    await at.until(lambda: "▸ deterministic" in at.text("knobs"))
    wide = at.app.screen.query_one("#knobs").size.width
    await at.press("/", "t", "e", "m", "p")
    await at.until(lambda: "▸ temperature" in at.text("knobs"))
    assert at.app.screen.query_one("#knobs").size.width == wide, "the field takes nothing from the rows"
    await at.press("escape")
    assert "▸ deterministic" in at.text("knobs")
    await at.press("/", "t", "q")
    await at.until(lambda: "no setting has 'tq' in its name or help" in at.text("feet"))
    await at.press("backspace")
    await at.until(lambda: "enter stays there" in at.text("feet"))
    await at.press("escape")
    await at.press("/", "c", "t", "x", "enter")
    await at.until(lambda: "▸ n ctx" in at.text("knobs"))
    assert isinstance(at.app.screen, KnobPanel)
    await at.press("right")
    await at.asked(control.SetKnobs("writer", {"n_ctx": 8192}, True))


async def test_the_log_follows_its_end_and_the_reader(at: Looking) -> None:
    await at.press("l")
    assert isinstance(at.app.screen, EnginePlace)
    await at.asked(control.Logs("writer", 1000, True))
    place = at.app.screen
    await at.until(lambda: len(place.text.rows) > 40)
    assert "long long" in at.text("text")
    assert "red � tail" in at.text("text")
    await at.press("g")
    assert "writer: line 1 " in at.text("text")
    assert "long long" not in at.text("text")
    await at.press("right_square_bracket")
    await at.asked(control.Logs("scratch", 1000, True))
    await at.until(lambda: "scratch: line 39" in at.text("text"))
    await at.press("s")
    await at.asked(control.Stop("scratch"))
    await at.press("e")
    assert isinstance(at.app.screen, KnobPanel)
    await at.press("escape", "escape")
    assert isinstance(at.app.screen, Overview)


async def test_a_job_shows_its_numbers_and_what_was_set_aside(at: Looking) -> None:
    await at.press("tab", "enter")
    assert isinstance(at.app.screen, JobPlace)
    await at.until(lambda: "Bad line: The line is no JSON object." in at.text("body"))
    for part in ("180 ms · 410 ms", "198 tok/s", "parallel 4 · deterministic on · 1 by default"):
        assert part in at.text("body")
    await at.press("p")
    await at.asked(control.PauseJob("gpubox-3-39"))
    await at.press("q")
    assert isinstance(at.app.screen, Overview)


async def test_an_engine_tells_its_hold_its_policy_and_its_alarms(tmp_path: Path) -> None:
    box = Box()
    box.snapshot = booked.booked()
    async with looking(tmp_path, (80, 24), box=box) as at:
        await at.press("j", "l")
        facts = " ".join(at.text("facts").split())
        assert "first token 4 ms · idle→ exit 5 m · chosen: f16 · 20 of 33 layers" in facts
        assert "swapped 14 times in 10 min, 9 min lost · pin one" in facts
        await at.press("escape", "j", "j", "j", "l")
        assert "heat: GPU 1: 92 °C, resumes at 82" in at.text("facts")
        await at.press("escape", "slash", *"held", "enter")
        assert "ear-medium" in at.text("engines")
        assert "giant" in at.text("engines")
        assert "scratch" not in at.text("engines")


async def test_all_events(at: Looking) -> None:
    await at.press("v")
    assert isinstance(at.app.screen, EventsPlace)
    await at.until(lambda: "gpubox-3-41: began on writer" in at.text("text"))
    assert "2 of the last 4 are warnings or errors" in at.text("facts")


async def test_a_new_job_is_submitted(at: Looking) -> None:
    await at.press("n")
    assert isinstance(at.app.screen, NewJob)
    await at.press(*"a.jsonl", "enter", *"/out", "enter")
    await at.until(lambda: "a.jsonl is not an absolute path" in at.text("said"))
    await at.press("up", "home", "/", "down", "enter")
    await at.asked(control.Submit("llm", "writer", ("/a.jsonl",), "/out", ""))
    await at.until(lambda: isinstance(at.app.screen, Overview))
    assert "gpubox-3-41 is queued." in notices(at)


async def test_help_lists_every_action(at: Looking) -> None:
    await at.press("question_mark")
    assert isinstance(at.app.screen, Help)
    shown = at.text("help")
    assert [
        action.id for action in ACTIONS if isinstance(action, Act) or action.listed if action.help not in shown
    ] == []
    await at.press("f1")
    assert isinstance(at.app.screen, Overview)


async def test_the_palette_runs_an_action(at: Looking) -> None:
    await at.press("colon", *"restart")
    await found(at, "restart  (r)")
    await at.press("enter")
    await at.asked(control.Restart("writer"))


async def test_the_palette_changes_the_theme(at: Looking) -> None:
    await at.press("colon", *"theme")
    await found(at, "theme")
    await at.press("enter")
    await found(at, "ansi")
    await at.press(*"day")
    await found(at, "day")
    await at.press("enter")
    await at.until(lambda: at.app.theme == "day")


async def test_the_mouse_chooses_opens_and_presses_keys(at: Looking) -> None:
    await at.pilot.click("#engines", offset=(5, 4))
    assert "▸◐ reader" in at.text("engines")
    row = next(y for y, line in enumerate(at.text("keys").splitlines()) if "restart" in line)
    await at.pilot.click("#keys", offset=(at.text("keys").splitlines()[row].index("restart"), row))
    await at.asked(control.Restart("reader"))
    await at.pilot.click("#engines", offset=(5, 4), times=2)
    await at.until(lambda: isinstance(at.app.screen, EnginePlace))


async def test_stopping_everything_ends_the_dashboard_too(tmp_path: Path) -> None:
    async with looking(tmp_path) as at:
        await at.press("Q")
        assert "4 engines will stop" in at.text("question")
        await at.pilot.press("y")
        await at.asked(control.Down())
        await at.until(lambda: not at.app.is_running)


async def test_every_theme_can_be_drawn(at: Looking) -> None:
    for name in sorted(at.app.available_themes):
        at.app.theme = name
        await at.pilot.pause()
        assert "▸● writer" in at.text("engines"), name


@pytest.mark.parametrize("wanted", ["day", "nord"])
async def test_the_environment_chooses_the_theme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", wanted)
    async with looking(tmp_path) as at:
        assert at.app.theme == wanted
        background = at.app.current_theme.background
        assert background
        assert at.app.screen.styles.background == Color.parse(background)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_detaching_stops_nothing(tmp_path: Path, key: str) -> None:
    async with looking(tmp_path) as at:
        await at.pilot.press(key)
        await at.until(lambda: not at.app.is_running)
        assert at.box.asked == [control.Watch()]


async def test_ctrl_c_is_no_way_to_lose_the_dashboard(at: Looking) -> None:
    await at.press("ctrl+c")
    assert at.app.is_running
    assert "q detaches" in notices(at)


async def test_read_only_looks_and_does_not_touch(tmp_path: Path) -> None:
    async with looking(tmp_path, readonly=True) as at:
        assert "read-only" in at.text("title")
        for key in ("s", "u", "r", "n", "R", "Q", "tab", "p", "x"):
            await at.press(key)
            assert isinstance(at.app.screen, Overview), key
        await at.press("tab", "e")
        await at.until(lambda: "parallel" in at.text("knobs"))
        await at.press("j", "right", "enter")
        await at.until(lambda: "read-only" in at.text("feet"))
        acting = [c for c in at.box.asked if not isinstance(c, control.Watch | control.ShowKnobs)]
        assert all(isinstance(c, control.SetKnobs) and c.dry_run for c in acting)


@pytest.mark.parametrize("size", [(40, 10), (8, 3)])
async def test_no_size_and_no_key_breaks_it(tmp_path: Path, size: tuple[int, int]) -> None:
    async with looking(tmp_path, size) as at:
        for opener in ("e", "l", "v", "n", "question_mark", "Q", "colon", "slash"):
            await at.press(opener)
            await at.press("j", "G", "pageup")
            await at.press("escape", "escape")
            assert isinstance(at.app.screen, Overview), opener
        await at.press("tab", "enter", "escape")
        assert at.app.is_running


async def test_it_can_be_resized_while_it_runs(at: Looking) -> None:
    for width, height in ((40, 10), (200, 60), (20, 5), (120, 34)):
        await at.pilot.resize_terminal(width, height)
        await at.pilot.pause()
    assert "▸● writer" in at.text("engines")
    assert "q detach" in at.text("keys")


async def test_many_engines_scroll_with_the_cursor(tmp_path: Path) -> None:
    box = Box()
    rows = tuple(scenery.engine(f"engine-{number}", states.Stopped("idle")) for number in range(60))
    box.snapshot = msgspec.structs.replace(box.snapshot, engines=rows)
    async with looking(tmp_path, (80, 24), box=box) as at:
        assert "of 60" in at.text("engines")
        await at.press("pagedown", "pagedown", "pagedown", "pagedown", "j")
        assert "▸○ engine-41" in at.text("engines")
        await at.press("g")
        assert "▸○ engine-0" in at.text("engines")


async def test_the_supervisor_may_be_restarted_under_it(tmp_path: Path) -> None:
    async with looking(tmp_path) as at:
        at.box.hang_up()
        await at.until(lambda: "reconnecting" in at.text("title"))
        assert "writer" in at.text("engines")
        await at.until(lambda: "reconnecting" not in at.text("title"))
        at.box.publish(scenery.tick(3600))
        await at.until(lambda: "up 3 d 05:12" in at.text("title"))
