"""How often the kernel has killed for memory: in our control group where it counts, else on the whole host."""

from __future__ import annotations

from pathlib import Path


def oom_kills() -> int:
    """The count so far; 0 where neither is readable. Growth around a SIGKILL tells an OOM kill from a person's."""
    for path in (_events_of_our_group(), Path("/proc/vmstat")):
        count = _count(path)
        if count is not None:
            return count
    return 0


def _events_of_our_group() -> Path:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return Path("/nonexistent")
    inside = next((line[3:] for line in lines if line.startswith("0::")), "/")
    return Path("/sys/fs/cgroup") / inside.lstrip("/") / "memory.events"


def _count(path: Path) -> int | None:
    try:
        for line in path.read_text().splitlines():
            name, _, number = line.partition(" ")
            if name == "oom_kill":
                return int(number)
    except (OSError, ValueError):
        return None
    return None
