"""The one entry of the machine: a record and an event give the next record and what is to be done.

A step folds the event into the record (`wishes`, `facts`, `flights`, `exits`, `clock`), then makes every move
towards the goal that needs no further fact (`pursue`), then answers who waited for it (`settled`).
"""

from __future__ import annotations

from typing import assert_never

from ipc.states import pid_of
from supervisor.machine import changes, clock, exits, facts, flights, room, settled, succession, wishes
from supervisor.machine import events as e
from supervisor.machine.effects import Effect
from supervisor.machine.pursue import pursue
from supervisor.machine.record import Change, Record
from supervisor.machine.turn import Turn


def step(record: Record, event: e.Event) -> tuple[Record, tuple[Effect, ...]]:
    """The record after the event, and the effects in the order in which they are to be performed."""
    turn = Turn(record, event.at)
    _fold(turn, event)
    pursue(turn)
    room.release(turn)
    turn.do(*settled.answers(record, turn.record, event))
    return turn.record, tuple(turn.effects)


def _fold(turn: Turn, event: e.Event) -> None:
    match event:
        case e.Tick():
            clock.tick(turn)
        case (
            e.WantReady() | e.WantCold() | e.WantStopped() | e.WantRestart() | e.WantApply() | e.KillsEverything()
        ) as wish:
            _wish(turn, wish)
        case e.RoomGiven() as given:
            room.given(turn, given)
        case e.RoomRefused() as refused:
            room.refused(turn, refused)
        case e.RoomLost():
            room.lost(turn)
        case e.HeirLost() as lost:
            succession.lost(turn, lost)
        case e.FlightBegan() as began:
            flights.began(turn, began)
        case e.Spawned(_, pid):
            facts.spawned(turn, pid)
        case e.SpawnFailed(_, problem):
            exits.spawn_failed(turn, problem)
        case _ as fact:
            if pid_of(turn.state) is not None:
                _process(turn, fact)


def _wish(turn: Turn, wish: e.Wish) -> None:
    match wish:
        case e.WantReady(_, by):
            wishes.ready(turn, by)
        case e.WantCold():
            wishes.cold(turn)
        case e.WantStopped(_, why):
            wishes.stopped(turn, why)
        case e.WantRestart():
            wishes.restart(turn)
        case e.WantApply(_, wanted, applies, ticket, choice, beside):
            changes.ask(turn, Change(wanted, applies, (ticket,), choice, beside))
        case e.KillsEverything(_, cause):
            wishes.condemn(turn, cause)
        case _:
            assert_never(wish)


def _process(turn: Turn, fact: e.LifeFact) -> None:
    match fact:
        case e.UnitEnded(_, flight):
            flights.unit_ended(turn, flight)
        case e.FlightEnded(_, flight):
            flights.ended(turn, flight)
        case e.Greeted():
            facts.greeted(turn)
        case e.Beat(_, progress):
            facts.heard(turn, progress)
        case e.LoadProgressed(_, fraction):
            facts.load_progressed(turn, fraction)
        case e.Loaded(_, footprint_bytes):
            facts.loaded(turn, footprint_bytes)
        case e.LoadFailed() as failure:
            facts.load_failed(turn, failure)
        case e.Unloaded(_, residue_bytes):
            facts.unloaded(turn, residue_bytes)
        case e.Applied():
            facts.applied(turn)
        case e.ApplyFailed(_, problem):
            facts.apply_failed(turn, problem)
        case e.DyingSaid() as words:
            facts.dying(turn, words)
        case e.LinkBroke(_, problem):
            facts.link_broke(turn, problem)
        case e.Exited() as exit:
            exits.exited(turn, exit)
        case _:
            assert_never(fact)
