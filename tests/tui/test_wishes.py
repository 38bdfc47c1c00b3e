"""What each key asks, for each kind of row, and what it says will be lost."""

from __future__ import annotations

from collections.abc import Callable

import booked
import pytest
import scenery

from ipc import states
from ipc.control import Down, OneAnswer, Restart, Start, Stop, Unload
from ipc.snapshot import NO_LEDGER, Ledger
from tui import wishes
from tui.actions import ACTIONS, Act, View, bound, changes_something, shown
from tui.wishes import Target, Wish

Wisher = Callable[[Target], Wish | None]

CARDS = [scenery.gpu(index, "NVIDIA A100", 40, 12) for index in (1, 2)]
SPREAD = Ledger(
    (
        booked.book(CARDS[0], booked.share("voice", 10.0, 12.0), booked.share("ear", 1.0, 1.0)),
        booked.book(CARDS[1], booked.share("voice", 9.8, 12.0, by_difference=True)),
    ),
    None,
    (),
)
READY, BUSY = states.Ready(1, 1, 0), states.Ready(1, 1, 4)
STOPPED, FAILED = states.Stopped("operator"), states.Failed("x", ())
COLD, LOADING, BACKOFF = states.Cold(1, 0), states.Loading(1, None), states.Backoff(1, 2.0, "x")


@pytest.mark.parametrize(
    ("wish", "state", "wanted"),
    [
        (wishes.start_or_stop, STOPPED, Start("w")),
        (wishes.start_or_stop, FAILED, Start("w")),
        (wishes.start_or_stop, READY, Stop("w")),
        (wishes.start_or_stop, BACKOFF, Stop("w")),
        (wishes.start_or_stop, LOADING, Stop("w")),
        (wishes.load_or_unload, READY, Unload("w")),
        (wishes.load_or_unload, LOADING, Unload("w")),
        (wishes.load_or_unload, COLD, Start("w")),
        (wishes.load_or_unload, STOPPED, None),
        (wishes.restart, READY, Restart("w")),
        (wishes.restart, FAILED, Restart("w")),
        (wishes.restart, STOPPED, None),
    ],
)
def test_of_an_engine(wish: Wisher, state: states.EngineState, wanted: OneAnswer | None) -> None:
    asked = wish(scenery.engine("w", state))
    assert (asked.command if asked else None) == wanted
    assert asked is None or not asked.asks


@pytest.mark.parametrize("wish", [wishes.start_or_stop, wishes.restart, wishes.load_or_unload])
def test_of_a_job(wish: Wisher) -> None:
    assert wish(scenery.job(1, "running", 5, 10)) is None


def test_stopping_a_busy_engine_names_what_may_be_done_again() -> None:
    asked = wishes.start_or_stop(scenery.engine("voice", BUSY, parallel=4))
    assert asked
    assert asked.asks.startswith("Stop voice? ")
    assert "4 units in flight" in asked.asks


def test_stopping_a_busy_engine_names_what_it_frees() -> None:
    asked = wishes.start_or_stop(scenery.engine("voice", states.Ready(1, 38 * scenery.GIB, 1)))
    assert asked
    assert "That frees ~38 G." in asked.asks
    placed = scenery.engine("voice", states.Ready(1, 3 << 20, 1), gpus=(1, 2))
    (asked, other) = (wishes.start_or_stop(placed), wishes.restart(placed))
    assert asked
    assert other
    assert "frees" not in wishes.question(asked, NO_LEDGER)
    assert wishes.question(asked, SPREAD).endswith(" That frees 10 G on GPU 1 and ~9.8 G on GPU 2.")
    assert wishes.question(other, SPREAD) == ""
    draining = wishes.start_or_stop(scenery.engine("voice", states.Draining(1, "apply", 1)))
    assert draining
    assert "frees" not in draining.asks


def test_stopping_everything_names_engines_work_and_jobs() -> None:
    asked = wishes.stop_everything(list(scenery.ENGINES), list(scenery.JOBS))
    assert asked.command == Down()
    assert "4 engines will stop" in asked.asks
    assert "writer, coder" in asked.asks
    assert "4 jobs will wait" in asked.asks


def test_the_table_has_no_id_and_no_key_twice() -> None:
    keys = [key for action in ACTIONS for key in action.keys.split()]
    assert len(keys) == len(set(keys))
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)


def test_the_keys_of_the_design_are_there() -> None:
    at = {key: action.id for action in ACTIONS for key in shown(action.keys)}
    wanted = {"q": "view.detach", "Q": "everything.stop", "space": "view.mark", "p": "job.pause", "s": "engine.start"}
    wanted |= {"r": "engine.restart", "u": "engine.unload", "x": "job.cancel", "e": "knobs.open", "/": "view.filter"}
    wanted |= {"?": "view.help", "f1": "view.help", ":": "view.palette", "n": "job.new"}
    wanted |= {"t": "job.retry", "+": "job.sooner", "-": "job.later", "m": "job.move", "X": "job.clear"}
    wanted |= {"w": "job.release", "o": "unit.again", "#": "unit.find", "enter": "view.open", "d": "view.gpus"}
    assert wanted.items() <= at.items()


def test_what_changes_something_is_known() -> None:
    changing = {action.id for action in ACTIONS if changes_something(action)}
    assert changing == {action.id for action in ACTIONS if isinstance(action, Act)} | {
        *("chat.open", "job.new", "job.move", "unit.again", "recording.toggle", "everything.stop")
    }
    assert bound(View("x", "a b", "x", "x", "x")) == "a,b"
