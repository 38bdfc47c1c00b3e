"""Themes are data: TOML files with the interface's colours and the ink of each tone. A bad one never stops the app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme

from ipc.errors import Problem

NIGHT, DAY = "night", "day"
FIRST = NIGHT
BUNDLED = Path(__file__).resolve().parent.parent / "themes"


_TERMINAL_INKS = {
    **{"plain": "ansi_default", "strong": "bold ansi_default", "dim": "ansi_bright_black", "rule": "ansi_bright_black"},
    **{"accent": "ansi_cyan", "key": "bold ansi_cyan", "ready": "ansi_green", "waiting": "ansi_cyan"},
    **{"warn": "ansi_yellow", "bad": "bold ansi_red", "meter": "ansi_cyan", "other": "ansi_blue"},
    "track": "ansi_bright_black",
}
"""For themes of the terminal's own palette, whose background is unknown."""


class Inks(Struct, frozen=True, forbid_unknown_fields=True):
    """The colour of each tone, `bold` before it where wanted. `cursor` is the background under it."""

    strong: str
    dim: str
    rule: str
    key: str
    ready: str
    waiting: str
    meter: str
    other: str
    track: str
    cursor: str


class ThemeFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of themes/: colours as `#rrggbb` or names."""

    name: str
    dark: bool
    primary: str
    accent: str
    secondary: str
    foreground: str
    background: str
    surface: str
    panel: str
    success: str
    warning: str
    error: str
    ink: Inks

    def theme(self) -> Theme:
        """As Textual wants it; the inks travel as variables `ink-…`."""
        inks = {f"ink-{name}": value for name, value in msgspec.structs.asdict(self.ink).items()}
        plain = {"plain": self.foreground, "accent": self.accent, "warn": self.warning, "bad": f"bold {self.error}"}
        quiet = {
            "block-cursor-background": self.accent,
            "block-cursor-foreground": self.background,
            "border": self.ink.rule,
            "border-blurred": self.ink.rule,
            "scrollbar": self.ink.rule,
            "scrollbar-background": self.background,
            "scrollbar-hover": self.ink.dim,
            "scrollbar-active": self.accent,
        }
        return Theme(
            self.name,
            primary=self.primary,
            secondary=self.secondary,
            accent=self.accent,
            foreground=self.foreground,
            background=self.background,
            surface=self.surface,
            panel=self.panel,
            success=self.success,
            warning=self.warning,
            error=self.error,
            dark=self.dark,
            text_alpha=1.0,
            variables={**inks, **{f"ink-{name}": value for name, value in plain.items()}, **quiet},
        )


def load_themes(folders: Iterable[Path] = (BUNDLED,)) -> tuple[dict[str, Theme], list[Problem]]:
    """All themes of these folders by name, a later one replacing an earlier, and what was wrong with the others."""
    themes: dict[str, Theme] = {}
    problems: list[Problem] = []
    for path in [path for folder in folders for path in sorted(folder.glob("*.toml"))]:
        try:
            read = msgspec.toml.decode(path.read_bytes(), type=ThemeFile)
            _check_colours(read)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OSError) as error:
            problems.append(Problem("Bad theme", f"{path}: {error}.", "It is left out; the other themes work."))
        else:
            themes[read.name] = read.theme()
    return themes, problems


def borrowed_inks(theme: Theme, ours: Mapping[str, Theme]) -> dict[str, str]:
    """Inks for a theme that has none: those of our theme for the same light, with its own accent and alarms."""
    if theme.ansi:
        cursor = "ansi_blue" if theme.dark else "ansi_white"
        return {f"ink-{tone}": value for tone, value in {**_TERMINAL_INKS, "cursor": cursor}.items()}
    inks = {name: ink for name, ink in ours[NIGHT if theme.dark else DAY].variables.items() if name.startswith("ink-")}
    accent = theme.accent or theme.primary
    inks |= {"ink-accent": accent, "ink-key": f"bold {accent}", "ink-meter": theme.primary, "ink-waiting": accent}
    inks |= {"ink-plain": theme.foreground} if theme.foreground else {}
    inks |= {"ink-warn": theme.warning} if theme.warning else {}
    return inks | ({"ink-bad": f"bold {theme.error}"} if theme.error else {})


def ink(value: str) -> Style:
    """`bold #rrggbb` as a style."""
    colour = value.removeprefix("bold ")
    return Style(color=Color.parse(colour).rich_color, bold=value != colour or None)


def _check_colours(read: ThemeFile) -> None:
    colours = {**msgspec.structs.asdict(read), **msgspec.structs.asdict(read.ink)}
    for key, value in colours.items():
        if isinstance(value, str) and key != "name":
            try:
                Color.parse(value.removeprefix("bold "))
            except ColorParseError as error:
                raise ValueError(f"{key} = {value!r} is no colour") from error
