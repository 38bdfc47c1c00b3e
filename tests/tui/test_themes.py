"""Themes are data: the bundled ones load, a bad one is left out and the reason told."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from textual.color import Color

from tui.ink import Tone
from tui.theming import BUNDLED, FIRST, ink, load_themes


def test_the_bundled_themes_have_an_ink_for_every_tone() -> None:
    themes, problems = load_themes()
    assert problems == []
    assert {"night", "day"} <= set(themes)
    assert FIRST in themes
    for theme in themes.values():
        for tone in get_args(Tone):
            assert ink(theme.variables[f"ink-{tone}"]).color
    assert themes["night"].dark
    assert not themes["day"].dark


@pytest.mark.parametrize("name", ["night", "day"])
@pytest.mark.parametrize("tone", ["plain", "strong", "dim", "ready", "waiting", "accent", "warn", "bad", "key"])
def test_text_can_be_read_on_the_background_and_under_the_cursor(name: str, tone: str) -> None:
    theme = load_themes()[0][name]
    assert theme.background
    colour = Color.parse(theme.variables[f"ink-{tone}"].removeprefix("bold "))
    for background in (theme.background, theme.variables["ink-cursor"]):
        assert contrast(colour, Color.parse(background)) >= 3.6


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG."""

    def luminance(colour: Color) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("#7fb4ca", "#zzz"), "is no colour"),
        (("[ink]", "[inks]"), "inks"),
        (('dim = "#78818f"', ""), "dim"),
        (("dark = true", "dark = 3"), "bool"),
        (("name =", "name"), "line"),
    ],
)
def test_a_bad_theme_is_left_out_with_its_reason(tmp_path: Path, change: tuple[str, str], why: str) -> None:
    good = (BUNDLED / "night.toml").read_text()
    (tmp_path / "mine.toml").write_text(good.replace(*change))
    themes, problems = load_themes([BUNDLED, tmp_path])
    assert "night" in themes
    assert len(problems) == 1
    assert "mine.toml" in problems[0].detail
    assert why in problems[0].detail


def test_a_later_folder_replaces_a_theme_of_the_same_name(tmp_path: Path) -> None:
    good = (BUNDLED / "night.toml").read_text()
    (tmp_path / "mine.toml").write_text(good.replace("#7fb4ca", "#ff0000"))
    assert load_themes([BUNDLED, tmp_path])[0]["night"].accent == "#ff0000"
