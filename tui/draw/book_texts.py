"""The ledger in full: what each GPU and the host have promised, kept back, and left for new claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ipc.snapshot import Alarm, GpuBook, HostBook, Pressure, Share
from tui import measures
from tui.draw.facts import fact, gib, holding, memory, size
from tui.draw.owners import CLAIMED, OTHERS
from tui.ink import BLANK, Line, Part, Span, clean, line, meter
from tui.ledger import awaited

BAR = 30


def of_gpu(book: GpuBook, width: int) -> list[Line]:
    """Why nothing flies there, what is free, who was promised what, and what did not come back."""
    of = f" of {book.residents_limit}" if book.residents_limit else ""
    residents = f"{book.residents}{of} resident{'' if (book.residents_limit or book.residents) == 1 else 's'}"
    lines = fact("on hold", book.hold, width, "warn") if book.hold else []
    lines += fact("ledger", _left(book.free_bytes, book.reserve_bytes, book.pressure, residents), width)
    lines += _shares(book.shares, width)
    if book.others_bytes:
        lines.append(holding("others", size(book.others_bytes), [Span("in use by none of ours", "dim")], width))
    if book.withheld_bytes:
        why = [Span("of that withheld", "warn"), Span(f": {clean(book.withheld_why)}" if book.withheld_why else "")]
        lines.append(holding("", size(book.withheld_bytes), why, width))
    return lines


def of_host(book: HostBook, found: Iterable[Alarm], width: int) -> Sequence[Line]:
    """The host's memory and threads."""
    ours = sum(share.measured_bytes or 0 for share in book.shares)
    claimed = sum(map(awaited, book.shares))
    total = max(1, book.total_bytes)
    others, awaits = Part(book.others_bytes / total, "other", OTHERS), Part(claimed / total, "meter", CLAIMED)
    bar = meter(min(BAR, max(6, width // 4)), [Part(ours / total, "meter"), others, awaits])
    taken = sum(book.threads_claimed.values())
    who = ", ".join(f"{name} {count}" for name, count in book.threads_claimed.items() if count)
    return (
        line(Span(" Host", "strong")),
        *alarms(found, width),
        memory(bar, [f"{gib(ours + book.others_bytes)} / {gib(book.total_bytes)} GiB"], width),
        *fact("ledger", _left(book.free_bytes, book.reserve_bytes, book.pressure), width),
        *_shares(book.shares, width),
        *fact("threads", f"{taken} of {book.threads} claimed{f': {who}' if who else ''}", width),
        BLANK,
    )


def alarms(found: Iterable[Alarm], width: int) -> list[Line]:
    """Each in full: the first screen may have to cut it."""
    lines: list[Line] = []
    for alarm in found:
        told = " · ".join(part for part in (alarm.text, alarm.help) if part)
        said = f"since {measures.clock(alarm.since_unix)}: {told}"
        lines += fact("▲ alarm", said, width, named="bad" if alarm.severity == "error" else "warn")
    return lines


def _left(free: int | None, reserve: int, pressure: Pressure, *more: str) -> str:
    known = [f"{size(free)} free for new claims", f"{size(reserve)} reserve", *more]
    return " · ".join([*known, f"pressure {pressure}"])


def _shares(shares: Sequence[Share], width: int) -> list[Line]:
    return [_share("" if index else "claimed", share, width) for index, share in enumerate(shares)]


def _share(name: str, share: Share, width: int) -> Line:
    claimed = f"{'~' if share.estimated and share.claimed_bytes else ''}{size(share.claimed_bytes)}"
    measured = "not measured"
    if share.measured_bytes is not None:
        measured = f"holds {'~' if share.by_difference else ''}{size(share.measured_bytes)}"
    return holding(name, claimed, [Span(clean(share.holder)), Span(f"  {measured}", "dim")], width)
