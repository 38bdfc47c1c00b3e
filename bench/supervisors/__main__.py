"""The same kills under Engine Room, supervisord and runit, in turn.

    python -m bench.supervisors [--kills N] [--supervisor-kills N]

What is on PATH takes part: Debian's packages are `supervisor` and `runit`. Each looks after one child that costs the
same to start (`bench.supervisors.child`). For each kill of a child that was well: seconds until the next is up. For
each kill of a supervising process: whether and when it is up again by itself, how long the child lives without one,
and whether two children live at once after the supervisor was started again, by hand where nobody else does. At last
each child is killed several times in a row as soon as it is up.

To Engine Room a child is well when it has done something, so it answers one request before it is killed; the others
know of nothing but time, so each child has been up for 1.5 s. "By itself" is without an init of the machine: systemd,
where there is one, would start all of these again; Engine Room hands itself to it there.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import anyio

from bench.figures import percentile
from bench.room import load_note, open_room
from bench.supervisors.engine_room import CONFIG, EngineRoom
from bench.supervisors.kills import Return, kill_as_it_comes, kill_child, kill_supervisor, well
from bench.supervisors.peers import PEERS, peer
from bench.supervisors.system import System

IN_A_ROW = 6


async def measure(systems: Sequence[System], room: EngineRoom, kills: int, supervisor_kills: int) -> None:
    """In turn, so that a busy moment of this machine meets them all alike; prints the tables."""
    async with anyio.create_task_group() as group:
        group.start_soon(room.watch)
        children: defaultdict[str, list[float | None]] = defaultdict(list)
        for _ in range(kills):
            for system in systems:
                children[system.name].append(await kill_child(system))
        _show_children(children)
        returns: defaultdict[tuple[str, str], list[Return]] = defaultdict(list)
        for _ in range(supervisor_kills):
            for system in systems:
                await well(system)
                for target in system.targets():
                    returns[system.name, target].append(await kill_supervisor(system, target))
        _show_returns(returns)
        print(f"\nkilled {IN_A_ROW} times in a row, each as soon as it is up: seconds until the next is up\n")
        for system in systems:
            taken = await kill_as_it_comes(system, IN_A_ROW)
            print(
                f"| {system.name} | " + ", ".join("given up" if one is None else f"{one:.2f}" for one in taken) + " |"
            )
        group.cancel_scope.cancel()


def _show_children(children: dict[str, list[float | None]]) -> None:
    print("\n| child killed | kills | up again | p50 ms | p95 ms | max ms |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, found in children.items():
        taken = [one for one in found if one is not None]
        print(f"| {name} | {len(found)} | {len(taken)} | {_spread(taken)} |")


def _show_returns(returns: dict[tuple[str, str], list[Return]]) -> None:
    print(
        "\n| supervisor killed | kills | up again by itself | p50 ms | p95 ms | max ms "
        "| child without a supervisor | two children at once |"
    )
    print("|---|---:|---:|---:|---:|---:|---|---:|")
    for (name, target), found in returns.items():
        taken = [one.by_itself for one in found if one.by_itself is not None]
        print(
            f"| {name}: {target} | {len(found)} | {len(taken) or 'never: nobody starts it again'} | {_spread(taken)} "
            f"| {_orphans(found)} | {sum(one.second_copy for one in found)} |"
        )


def _orphans(found: list[Return]) -> str:
    left = [one.orphan for one in found if one.orphan is not None]
    if not left:
        return "never"
    stayed = sum(seconds == float("inf") for seconds in left)
    if stayed:
        return f"{stayed} of {len(found)}, and stays"
    return (
        f"{len(left)} of {len(found)}, gone after p50 {percentile(left, 50) * 1e3:.0f} ms, max {max(left) * 1e3:.0f} ms"
    )


def _spread(taken: list[float]) -> str:
    if not taken:
        return "— | — | —"
    return " | ".join(f"{one * 1e3:.0f}" for one in (percentile(taken, 50), percentile(taken, 95), max(taken)))


def main() -> None:
    """Kill, measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.supervisors", description=__doc__.split("\n")[0] if __doc__ else None
    )
    parser.add_argument("--kills", type=int, default=50, help="of the child")
    parser.add_argument("--supervisor-kills", type=int, default=10)
    told = parser.parse_args()
    print(load_note())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="er-peers-")))
        ours = EngineRoom(stack.enter_context(open_room(CONFIG, {"USER": "", "LOGNAME": ""})))
        systems: list[System] = [ours]
        for name, (program, _) in PEERS.items():
            if shutil.which(program) is None:
                print(f"{name} is absent: there is no `{program}` on PATH")
                continue
            (folder / name).mkdir()
            systems.append(stack.enter_context(peer(name, folder / name)))
        anyio.run(measure, systems, ours, told.kills, told.supervisor_kills)
    print()
    print(load_note())


if __name__ == "__main__":
    main()
