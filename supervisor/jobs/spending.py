"""What GPUs spent on each flight: those that an engine flies at the same time share by their units. Pure.

An estimate, as what it divides is (`supervisor/gpus/energy.py`): a flight's share counts its units as they were sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class _Engine:
    joules: float | None = None
    """Its figure when it was last looked at; None before it had one, and then the next begins at 0."""
    units: dict[int, int] = field(default_factory=dict)
    """By flight in the air."""
    spent: dict[int, float] = field(default_factory=dict)


class Spending:
    """`joules` is always the engine's own growing figure at that moment, None where nobody counts."""

    def __init__(self) -> None:
        self._engines: dict[str, _Engine] = {}

    def began(self, engine: str, flight: int, units: int, joules: float | None) -> None:
        """A flight of so many units is in the air from now on."""
        known = self._divided(engine, joules)
        known.units[flight] = max(1, units)

    def ended(self, engine: str, flight: int, joules: float | None) -> float | None:
        """What was spent on it; None where nobody counts. A flight is asked about once."""
        known = self._divided(engine, joules)
        if known.units.pop(flight, None) is None or joules is None:
            known.spent.pop(flight, None)
            return None
        return known.spent.pop(flight, 0.0)

    def _divided(self, engine: str, joules: float | None) -> _Engine:
        known = self._engines.setdefault(engine, _Engine())
        if joules is not None:
            grown, whole = joules - (known.joules or 0.0), sum(known.units.values())
            for flight, units in known.units.items():
                known.spent[flight] = known.spent.get(flight, 0.0) + grown * units / whole
            known.joules = joules
        return known
