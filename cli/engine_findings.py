"""What `doctor` finds about the engines: whose work waits, and who runs on the CPU although a GPU is there."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cli.finding import Finding
from ipc.snapshot import EngineRow, Snapshot
from ipc.states import Ready


def findings(whole: Snapshot, explained: Collection[str] = ()) -> Iterator[Finding]:
    """Both, in the order of the engines; `explained` names those of whom it is known why they are on the CPU."""
    has_gpu = any(not one.stale for one in whole.gpus)
    for row in whole.engines:
        if row.hold:
            yield Finding(f"engine {row.name}", "warn", f"its work waits: {row.hold.rstrip('.')}.", _way_out(row))
        if has_gpu and isinstance(row.state, Ready) and not row.gpus and row.name not in explained:
            why = f" ({row.note.rstrip('.')})" if row.note else ""
            text = f"it runs on the CPU although a GPU is there{why}: it is slower."
            hint = f"`engineroom knobs {row.name}` says if it was told to, `engineroom ledger` what is free."
            yield Finding(f"engine {row.name}", "warn", text, hint)


def _way_out(row: EngineRow) -> str:
    if row.hold.startswith("heat"):
        return "It goes on by itself once the GPU has cooled down."
    return f"`engineroom load {row.name} --dry-run` says what it would take, `engineroom ledger` who holds it."
