"""The knob panel: one row a knob, the price of the change beneath."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ipc.control import Price
from ipc.snapshot import Applies, Knob, Scalar
from tui import measures
from tui.draft import Draft
from tui.draw import table
from tui.draw.facts import size
from tui.draw.table import Column
from tui.ink import BLANK, Line, Span, Tone, clean, fit, length, line, rule, squeeze, wrap
from tui.selection import window

WHEN: dict[Applies, str] = {
    "now": "now",
    "flight": "from the next flight",
    "context": "context is rebuilt",
    "model": "model is reloaded",
    "process": "process restarts",
}
LEAST_HEAD = 3
"""Rows of `rows` that always stay: title, rule, and the knob under the cursor."""
_LEAST_ROWS = 2
"""Of what a knob is for, and of what is told, however short."""
_MOST_ROWS = 4
"""Of what a knob is for, however long."""
_LEAST_WIDTH = 66
_NAME, _VALUE, _UNIT, _RANGE = 16, 14, 8, 15
_MANY = 20
"""From so many knobs on, one looks for them."""
_HINTS = (
    ("enter", "apply"),
    ("esc", "leave"),
    ("←→", "change"),
    ("i", "type"),
    ("/", "find"),
    ("z", "undo"),
    ("d", "default"),
)


def least_width(knobs: Sequence[Knob]) -> int:
    """Columns in which every name is whole, with value, unit and range beside it."""
    columns = [column for column in _columns(knobs) if column.key not in ("when", "recommend")]
    return max(_LEAST_WIDTH, table.needed(columns), length(_hints(len(knobs))))


def about_rows(knobs: Sequence[Knob], width: int) -> int:
    """How many rows the longest word about one of them takes: as many are kept for each, so that nothing jumps."""
    room = max(1, width - 4)
    rows = max((len(wrap(_about(knob), room)) for knob in knobs), default=0)
    return max(_LEAST_ROWS, min(_MOST_ROWS, rows))


@lru_cache(maxsize=16)
def _columns(knobs: Sequence[Knob]) -> tuple[Column, ...]:
    """As wide as these knobs need."""
    return (
        Column("name", "", max(_NAME, *(len(knob.name) for knob in knobs))),
        Column("value", "", _VALUE + 4),
        Column("unit", "", max(_UNIT, *(len(knob.unit) for knob in knobs)), rank=1),
        Column("range", "", _RANGE, rank=2),
        Column("when", "", 20, rank=3),
        Column("recommend", "", 10, rank=4, grows=True),
    )


def rows(heading: str, draft: Draft, start: int, width: int, height: int) -> tuple[list[Line], int]:
    """The head and as many knobs around the cursor as fit, and the first of them."""
    room = max(1, height - 2)
    start = window(len(draft.knobs), room, draft.index, start)
    shown = draft.knobs[start : start + room]
    more = f"{start + 1}–{start + len(shown)} of {len(draft.knobs)} " if len(shown) < len(draft.knobs) else ""
    head = squeeze((Span(f" {heading}", "strong"),), width - len(more))
    knobs = [knob_row(knob, draft, knob is draft.current, width) for knob in shown]
    return [Line((*head, Span(more, "dim"))), rule(width), *knobs], start


def knob_row(knob: Knob, draft: Draft, lit: bool, width: int) -> Line:
    """Name, present and drafted value, unit, range, and when a change takes effect."""
    changed = knob.name in draft.changes
    field = shown_as(knob, knob.value)
    if changed:
        field = f"{field}→{shown_as(knob, draft.value(knob))}"
    if len(field) > _VALUE:
        field = f"…{field[1 - _VALUE :]}"
    cells: dict[str, tuple[Span, ...]] = {
        "name": (Span(knob.name.replace("_", " "), "strong" if lit else "plain"),),
        "value": (Span("‹ ", "dim"), Span(clean(field), "key" if changed else "plain"), Span(" ›", "dim")),
        "unit": (Span(knob.unit, "dim"),),
        "range": (Span(limits(knob), "dim"),),
        "when": (Span(WHEN[knob.applies], "plain" if changed else "dim"),),
        "recommend": (Span(clean(knob.recommendation), "dim"),),
    }
    gutter = (Span(" "), Span("▸" if lit else " ", "accent"), Span(" "))
    return table.row(_columns(draft.knobs), width, gutter, cells, None)._replace(lit=lit, key=f"knob:{knob.name}")


def shown_as(knob: Knob, value: Scalar) -> str:
    """A value in few characters; bytes as people say them, with a `~` where that is not exact."""
    if knob.unit != "bytes" or isinstance(value, str | bool | None):
        return show(value)
    unit = next((one for one in (measures.GIB, measures.MIB, measures.KIB) if value >= one), 1)
    return f"{'~' if 10 * value % unit else ''}{size(int(value))}"


def show(value: Scalar) -> str:
    """A value in few characters."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return measures.UNKNOWN
    return f"{value:g}" if isinstance(value, float) else str(value) or "“”"


def limits(knob: Knob) -> str:
    """What it takes: `1–64`, `q4 q8`, empty for text."""
    if knob.choices:
        return " ".join(knob.choices)
    if knob.minimum is None and knob.maximum is None:
        return ""
    return f"{_bound(knob, knob.minimum)}–{_bound(knob, knob.maximum)}"


def _bound(knob: Knob, value: float | None) -> str:
    if value is not None and knob.unit == "bytes":
        return shown_as(knob, value)
    return "" if value is None else f"{value:,.0f}" if value == int(value) else f"{value:g}"


def feet(draft: Draft, told: tuple[str, Tone], width: int, room: int) -> list[Line]:
    """What the knob under the cursor is for, the price or the problem (`told`, with its tone), and the keys.

    What is told is told whole: it may take up to `room` rows, for which the knob's description goes first.
    """
    kept = min(about_rows(draft.knobs, width), max(_LEAST_ROWS, room // 4))
    price = _paragraph(clean(told[0]), told[1], width, _LEAST_ROWS, max(_LEAST_ROWS, room - 2))
    use = _paragraph(_about(draft.current), "dim", width, kept, kept)
    hints = squeeze(_hints(len(draft.knobs)), width)
    return [rule(width), *use[: max(0, room - 2 - len(price))], *price, Line(hints)]


def _about(knob: Knob) -> str:
    """What it is for, what is recommended, its choices where the row cannot hold them, its default, when it counts."""
    about = [clean(knob.help)]
    about += [f"recommended {clean(knob.recommendation)}"] if knob.recommendation else []
    about += [f"one of {', '.join(knob.choices)}"] if len(limits(knob)) > _RANGE and knob.choices else []
    return " · ".join([*filter(None, about), f"default {shown_as(knob, knob.default)}", WHEN[knob.applies]])


def _hints(count: int) -> list[Span]:
    hints = [(key, word) for key, word in _HINTS if key != "/" or count > _MANY]
    return [span for key, word in hints for span in (Span(f" {key}", "key"), Span(f" {word} ", "dim"))]


def priced(price: Price) -> tuple[str, Tone]:
    """What the change costs; who would have to go for it makes it a warning."""
    return price.text, "warn" if price.unloads else "accent"


def _paragraph(text: str, tone: Tone, width: int, least: int, most: int) -> list[Line]:
    """At least so many rows that nothing jumps when the usual text comes, and at most `most`."""
    room = max(1, width - 4)
    shown = wrap(text, room)
    if len(shown) > most:
        shown = [*shown[: most - 1], fit(" ".join(shown[most - 1 :]), room)]
    return [line(Span(f"   {row}", tone)) for row in shown] + [BLANK] * (least - len(shown))
