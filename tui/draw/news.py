"""What is wrong, and what happened last."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from ipc.snapshot import Happening
from tui import measures
from tui.alert import Alert
from tui.ink import BLANK, Line, Span, Tone, clean, length, spread, squeeze, wrap


def news(raised: Sequence[Alert], happenings: Sequence[Happening], rows: int, width: int) -> list[Line]:
    """Alerts first, in at most half of the rows, then the newest happenings that say more, newest last."""
    for_alerts = (rows + 1) // 2
    shown = raised[:for_alerts]
    lines: list[Line] = []
    for index, entry in enumerate(shown):
        others = len(shown) - index - 1
        lines += alert(entry, width, two_rows=len(lines) + others + 2 <= for_alerts)
    room = rows - len(lines)
    said = {f"{entry.what}: {entry.why}" if entry.why else entry.what for entry in shown}
    newest = islice((entry for entry in reversed(happenings) if entry.text not in said), max(0, room))
    lines += [happening(entry, width) for entry in reversed([*newest])]
    return lines + [BLANK] * (rows - len(lines))


def alert(entry: Alert, width: int, *, two_rows: bool = False) -> list[Line]:
    """What, since when, why, and the key that helps; in two rows where it needs them and may."""
    when = measures.clock(entry.since) if entry.since is not None else measures.UNKNOWN
    head = (Span(f" {when:8}", "dim"), Span(" ▲ ", entry.grave))
    indent = length(head)
    what, why = clean(entry.what), f": {clean(entry.why)}" if entry.why else ""
    told = (*head, Span(what, entry.grave), Span(why))
    help_ = (Span(f"  {clean(entry.help)} ", "dim"),)
    if length(told) + length(help_) < width:
        return [spread([told], help_, width)]
    if not two_rows or width < 2 * indent:
        return [spread([told], (Span(" "),), width)]
    first, *rest = wrap(what + why, width - indent - 1)
    opening = (*head, Span(first[: len(what)], entry.grave), Span(first[len(what) :]))
    if not rest:
        return [Line(squeeze(opening, width)), Line(squeeze((Span(" " * (indent - 2)), *help_), width))]
    more = (Span(" " * indent), Span(" ".join(rest)))
    below = spread([more], help_, width) if length(more) + length(help_) < width else Line(squeeze(more, width))
    return [Line(squeeze(opening, width)), below]


def happening(entry: Happening, width: int) -> Line:
    """One row of the events."""
    glyph: dict[str, tuple[str, Tone]] = {"info": (" ", "dim"), "warning": ("▴", "warn"), "error": ("✕", "bad")}
    mark, tone = glyph[entry.severity]
    spans = (Span(f" {measures.clock(entry.unix)} ", "dim"), Span(f"{mark} ", tone), Span(sentence(entry)))
    return Line(squeeze(spans, width))


def sentence(entry: Happening) -> str:
    """The happening's text, led by what it is about where the text does not name it."""
    known = entry.about == "supervisor" or entry.about.lower() in entry.text.lower()
    return clean(entry.text if known else f"{entry.about}: {entry.text}")
