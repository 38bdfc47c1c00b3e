"""The ledger as a person reads it: one block a GPU, then the host's memory and threads, then the alarms.

The rows of a block that stand under HOLDS and are not indented with a dot add up to its total.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from cli import say, words
from ipc.snapshot import Alarm, GpuBook, HostBook, Ledger, Share, Stranger

Cells: TypeAlias = tuple[str, str, str, str]

HEADS: Cells = ("  WHO", "HOLDS", "MEASURED", "CLAIMED")
WHO_COLUMNS = 40
"""So that three sizes beside it stay within 80 columns."""


@dataclass(frozen=True)
class _Block:
    head: str
    sentences: tuple[str, ...]
    rows: tuple[Cells, ...]


def page(ledger: Ledger) -> Iterator[str]:
    """Its lines, none wider than 80 columns."""
    blocks = [*(_of_gpu(book) for book in ledger.gpus), *_of_host(ledger.host)]
    heads, *rows = say.aligned([HEADS, *(row for block in blocks for row in block.rows)], right=frozenset({1, 2, 3}))
    rest = iter(rows)
    for block in blocks:
        yield block.head
        for sentence in block.sentences:
            yield from words.folded(sentence)
        if block.rows:
            yield heads
            yield from islice(rest, len(block.rows))
        yield ""
    yield from alarms(ledger.alarms)
    if not ledger.alarms:
        yield "No alarms."


def alarms(rows: Iterable[Alarm]) -> Iterator[str]:
    """What needs the operator: what and since when, why, and the way out."""
    for one in rows:
        yield f"{words.MARKS[one.severity]} {one.about} · {one.word} · since {words.moment(one.since_unix)}"
        for sentence in filter(None, (one.text, one.help)):
            yield from words.folded(sentence)


def _of_gpu(book: GpuBook) -> _Block:
    head = f"GPU {book.index}: {words.size(book.total_bytes)} · pressure {book.pressure}"
    withheld = f"{words.size(book.withheld_bytes)} is withheld: {book.withheld_why}" if book.withheld_bytes else ""
    return _Block(
        f"{head} · {book.residents} of {book.residents_limit} residents",
        tuple(filter(None, (words.held(book.hold), withheld))),
        (
            _row("reserve", words.size(book.reserve_bytes)),
            *(_of_share(one) for one in book.shares),
            _row("others", words.size(book.others_bytes)),
            *(_row(f"· {_named(one)}", words.size(one.used_bytes)) for one in book.strangers),
            *([_row("· withheld", words.size(book.withheld_bytes))] if book.withheld_bytes else []),
            _row("free for new claims", words.size(book.free_bytes)),
        ),
    )


def _of_host(book: HostBook | None) -> Iterator[_Block]:
    if book is None:
        yield _Block(f"RAM: {words.UNKNOWN}", ("Nobody has looked at the host yet.",), ())
        return
    yield _Block(
        f"RAM: {words.size(book.total_bytes)} · pressure {book.pressure}",
        (),
        (
            _row("reserve", words.size(book.reserve_bytes)),
            *(_of_share(one) for one in book.shares),
            _row("others", words.size(book.others_bytes)),
            _row("free for new claims", words.size(book.free_bytes)),
        ),
    )
    yield _Block(
        f"CPU threads: {book.threads}",
        (),
        (
            *(_row(engine, str(threads)) for engine, threads in book.threads_claimed.items()),
            _row("free for new claims", str(book.threads - sum(book.threads_claimed.values()))),
        ),
    )


def _of_share(one: Share) -> Cells:
    measured = _about(one.measured_bytes, marked=one.by_difference)
    claimed = _about(one.claimed_bytes, marked=one.estimated)
    holds = claimed if one.claimed_bytes > (one.measured_bytes or 0) else measured
    return _row(one.holder, holds, measured, claimed)


def _about(count: int | None, *, marked: bool) -> str:
    return f"~{words.size(count)}" if marked and count else words.size(count)


def _named(one: Stranger) -> str:
    return f"{one.name}, pid {one.pid}" if one.name else f"pid {one.pid}, not to be seen from here"


def _row(who: str, holds: str, measured: str = "", claimed: str = "") -> Cells:
    return words.clipped(f"  {who}", WHO_COLUMNS), holds, measured, claimed
