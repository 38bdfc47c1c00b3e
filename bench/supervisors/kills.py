"""The kills themselves, and what is measured of each."""

from __future__ import annotations

import time
from dataclasses import dataclass

import anyio
from anyio import to_thread

from bench.chaos.phone import look
from bench.supervisors.system import System, Up, alive, kill, supervised

WELL_SECONDS = 1.5
"""A child that is up so long is well to all of them: supervisord and runit ask for one second."""
CHILD_SECONDS = 20.0
"""A child that is not up again by then does not come."""
RETURN_SECONDS = 8.0
"""The same of a supervisor: `runsvdir` looks at its `runsv` every five seconds."""
SECOND_COPY_SECONDS = 3.0
"""So long a second child is looked for once the supervisor is up again: to start one takes a second at most."""


@dataclass(frozen=True)
class Return:
    """What followed the kill of a supervising process; seconds from that kill."""

    by_itself: float | None
    """Until it was up again; None: nobody started it, and a person did."""
    child: float | None
    """Until a supervised child was up; None: it never went down, or never came up again."""
    orphan: float | None
    """How long the child lived without a supervisor; infinite where it would have stayed; None: it always had one."""
    second_copy: bool
    """Two children lived at once."""


class Orphan:
    """Watches one child from the death of its supervisor on."""

    def __init__(self, system: System, pid: int, began: float) -> None:
        self._system = system
        self._pid = pid
        self._began = began
        self._orphaned = False
        self._gone: float | None = None

    def looked(self) -> bool:
        """Look again; always true."""
        if self._gone is None:
            if not alive(self._pid):
                self._gone = time.time() - self._began
            elif not supervised(self._system, self._pid):
                self._orphaned = True
        return True

    def seconds(self) -> float | None:
        """As `Return.orphan`."""
        if not self._orphaned and self._gone is None:
            return None
        return float("inf") if self._gone is None else self._gone


async def well(system: System) -> Up:
    """Wait until a supervised child is up, and has been for a while."""
    found = await look(lambda: _well(system), CHILD_SECONDS + RETURN_SECONDS)
    if found is None:
        raise SystemExit(f"{system.name} has no child that is up and well; it has {system.children()}")
    return found


def _well(system: System) -> Up | None:
    up = system.up()
    old_enough = up is not None and time.time() - up.unix >= WELL_SECONDS
    return up if up is not None and old_enough and supervised(system, up.pid) else None


async def kill_child(system: System) -> float | None:
    """Seconds from the kill of a child that was well until the next is up; None when none came."""
    before = await well(system)
    await system.use()
    return await _killed(system, before.pid)


async def kill_as_it_comes(system: System, times: int) -> list[float | None]:
    """The same, each killed as soon as it is up; ends with None where no other came."""
    found: list[float | None] = []
    pid = (await well(system)).pid
    for _ in range(times):
        found.append(await _killed(system, pid))
        up = system.up()
        if found[-1] is None or up is None:
            break
        pid = up.pid
    return found


async def _killed(system: System, pid: int) -> float | None:
    began = time.time()
    kill(pid)
    with anyio.move_on_after(CHILD_SECONDS):
        while True:
            up = system.up()
            if up is not None and up.pid != pid:
                return up.unix - began
            await anyio.sleep(0.001)
    return None


async def kill_supervisor(system: System, target: str) -> Return:
    """Kill that process, look what becomes of the child, help as a person would, and clean up."""
    child = await well(system)
    victim = system.targets()[target]
    if victim is None:
        raise SystemExit(f"{system.name} has no {target} that is up")
    began = time.time()
    kill(victim)
    seen = Orphan(system, child.pid, began)
    await look(lambda: seen.looked() and _is_up(system, target, victim), RETURN_SECONDS)
    by_itself = time.time() - began if _is_up(system, target, victim) else None
    if by_itself is None:
        await system.start_again(target)
    copies = await _most_children(system, seen)
    up = system.up()
    again = up.unix - began if up is not None and up.pid != child.pid else None
    orphan = seen.seconds()
    for pid in await to_thread.run_sync(system.children):
        if not supervised(system, pid):
            kill(pid)
    return Return(by_itself, again, orphan, copies > 1)


def _is_up(system: System, target: str, victim: int) -> bool:
    return system.targets()[target] not in (None, victim)


async def _most_children(system: System, seen: Orphan) -> int:
    most, deadline = 0, time.monotonic() + SECOND_COPY_SECONDS
    while time.monotonic() < deadline:
        seen.looked()
        found = await to_thread.run_sync(system.children)
        most = max(most, sum(alive(pid) for pid in found))
        await anyio.sleep(0.05)
    return most
