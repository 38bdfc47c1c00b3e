"""The stop ladder: ask, SIGTERM to the group, SIGKILL to the group, with a deadline on each rung."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from ipc.states import Rung, Stopping, pid_of
from supervisor.machine.effects import DumpStacks, SendKill, SendLeave, SendTerm
from supervisor.machine.record import Fault
from supervisor.machine.turn import Turn

GRACE: Final = 1.0
"""Seconds for stacks to be written, or for a process whose link ended to exit by itself."""

UNKILLABLE_AFTER: Final = 30.0
"""Seconds after which a SIGKILL is repeated: only the kernel can hold a process that long."""


def begin(turn: Turn, why: str, fault: Fault | None = None) -> None:
    """Step on the ladder. A hung process will not listen, so that its next rung is SIGKILL."""
    pid = pid_of(turn.state)
    if pid is None or isinstance(turn.state, Stopping):
        return
    limit = turn.record.limits.stop_limit
    match fault:
        case None | "load" if turn.life.greeted:
            turn.do(SendLeave())
            _stand(turn, pid, "ask", why, limit, ("term", "kill"))
        case None | "load":
            turn.do(SendTerm())
            _stand(turn, pid, "term", why, limit, ("kill",))
        case "hung":
            turn.do(DumpStacks())
            _stand(turn, pid, "ask", why, GRACE, ("kill",))
        case "broken" | "dying":
            _stand(turn, pid, "ask", why, GRACE, ("term", "kill"))
        case _:
            assert_never(fault)
    turn.life = replace(turn.life, fault=fault)


def climb(turn: Turn, state: Stopping) -> None:
    """The deadline of this rung has come: take the next."""
    limit = turn.record.limits.stop_limit
    match turn.life.rungs:
        case ("term", *_):
            turn.do(SendTerm())
            turn.happen("warning", "engine-stopping", f"did not leave within {limit:g} s: SIGTERM to its group")
            _stand(turn, state.pid, "term", state.why, limit, ("kill",))
        case ("kill", *_):
            turn.do(SendKill())
            turn.happen("warning", "engine-stopping", "is still there: SIGKILL to its group")
            _stand(turn, state.pid, "kill", state.why, UNKILLABLE_AFTER, ())
        case _:
            turn.do(SendKill())
            turn.happen("error", "engine-stopping", f"outlives SIGKILL (pid {state.pid}): the kernel holds it")
            _stand(turn, state.pid, "kill", state.why, UNKILLABLE_AFTER, ())


def _stand(turn: Turn, pid: int, rung: Rung, why: str, seconds: float, rest: tuple[Rung, ...]) -> None:
    turn.state = Stopping(pid, rung, why)
    turn.life = replace(turn.life, due=turn.at + seconds, rungs=rest)
