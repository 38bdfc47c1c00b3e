"""An heir: another process that loads new settings beside the one at work, and takes its place once it is ready.

The heir is an engine of its own, with a record, a claim and a process; `Record.heir` of the one at work says that there
is one, and for what. Whatever ends it, the one at work goes on: settings that do not work are refused, and a change
whose heir had to go for any other reason is made as if both had never fitted, one after the other.
"""

from __future__ import annotations

from dataclasses import replace

from ipc.errors import Problem
from ipc.states import Failed, Loading, Ready, Starting, pid_of
from supervisor.machine import changes, room
from supervisor.machine.effects import Effect, GiveUpHeir, Happen, LoadBeside, SettingsInForce
from supervisor.machine.events import HeirLost
from supervisor.machine.record import Asked, BeReady, BeStopped, NoRoom, Record, Settings
from supervisor.machine.turn import Turn

# ── of the one at work ────────────────────────────────────────────────────────────────────────────────────


def look(turn: Turn) -> None:
    """Begin with an heir where a change may have one; give it up where the engine is to have no process, or another."""
    record, change = turn.record, turn.record.change
    if not _stays(record):
        give_up(turn, "it is to restart" if isinstance(record.goal, BeReady) else "it is to give its model back")
    elif not room.is_given(record) and not isinstance(record.state, Failed):
        give_up(turn, "it has to find room anew")  # its heir may be what took it, and loads what did not suffice
    elif change is not None and change.beside and isinstance(record.state, Ready) and record.heir is None:
        turn.record = replace(record, change=None, heir=change)
        turn.do(LoadBeside({**record.settings, **change.changes}))
        turn.happen("info", "successor-loading", f"loads {changes.words(change)} beside the process at work")
    waiting = turn.record.change
    if waiting is not None and waiting.beside:
        turn.record = replace(turn.record, change=replace(waiting, beside=False))


def give_up(turn: Turn, why: str) -> None:
    """Do without the heir, if there is one; its change is made as if there had never been one."""
    change = turn.record.heir
    if change is not None:
        turn.do(GiveUpHeir())
        _instead(turn, why)


def lost(turn: Turn, event: HeirLost) -> None:
    """The heir is gone by itself: its settings were to blame, or others need its memory."""
    change = turn.record.heir
    if change is None:
        return
    if event.problem is None:
        _instead(turn, event.why)
    else:
        turn.happen("warning", "successor-given-up", f"gives its successor up: {event.why}")
        turn.record = replace(turn.record, heir=None)
        changes.refused(turn, change, event.problem)


def _instead(turn: Turn, why: str) -> None:
    change = turn.record.heir
    assert change is not None
    turn.happen("info", "successor-given-up", f"gives its successor up: {why}")
    turn.record = replace(turn.record, heir=None)
    changes.ask(turn, replace(change, beside=False))


def _stays(record: Record) -> bool:
    """Whether it is to go on with the process that it has; one that died comes back by itself meanwhile."""
    return isinstance(record.goal, BeReady) and not record.life.ask_again


# ── of both ───────────────────────────────────────────────────────────────────────────────────────────────


def is_due(record: Record, heir: Record, at: float) -> bool:
    """Whether the heir takes over now, with what else was set meanwhile.

    What is deterministic lands first: a company that a crash divided would be finished with other settings. It does
    not take longer than any drain may.
    """
    if record.heir is None or not isinstance(heir.state, Ready) or heir.change or heir.life.applying:
        return False
    ready_at, limits = heir.life.ready_at or at, record.limits
    return not (limits.deterministic and record.life.flights) or at >= ready_at + limits.drain_limit


def hand_over(record: Record, heir: Record, former: str) -> tuple[Record, Record, tuple[Effect, ...]]:
    """The engine as it goes on, its former process under the name `former`, and the effects for the engine.

    The former process goes on with what it flies; a `WantStopped` has to end it. What it has not taken yet of changes
    made meanwhile, the heir has.
    """
    change, waiting, applying = record.heir, record.change, record.life.applying
    assert change is not None
    tickets = [ticket for one in (change, waiting, applying) if one is not None for ticket in one.tickets]
    engine = replace(heir, name=record.name, role=record.role, wanted_by=record.wanted_by, restarts=record.restarts)
    # The answer to what it asked of the ledger would come to nobody.
    had = NoRoom() if isinstance(record.room, Asked) else record.room
    life = record.life if applying is None else replace(record.life, applying=replace(applying, tickets=()))
    leaving = replace(record, name=former, heir=None, change=None, life=life, room=had, condemned="")
    units = record.life.units
    finishes = f"; the former process finishes {units} {'unit' if units == 1 else 'units'}" if units else ""
    text = f"{record.name} works with {changes.words(change)}{finishes}"
    effects = (SettingsInForce(heir.settings, tuple(tickets)), Happen("info", "handed-over", text))
    return engine, leaving, effects


# ── of the heir ───────────────────────────────────────────────────────────────────────────────────────────


def is_gone(record: Record) -> bool:
    """Whether nothing is left of an heir, or of a former process."""
    return pid_of(record.state) is None and not record.spawning and isinstance(record.room, NoRoom)


def fell(turn: Turn, problem: Problem, *, blameless: bool) -> bool:
    """An heir has one try, because its engine works on; False for an engine or a desk.

    `blameless`: a stranger, or the memory of both, was to blame and not its settings, which have another try alone.
    """
    if turn.record.role != "heir":
        return False
    turn.record = replace(turn.record, goal=BeStopped("no room" if blameless else "replaced"), refusal=problem)
    return True


def fate(heir: Record) -> tuple[Problem | None, str]:
    """Of one that is gone: what was wrong with its settings, if that was it, and why it went."""
    match heir.goal, heir.refusal:
        case BeStopped("replaced"), Problem() as problem:
            return problem, problem.detail
        case _, Problem(detail=detail):
            return None, detail
        case _:
            return None, "its memory is wanted"


def progress(heir: Record) -> str:
    """How far it is, for a person: `62 %`; empty where nobody can tell."""
    match heir.state:
        case Starting():
            return "starting"
        case Loading(_, fraction) if fraction is not None:
            return f"{fraction:.0%}".replace("%", " %")
        case Ready():
            return "ready"
        case _:
            return ""


def new_heir(record: Record, name: str, settings: Settings) -> Record:
    """The record of an heir with these settings, which nothing has happened to."""
    return Record(name, record.kind, "heir", settings, record.lower, record.rationed)
