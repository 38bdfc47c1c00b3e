"""One step under way: the record as it becomes, and the effects so far. Lives no longer than the step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ipc.snapshot import Severity
from ipc.states import Draining, EngineState, Ready
from supervisor.machine.effects import Effect, Happen, Word
from supervisor.machine.record import Life, Record


@dataclass(slots=True)
class Turn:
    """What every rule works on. `at` is the moment of the event."""

    record: Record
    at: float
    effects: list[Effect] = field(default_factory=list)

    @property
    def state(self) -> EngineState:
        """What clients see."""
        return self.record.state

    @state.setter
    def state(self, state: EngineState) -> None:
        self.record = replace(self.record, state=state)

    @property
    def life(self) -> Life:
        """The process at hand."""
        return self.record.life

    @life.setter
    def life(self, life: Life) -> None:
        self.record = replace(self.record, life=life, state=_counting(self.record.state, life.units))

    def do(self, *effects: Effect) -> None:
        """Ask the runner for these, in order."""
        self.effects += effects

    def happen(self, severity: Severity, word: Word, text: str) -> None:
        """Say what happened and why; `text` follows the engine's name."""
        self.do(Happen(severity, word, f"{self.record.name} {text}"))


def _counting(state: EngineState, units: int) -> EngineState:
    match state:
        case Ready(pid, footprint_bytes, _):
            return Ready(pid, footprint_bytes, units)
        case Draining(pid, purpose, _):
            return Draining(pid, purpose, units)
        case _:
            return state
