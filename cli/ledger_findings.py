"""What `doctor` finds in the ledger: alarms, and memory that nobody can use."""

from __future__ import annotations

from collections.abc import Iterator

from cli import words
from cli.finding import Finding
from ipc.snapshot import Alarm, GpuBook, Ledger

UNSEEN_BYTES = 2**30
"""A driver that does not tell what it keeps for itself stays below this."""


def findings(ledger: Ledger) -> Iterator[Finding]:
    """The alarms, then each GPU's memory that is withheld or held by nobody who can be seen."""
    yield from (_of_alarm(one) for one in ledger.alarms)
    for book in ledger.gpus:
        yield from _of_book(book)


def _of_alarm(one: Alarm) -> Finding:
    match one.severity:
        case "error":
            return Finding(one.about, "bad", one.text, one.help)
        case "warning":
            return Finding(one.about, "warn", one.text, one.help)
        case "info":
            return Finding(one.about, "ok", one.text, one.help)


def _of_book(book: GpuBook) -> Iterator[Finding]:
    what = f"GPU {book.index}"
    if book.withheld_bytes:
        text = f"{words.size(book.withheld_bytes)} is withheld from new claims: {book.withheld_why.rstrip('.')}."
        yield Finding(what, "warn", text, "End who holds it (`engineroom ledger`); it is given out once it is back.")
    seen = book.withheld_bytes + sum(one.used_bytes or 0 for one in book.strangers)
    unseen = 0 if book.others_bytes is None else book.others_bytes - seen
    if unseen > UNSEEN_BYTES:
        text = f"{words.size(unseen)} is in use by nobody who can be seen from here; engines do without that."
        yield Finding(what, "warn", text, "`nvidia-smi` outside this container may name them.")
