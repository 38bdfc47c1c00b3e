"""Flights in the air: each ends once, or is lost once."""

from __future__ import annotations

from dataclasses import replace

from ipc.states import pid_of
from supervisor.machine.clock import busy
from supervisor.machine.effects import LoseFlights
from supervisor.machine.events import FlightBegan
from supervisor.machine.record import Flight
from supervisor.machine.turn import Turn


def began(turn: Turn, event: FlightBegan) -> None:
    """A flight is in the air, or lost at once where nothing can carry it."""
    if pid_of(turn.state) is None:
        turn.do(LoseFlights((event.flight,), "ours", False, "there is no process", ()))
        return
    moved = turn.life.moved if busy(turn.record) else turn.at
    flights = (*turn.life.flights, Flight(event.flight, event.units))
    turn.life = replace(turn.life, flights=flights, moved=moved)


def unit_ended(turn: Turn, flight: int) -> None:
    """A unit ended: progress, and a sign of health."""
    flights = tuple(replace(f, ended=f.ended + 1) if f.id == flight else f for f in turn.life.flights)
    turn.life = replace(turn.life, flights=flights, heard=turn.at, moved=turn.at)
    turn.record = replace(turn.record, attempt=0)


def ended(turn: Turn, flight: int) -> None:
    """The flight landed."""
    flights = tuple(f for f in turn.life.flights if f.id != flight)
    turn.life = replace(turn.life, flights=flights, heard=turn.at, moved=turn.at, idle_since=turn.at)
