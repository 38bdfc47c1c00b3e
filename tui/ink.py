"""Lines of ink: text with a tone, cut and padded to columns. The vocabulary between `tui.draw` and the widgets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from rich.cells import cell_len, chop_cells, set_cell_size

Tone: TypeAlias = Literal[
    "plain", "strong", "dim", "rule", "accent", "key", "ready", "waiting", "warn", "bad", "meter", "other", "track"
]
"""What a text means; a theme decides how it looks."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class Span(NamedTuple):
    """Text in one tone; `action` runs when it is clicked."""

    text: str
    tone: Tone = "plain"
    action: str = ""


class Line(NamedTuple):
    """One row of a widget. `key` names what it shows, for clicks; `lit` rows carry the cursor."""

    spans: tuple[Span, ...] = ()
    lit: bool = False
    key: str = ""


class Part(NamedTuple):
    """A piece of a meter: its fraction of the whole, 0..1."""

    fraction: float
    tone: Tone
    glyph: str = "▇"


BLANK = Line()


def line(*spans: Span | str) -> Line:
    """A line of spans; bare strings are plain."""
    return Line(tuple(Span(s) if isinstance(s, str) else s for s in spans))


def clean(text: str) -> str:
    """Text of strangers made harmless: no escape sequences, no control or direction characters, tabs as spaces."""
    return _CONTROLS.sub("�", _ESCAPES.sub("", text).replace("\t", "    "))


@lru_cache(maxsize=4096)
def fit(text: str, width: int, right: bool = False) -> str:
    """Exactly `width` columns: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - length) + text if right else text + " " * (width - length)


def ending(text: str, width: int) -> str:
    """At most the last `width` columns."""
    if cell_len(text) <= width:
        return text
    while cell_len(text) >= width > 0:
        text = text[1:]
    return f"…{text}"


def length(spans: Iterable[Span]) -> int:
    """Columns taken by these spans."""
    return sum(cell_len(span.text) for span in spans)


def changed(before: Line, after: Line) -> tuple[int, int]:
    """From the first column that differs between two lines to behind the last: what must be painted anew."""
    old, new = _characters(before), _characters(after)
    wholes = _columns(old), _columns(new)
    if before.lit != after.lit or any(not cell_len(one) for one, _, _ in (*old, *new)):  # it belongs to its neighbour
        return 0, max(wholes)
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1]) if wholes[0] == wholes[1] else 0
    return _columns(new[:start]), max(wholes) - _columns(new[len(new) - end :])


def _characters(one: Line) -> list[tuple[str, Tone, str]]:
    return [(character, tone, action) for text, tone, action in one.spans for character in text]


def _alike(one: Sequence[object], other: Sequence[object]) -> int:
    """How many both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _columns(characters: Sequence[tuple[str, Tone, str]]) -> int:
    return cell_len("".join(character for character, _, _ in characters))


def squeeze(spans: Sequence[Span], width: int, right: bool = False) -> tuple[Span, ...]:
    """Exactly `width` columns of these spans."""
    slack = width - length(spans)
    if slack >= 0:
        pad = (Span(" " * slack),) if slack else ()
        return (*pad, *spans) if right else (*spans, *pad)
    kept: list[Span] = []
    room = width
    for span in spans:
        if cell_len(span.text) >= room:
            kept.append(span._replace(text=fit(f"{span.text} ", room)))
            break
        kept.append(span)
        room -= cell_len(span.text)
    return tuple(kept)


def spread(lefts: Sequence[Sequence[Span]], right: Sequence[Span], width: int) -> Line:
    """The first of `lefts` (richest first) that fits beside `right`, and `right` at the edge."""
    edge = min(length(right), max(0, width - 1))
    room = width - 1 - edge
    left = next((candidate for candidate in lefts if length(candidate) <= room), lefts[-1])
    return Line((*squeeze(left, room), Span(" "), *squeeze(right, edge)))


def rule(width: int) -> Line:
    """A quiet separator."""
    return line(Span("─" * width, "rule"))


def wrap(text: str, width: int) -> list[str]:
    """Chunks of at most `width` columns, broken at spaces where that wastes little."""
    rows: list[str] = []
    rest = text
    while width > 0 and (len(rest) > 4 * width or cell_len(rest) > width):
        head = chop_cells(rest[: 4 * width], width)[0]  # not of all the rest: that would take the square of a long text
        space = head.rfind(" ")
        cut = space + 1 if space > len(head) // 2 and rest[len(head) : len(head) + 1] != " " else len(head)
        rows.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip() or ""
    if rest or not rows:
        rows.append(rest)
    return rows


def meter(width: int, parts: Iterable[Part]) -> tuple[Span, ...]:
    """A bar of `width` columns: its parts one after the other; the rest is the track."""
    spans: list[Span] = []
    used, total = 0, 0.0
    for fraction, tone, glyph in parts:
        total = min(1.0, total + max(0.0, fraction))
        until = max(used, min(width, round(total * width)))
        if until == used and fraction > 0 and used < width:
            until = used + 1
        spans.append(Span(glyph * (until - used), tone))
        used = until
    spans.append(Span("░" * (width - used), "track"))
    return tuple(span for span in spans if span.text)
