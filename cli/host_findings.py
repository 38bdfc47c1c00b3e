"""What `doctor` finds about the memory and the disk of the supervisor's host."""

from __future__ import annotations

from collections.abc import Iterator

from cli import words
from cli.finding import Finding
from ipc.snapshot import HostReading

LOW_BYTES = 2**30
PARKED_BYTES = 64 * 2**20
"""A healthy Linux parks a few idle pages in its swap: that is not worth a warning."""


def findings(host: HostReading) -> Iterator[Finding]:
    """Its RAM, then its swap where it has any."""
    free = host.ram_total_bytes - host.ram_used_bytes
    amount = f"{words.size(free)} of {words.size(host.ram_total_bytes)} is free"
    if free < LOW_BYTES:
        hint = "`engineroom ledger` says who holds it; `engineroom unload ENGINE` gives some back."
        yield Finding("RAM", "warn", f"{amount}: nothing more can be loaded, and the kernel may kill engines.", hint)
    else:
        yield Finding("RAM", "ok", amount)
    if not host.swap_total_bytes:
        return
    used = f"{words.size(host.swap_used_bytes)} of {words.size(host.swap_total_bytes)} is in use"
    if host.swap_used_bytes > PARKED_BYTES:
        hint = "Unload an engine (`engineroom unload ENGINE`), or end another program."
        yield Finding("swap", "warn", f"{used}: engines whose memory is there are slow.", hint)
    else:
        yield Finding("swap", "ok", used)


def disk(host: HostReading) -> Finding:
    """The disk of its state folder."""
    free = f"{words.size(host.disk_free_bytes)} of {words.size(host.disk_total_bytes)} is free"
    if host.disk_free_bytes < LOW_BYTES:
        return Finding("disk", "warn", f"{free}; jobs are held when it is full.", "Delete what is not needed there.")
    return Finding("disk", "ok", free)
