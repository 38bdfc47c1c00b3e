"""What the process says of itself, folded into the record. A fact that does not fit the state is stale: ignored."""

from __future__ import annotations

from dataclasses import replace

from ipc.errors import Problem
from ipc.states import Cold, Draining, Loading, Ready, Starting, Stopping
from supervisor.machine import changes, ladder, succession
from supervisor.machine.effects import Settled
from supervisor.machine.events import DyingSaid, LoadFailed
from supervisor.machine.record import Life
from supervisor.machine.turn import Turn


def spawned(turn: Turn, pid: int) -> None:
    """There is a process; it has `start_limit` to greet."""
    if turn.record.spawning:
        turn.record = replace(turn.record, spawning=False, state=Starting(pid))
        turn.life = Life(due=turn.at + turn.record.limits.start_limit)


def greeted(turn: Turn) -> None:
    """The handshake is done: from now on it must be heard."""
    turn.life = replace(turn.life, greeted=True, heard=turn.at, moved=turn.at)
    if isinstance(turn.state, Starting):
        turn.state = Cold(turn.state.pid, 0)


def heard(turn: Turn, progress: int) -> None:
    """A heartbeat; a moved counter is progress."""
    turn.life = replace(turn.life, heard=turn.at)
    if progress != turn.life.progress:
        turn.life = replace(turn.life, progress=progress, moved=turn.at)


def moved(turn: Turn) -> None:
    """Any other sign of work."""
    turn.life = replace(turn.life, heard=turn.at, moved=turn.at)


def load_progressed(turn: Turn, fraction: float) -> None:
    """How far the load is; its deadline moves along."""
    moved(turn)
    if isinstance(turn.state, Loading):
        turn.state = Loading(turn.state.pid, fraction)


def loaded(turn: Turn, footprint_bytes: int) -> None:
    """The self-test passed. A load that is being cancelled may still say so; its unload follows."""
    moved(turn)
    if isinstance(turn.state, Loading):
        turn.life = replace(turn.life, footprint_bytes=footprint_bytes, ready_at=turn.at, idle_since=turn.at)
        turn.state = Ready(turn.state.pid, footprint_bytes, turn.life.units)
        turn.happen("info", "engine-ready", "is ready")
        changes.prove(turn)


def load_failed(turn: Turn, failure: LoadFailed) -> None:
    """Settings on trial are taken back; memory steps down; what cannot work fails; the rest tries again."""
    moved(turn)
    if not isinstance(turn.state, Loading):
        return
    pid, problem = turn.state.pid, failure.problem
    turn.happen("warning", "load-failed", f"could not load: {problem}")
    if succession.fell(turn, problem, blameless=failure.out_of_memory) or changes.revert(turn, problem):
        turn.life = replace(turn.life, replace=True)
    elif failure.out_of_memory:
        if not changes.lower(turn):
            turn.record = replace(turn.record, condemned=f"out of memory on the lowest rung: {problem}")
    elif failure.permanent:
        turn.record = replace(turn.record, condemned=str(problem))
    else:
        ladder.begin(turn, f"could not load: {problem}", fault="load")
        return
    turn.life = replace(turn.life, model=False)
    turn.state = Cold(pid, 0)


def unloaded(turn: Turn, residue_bytes: int) -> None:
    """The model is closed, or its load was cancelled."""
    moved(turn)
    if isinstance(turn.state, Draining) and turn.life.unloading:
        turn.life = replace(turn.life, unload=False, unloading=False, model=False, ready_at=None)
        turn.state = Cold(turn.state.pid, residue_bytes)
        stays = f"; {residue_bytes / 2**20:.0f} MiB stay until its process exits" if residue_bytes > 0 else ""
        turn.do(Settled("cold", None))
        turn.happen("info", "engine-unloaded", f"has given its model back{stays}")


def applied(turn: Turn) -> None:
    """The change that was sent works."""
    moved(turn)
    if turn.life.applying is not None:
        changes.applied(turn, turn.life.applying)


def apply_failed(turn: Turn, problem: Problem) -> None:
    """The change that was sent does not work."""
    moved(turn)
    if turn.life.applying is not None:
        changes.refused(turn, turn.life.applying, problem)


def dying(turn: Turn, words: DyingSaid) -> None:
    """Its last words: no flight may begin any more, and its exit follows at once."""
    if not isinstance(turn.state, Stopping):
        turn.life = replace(turn.life, dying=words.problem, out_of_memory=words.out_of_memory)
        ladder.begin(turn, f"is dying: {words.problem.detail}", fault="dying")


def link_broke(turn: Turn, problem: Problem) -> None:
    """Mostly the first sign of a death, so that the exit decides whose fault it is; one that stays is stopped."""
    ladder.begin(turn, f"lost its link: {problem.detail}", fault="broken")
