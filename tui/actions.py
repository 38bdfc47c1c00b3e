"""Every action, once: key bindings, footer, palette and help are drawn from this table.

An `Act` asks something of the supervisor for the rows it applies to, and is off in a read-only dashboard; a
`View` only changes what this dashboard shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tui import wishes

On: TypeAlias = Literal["an engine", "a job", "everything"]


@dataclass(frozen=True)
class Act:
    """Changes the world: `wish` tells for one row what it would ask, None where it does not apply.

    `keys` are separated by spaces; the first is the one shown.
    """

    id: str
    keys: str
    word: str
    on: On
    help: str
    wish: Callable[[wishes.Target], wishes.Wish | None]


@dataclass(frozen=True)
class View:
    """Runs `run`, a Textual action of the app or the screen. `acts` marks one that leads to a change."""

    id: str
    keys: str
    word: str
    help: str
    run: str
    footer: bool = False
    acts: bool = False
    listed: bool = True


Action: TypeAlias = Act | View

ACTIONS: tuple[Action, ...] = (
    View("knobs.open", "e", "knobs", "Settings of the engine, with the price of a change", "screen.knobs", footer=True),
    Act("job.pause", "p", "pause", "a job", "Pause the job, or let it go on", wishes.pause_or_resume),
    Act("engine.start", "s", "start", "an engine", "Start or stop; stopped by you it stays so", wishes.start_or_stop),
    Act("engine.unload", "u", "unload", "an engine", "Give the model's memory back, or load", wishes.load_or_unload),
    Act("engine.restart", "r", "restart", "an engine", "Finish what is in flight, start again", wishes.restart),
    Act("job.cancel", "x", "cancel", "a job", "Cancel the job; asks first", wishes.cancel),
    View("job.new", "n", "new job", "Submit a job", "screen.new_job", footer=True, acts=True),
    View("view.logs", "l", "log", "The engine's log as it comes", "screen.logs", footer=True),
    View(
        "view.filter", "slash", "filter", "Only rows that contain a text; esc clears it", "screen.filter", footer=True
    ),
    View("view.palette", "colon", "palette", "Find an action by its words", "app.command_palette", footer=True),
    View("view.help", "question_mark f1", "help", "This list", "app.help"),
    View("view.open", "enter", "open", "An engine's log; a job's numbers and problems", "screen.open"),
    View("view.gpus", "d", "GPUs", "All GPUs: who holds them, heat, power, why they are slow", "screen.gpus"),
    View("view.events", "v", "events", "All decisions and facts, each with its reason", "screen.events"),
    View("view.mark", "space", "mark", "Mark rows, to act on several at once", "screen.mark"),
    View("recording.toggle", "R", "record", "Begin a recording on the box, or end it", "screen.recording", acts=True),
    View("everything.stop", "Q", "stop all", "Every engine and the supervisor; asks first", "screen.down", acts=True),
    View("view.detach", "q", "detach", "Leave; everything goes on", "app.detach"),
    View("move.down", "j down", "down", "Next row", "screen.move(1)", listed=False),
    View("move.up", "k up", "up", "Previous row", "screen.move(-1)", listed=False),
    View("move.first", "g home", "first", "First row", "screen.move(-1000000)", listed=False),
    View("move.last", "G end", "last", "Last row", "screen.move(1000000)", listed=False),
    View("move.page_down", "pagedown", "page down", "Ten rows down", "screen.move(10)", listed=False),
    View("move.page_up", "pageup", "page up", "Ten rows up", "screen.move(-10)", listed=False),
    View("move.other", "tab", "other list", "Engines to jobs, and back", "screen.other_list", listed=False),
    View("view.back", "escape", "back", "Clear filter and marks", "screen.back", listed=False),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}

_SHOWN = {"question_mark": "?", "slash": "/", "colon": ":", "escape": "esc"}


def shown(keys: str) -> list[str]:
    """Keys as a person reads them."""
    return [_SHOWN.get(key, key) for key in keys.split()]


def bound(action: Action) -> str:
    """The keys as a Textual binding wants them."""
    return action.keys.replace(" ", ",")


def changes_something(action: Action) -> bool:
    """Whether a read-only dashboard must refuse it."""
    return isinstance(action, Act) or action.acts
