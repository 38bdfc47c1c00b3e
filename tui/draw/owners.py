"""Whose a GPU's memory is, and whose it is about to be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ipc import states
from ipc.snapshot import EngineRow, GpuBook, GpuProcess, GpuReading, Share
from tui.ink import Part, Tone, clean
from tui.ledger import awaited, extent

OTHERS, CLAIMED = "▓", "▒"
"""Glyphs of a bar beside ours, so that owners are told apart without colour."""
_WORTH_A_WORD = 1 << 29
"""Contexts and rounding leave some memory to nobody; from half a GiB on it is named."""
_NEARLY_NOTHING = 1 << 26
_NAMED = 3
"""So many engines are named beside what is claimed."""


class Owner(NamedTuple):
    """Who holds memory, or was promised it. `used_bytes` is None where the card does not tell."""

    words: str
    used_bytes: int | None
    tone: Tone
    estimated: bool = False
    mark: str = ""
    """Its glyph in the bar, where that needs to be said."""
    note: str = ""


def owners(reading: GpuReading, book: GpuBook | None, engines: Mapping[str, EngineRow]) -> list[Owner]:
    """Engines, what is claimed beyond what they hold, what is withheld, strangers, what nobody known holds."""
    if book is None:
        return _seen(reading)
    held = [
        Owner(clean(share.holder), share.measured_bytes, "plain", estimated=share.by_difference)
        for share in book.shares
        if share.measured_bytes
    ]
    strangers = [
        Owner(f"stranger {stranger(one.name, one.pid)}", one.used_bytes, "dim")
        for one in book.strangers
        if one.used_bytes != 0
    ]
    known = [*sorted(held, key=_size), *_claims(book, engines)]
    if book.withheld_bytes:
        known.append(Owner("withheld", book.withheld_bytes, "warn", note=clean(book.withheld_why).rstrip(".")))
    known += sorted(strangers, key=_size)
    told = [one.used_bytes for one in book.strangers]
    if book.others_bytes is not None and None not in told:
        known += _unaccounted(book.others_bytes - sum(size or 0 for size in told) - book.withheld_bytes, bool(known))
    return known


def shorter(held: list[Owner]) -> list[list[Owner]]:
    """The same in fewer words, the richest first: without notes, then with all others in one."""
    plain = [owner._replace(note="") for owner in held]
    others = [owner for owner in plain if owner.tone == "dim"]
    sizes = [owner.used_bytes for owner in others]
    if not others or None in sizes:
        return [held, plain]
    together = Owner("others", sum(size or 0 for size in sizes), "dim")
    return [held, plain, [*(owner for owner in plain if owner.tone != "dim"), together]]


def stranger(name: str, pid: int) -> str:
    """`python(4411)`; a pid without a process here is only a number."""
    return f"{clean(name)}({pid})" if name else f"pid {pid}"


def parts(reading: GpuReading, book: GpuBook | None) -> list[Part]:
    """A bar: what is in use by us, by others, withheld of that, and claimed; nothing where the whole is unknown."""
    used, total = extent(reading, book)
    if not total:
        return []
    if book is None:
        ours = sum(process.used_bytes or 0 for process in reading.processes if process.engine)
        others = sum(process.used_bytes or 0 for process in reading.processes if not process.engine)
    else:
        ours = sum(share.measured_bytes or 0 for share in book.shares)
        others = book.others_bytes or 0
    if used is not None:
        ours = min(ours, used)
        others = used - ours
    withheld = min(others, book.withheld_bytes) if book else 0
    claimed = sum(map(awaited, book.shares)) if book else 0
    return [
        Part(ours / total, "meter"),
        Part((others - withheld) / total, "other", OTHERS),
        Part(withheld / total, "warn", OTHERS),
        Part(claimed / total, "meter", CLAIMED),
    ]


def _claims(book: GpuBook, engines: Mapping[str, EngineRow]) -> list[Owner]:
    waiting: list[Share] = sorted(filter(awaited, book.shares), key=awaited, reverse=True)
    if not waiting:
        return []
    names = [_claimant(share.holder, None if share.role else engines.get(share.engine)) for share in waiting[:_NAMED]]
    more = [f"{len(waiting) - _NAMED} more"] if len(waiting) > _NAMED else []
    estimated = any(share.estimated or share.by_difference for share in waiting)
    total = sum(map(awaited, waiting))
    return [Owner("claimed", total, "plain", estimated, f"{CLAIMED} ", ", ".join([*names, *more]))]


def _claimant(name: str, row: EngineRow | None) -> str:
    match row.state if row else None:
        case states.Loading():
            return f"{clean(name)} loading"
        case states.Starting():
            return f"{clean(name)} starting"
        case _:
            return clean(name)


def _seen(reading: GpuReading) -> list[Owner]:
    """From the card alone: engines with all their processes, and every strange process."""
    engines: dict[str, int | None] = {}
    strangers: list[Owner] = []
    for process in reading.processes:
        if process.engine:
            engines[process.holder] = _sum(engines.get(process.holder), process.used_bytes)
        elif process.used_bytes != 0:
            strangers.append(Owner(stranger(process.name, process.pid), process.used_bytes, "dim"))
    held = [Owner(clean(name), used, "plain") for name, used in engines.items()]
    known = [*sorted(held, key=_size), *sorted(strangers, key=_size)]
    return [*known, *_unaccounted(_unowned(reading.processes, reading.memory_used_bytes), bool(known))]


def _unaccounted(rest: int, others_are_known: bool) -> list[Owner]:
    worth = _WORTH_A_WORD if others_are_known else _NEARLY_NOTHING
    return [Owner("unaccounted", rest, "dim")] if rest >= worth else []


def _unowned(processes: tuple[GpuProcess, ...], used: int | None) -> int:
    """Bytes in use that belong to no process the card names; 0 where it does not tell what each process has."""
    sizes = [process.used_bytes for process in processes]
    if used is None or None in sizes:
        return 0
    return max(0, used - sum(size or 0 for size in sizes))


def _sum(before: int | None, more: int | None) -> int | None:
    return more if before is None else before + (more or 0)


def _size(owner: Owner) -> int:
    return -(owner.used_bytes or 0)
