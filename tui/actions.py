"""Every action, once: key bindings, footer, palette and help are drawn from this table.

An `Act` asks something of the supervisor for the rows it applies to, and is off in a read-only dashboard; a
`View` only changes what this dashboard shows, or leads to what changes something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tui import job_wishes, wishes

On: TypeAlias = Literal["an engine", "a job", "everything"]
Where: TypeAlias = Literal["bridge", "job"]
"""The first screen, and that of one job."""
EVERYWHERE: tuple[Where, ...] = ("bridge", "job")


@dataclass(frozen=True)
class Act:
    """Changes the world: `wish` tells for one row what it would ask, None where it does not apply.

    `keys` are separated by spaces; the first is the one shown. `several` tells what it asks for many rows at once,
    where that is not one wish a row. `in_turn` is for a wish that builds on what the one before it made of the row.
    """

    id: str
    keys: str
    word: str
    on: On
    help: str
    wish: Callable[[wishes.Target], wishes.Wish | None]
    several: Callable[[Sequence[wishes.Target]], list[wishes.Wish]] | None = None
    in_turn: bool = False


@dataclass(frozen=True)
class View:
    """Runs `run`, a Textual action of the app or the screen. `acts` marks one that leads to a change.

    `where` names the screens that know it; `on`, the rows it is shown for in the footer; `applies` finds those of them
    that it would do something for, where that is not all.
    """

    id: str
    keys: str
    word: str
    help: str
    run: str
    footer: bool = False
    acts: bool = False
    listed: bool = True
    on: On = "everything"
    where: tuple[Where, ...] = ("bridge",)
    applies: Callable[[Sequence[wishes.Target]], Sequence[wishes.Target]] | None = None


Action: TypeAlias = Act | View

ACTIONS: tuple[Action, ...] = (
    View("knobs.open", "e", "knobs", "Settings of the engine, with the price of a change", "screen.knobs", footer=True),
    View(
        *("chat.open", "c", "chat", "Talk with the language model", "screen.chat"),
        footer=True,
        acts=True,
        on="an engine",
        applies=wishes.talking,
    ),
    Act("job.pause", "p", "pause", "a job", "Pause the job, or let it go on", job_wishes.pause_or_resume),
    Act("engine.start", "s", "start", "an engine", "Start or stop; stopped by you it stays so", wishes.start_or_stop),
    Act("engine.unload", "u", "unload", "an engine", "Give the model's memory back, or load", wishes.load_or_unload),
    Act("engine.restart", "r", "restart", "an engine", "Finish what is in flight, start again", wishes.restart),
    Act("job.cancel", "x", "cancel", "a job", "Cancel the job; asks first", job_wishes.cancel),
    Act(
        "job.retry",
        "t",
        "retry",
        "a job",
        "All that was set aside again; one that ended goes on",
        job_wishes.retry,
    ),
    View("unit.again", "o", "again", "The unit under the cursor once more", "screen.again", acts=True, where=("job",)),
    Act("job.sooner", "plus", "sooner", "a job", "A higher priority, 1 to 9", job_wishes.sooner, in_turn=True),
    Act("job.later", "minus", "later", "a job", "A lower priority, 1 to 9", job_wishes.later, in_turn=True),
    View(
        *("job.move", "m", "move", "What is left of a job goes to another engine", "screen.move_job"),
        footer=True,
        acts=True,
        on="a job",
        where=EVERYWHERE,
        applies=job_wishes.movable,
    ),
    Act("job.release", "w", "release", "a job", "It waits no longer for other jobs", job_wishes.release),
    Act(
        *("job.clear", "X", "clear", "a job", "Forget a finished job and its results; asks first"),
        job_wishes.clear,
        several=job_wishes.clearing,
    ),
    View("job.new", "n", "new job", "Submit a job", "screen.new_job", footer=True, acts=True),
    View("view.logs", "l", "log", "The engine's log as it comes", "screen.logs", footer=True),
    View(
        "view.filter", "slash", "filter", "Only rows that contain a text; esc clears it", "screen.filter", footer=True
    ),
    View("view.palette", "colon", "palette", "Find an action by its words", "app.command_palette", footer=True),
    View("view.help", "question_mark f1", "help", "This list", "app.help"),
    View(
        "view.open",
        "enter",
        "open",
        "An engine's log; a job's numbers, problems and units",
        "screen.open",
        where=EVERYWHERE,
    ),
    View("unit.find", "number_sign", "find", "In a job: go to the unit of a number", "screen.find", where=("job",)),
    View("view.gpus", "d", "GPUs", "All GPUs: who holds them, heat, power, why they are slow", "screen.gpus"),
    View("view.events", "v", "events", "All decisions and facts, each with its reason", "screen.events"),
    View("view.mark", "space", "mark", "Mark rows, to act on several at once", "screen.mark"),
    View("recording.toggle", "R", "record", "Begin a recording on the box, or end it", "screen.recording", acts=True),
    View("everything.stop", "Q", "stop all", "Every engine and the supervisor; asks first", "screen.down", acts=True),
    View("view.detach", "q", "detach", "Leave; everything goes on", "app.detach"),
    View("move.down", "j down", "down", "Next row", "screen.move(1)", listed=False, where=EVERYWHERE),
    View("move.up", "k up", "up", "Previous row", "screen.move(-1)", listed=False, where=EVERYWHERE),
    View("move.first", "g home", "first", "First row", "screen.first", listed=False, where=EVERYWHERE),
    View("move.last", "G end", "last", "Last row", "screen.last", listed=False, where=EVERYWHERE),
    View("move.page_down", "pagedown", "page down", "Ten rows down", "screen.move(10)", listed=False),
    View("move.page_up", "pageup", "page up", "Ten rows up", "screen.move(-10)", listed=False),
    View("move.other", "tab", "other list", "To the other list", "screen.other_list", listed=False, where=EVERYWHERE),
    View("view.back", "escape", "back", "Clear filter and marks", "screen.back", listed=False),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}

_SHOWN = {"question_mark": "?", "slash": "/", "colon": ":", "escape": "esc", "plus": "+", "minus": "-"} | {
    "number_sign": "#"
}


def shown(keys: str) -> list[str]:
    """Keys as a person reads them."""
    return [_SHOWN.get(key, key) for key in keys.split()]


def bound(action: Action) -> str:
    """The keys as a Textual binding wants them."""
    return action.keys.replace(" ", ",")


def on_screen(where: Where) -> list[View]:
    """The views that a screen binds."""
    return [action for action in ACTIONS if isinstance(action, View) and where in action.where]


def changes_something(action: Action) -> bool:
    """Whether a read-only dashboard must refuse it."""
    return isinstance(action, Act) or action.acts
