"""The dashboard: one app, one client of the supervisor among equals."""

from __future__ import annotations

import os
from collections.abc import Iterable

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.screen import ModalScreen, Screen

from tui.context import Context
from tui.palette import ActionProvider
from tui.screens.acting import Acting, tell
from tui.screens.overview import Overview
from tui.theming import FIRST, load_themes


class Dashboard(App[None]):
    """Shows the store and sends commands; it owns no process and no connection."""

    TITLE = "Engine Room"
    CSS_PATH = "dashboard.tcss"
    COMMANDS = {ActionProvider}
    BINDINGS = [
        Binding("ctrl+q", "detach", show=False, priority=True),
        Binding("ctrl+c", "stay", show=False, priority=True),
    ]

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        themes, self._theme_problems = load_themes()
        for theme in themes.values():
            self.register_theme(theme)
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = FIRST

    def on_mount(self) -> None:
        """Open the first screen; tell of themes that were left out."""
        self.push_screen(Overview(self.context))
        for problem in self._theme_problems:
            tell(self, problem)

    def publish(self) -> None:
        """The store has changed; may be called from outside the app, in the same loop."""
        self.call_later(self.draw)

    def draw(self) -> None:
        """Draw the screens in sight: the topmost, and those it only partly covers."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Acting) and screen.is_mounted:
                screen.draw()
            if not isinstance(screen, ModalScreen):
                break

    def action_help(self) -> None:
        """All keys."""
        from tui.screens.help import Help

        self.push_screen(Help(self.context.readonly))

    def action_detach(self) -> None:
        """Leave; everything goes on."""
        self.exit()

    def action_stay(self) -> None:
        """ctrl+c is no way to lose a dashboard."""
        self.notify("q detaches; everything goes on. Q stops everything.", markup=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Only the theme; our own actions are in the table."""
        yield SystemCommand("theme", "Choose the colours", self.action_change_theme)
