"""The dashboard: one app, one client of the supervisor among equals."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.screen import ModalScreen, Screen

from tui.context import Context
from tui.screens.acting import STAYS, Acting, tell
from tui.screens.overview import Overview
from tui.theming import BUNDLED, FIRST, borrowed_inks, load_themes

if TYPE_CHECKING:
    from textual.command import Provider


def _actions() -> type[Provider]:
    """The palette's provider; Textual's palette is not imported (~15 ms CPU) before it is opened."""
    from tui.palette import ActionProvider

    return ActionProvider


class Dashboard(App[None]):
    """Shows the store and sends commands; it owns no process and no connection."""

    TITLE = "Engine Room"
    CSS_PATH = "dashboard.tcss"
    COMMANDS = App.COMMANDS | {_actions}
    BINDINGS = [
        Binding("ctrl+q", "detach", show=False, priority=True),
        Binding("ctrl+c", "stay", show=False, priority=True),
    ]

    def __init__(self, context: Context, theme_folders: Sequence[Path] = (BUNDLED,)) -> None:
        self.context = context
        self._own_themes, self._theme_problems = load_themes(theme_folders)
        super().__init__()
        for theme in self._own_themes.values():
            self.register_theme(theme)
        wanted = os.environ.get("TEXTUAL_THEME", FIRST)
        self.set_reactive(App.theme, "textual-dark")  # so that the next line is a change, and the colours follow
        self.theme = wanted if wanted in self.available_themes else FIRST
        if "TEXTUAL_ANIMATIONS" not in os.environ:
            self.animation_level = "none"

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

    def action_command_palette(self) -> None:
        """All actions by their words, where there is room for the list: Textual's palette breaks in a tiny terminal."""
        if self.size.height < 6 or self.size.width < 20:
            self.notify("The terminal is too small for the palette.", markup=False)
        else:
            super().action_command_palette()

    def action_detach(self) -> None:
        """Leave; everything goes on."""
        self.exit()

    def action_stay(self) -> None:
        """ctrl+c is no way to lose a dashboard."""
        if isinstance(self.screen, Acting):
            self.screen.interrupt()
        else:
            self.notify(STAYS, markup=False)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The inks for themes that have none, such as Textual's own."""
        return borrowed_inks(self.current_theme, self._own_themes)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Only the theme; our own actions are in the table."""
        yield SystemCommand("theme", "Choose the colours", self.action_change_theme)
