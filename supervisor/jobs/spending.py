"""What each flight cost, in joules or in seconds of an engine: flights in the air together share by their units. Pure.

An estimate, as what it divides is (`supervisor/gpus/energy.py`): a flight's share counts its units as they were sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class _Engine:
    figure: float | None = None
    """When it was last looked at; None before there was one, and then the next begins at 0."""
    units: dict[int, int] = field(default_factory=dict)
    """By flight in the air."""
    spent: dict[int, float] = field(default_factory=dict)


class Spending:
    """`figure` is always the engine's own growing one at that moment, None where nobody counts."""

    def __init__(self) -> None:
        self._engines: dict[str, _Engine] = {}

    def began(self, engine: str, flight: int, units: int, figure: float | None) -> None:
        """A flight of so many units is in the air from now on."""
        known = self._divided(engine, figure)
        known.units[flight] = max(1, units)

    def so_far(self, engine: str, flight: int, figure: float) -> float:
        """What was spent on a flight in the air since this was last asked."""
        return self._divided(engine, figure).spent.pop(flight, 0.0)

    def ended(self, engine: str, flight: int, figure: float | None) -> float | None:
        """What was spent on it since it was last asked about; None where nobody counts. It is asked about no more."""
        known = self._divided(engine, figure)
        if known.units.pop(flight, None) is None or figure is None:
            known.spent.pop(flight, None)
            return None
        return known.spent.pop(flight, 0.0)

    def handed_over(self, engine: str, figure: float | None, former: str, its_figure: float | None) -> None:
        """What flies on `engine` goes on as `former`, whose own figure it spends from now on."""
        self._divided(engine, figure)
        known = self._engines[former] = self._engines.pop(engine)
        known.figure = its_figure

    def _divided(self, engine: str, figure: float | None) -> _Engine:
        known = self._engines.setdefault(engine, _Engine())
        if figure is not None:
            grown, whole = figure - (known.figure or 0.0), sum(known.units.values())
            for flight, units in known.units.items():
                known.spent[flight] = known.spent.get(flight, 0.0) + grown * units / whole
            known.figure = figure
        return known
