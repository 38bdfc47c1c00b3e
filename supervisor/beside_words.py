"""What an engine's row says while it has two processes. Pure."""

from __future__ import annotations

from ipc.snapshot import Scalar
from supervisor.machine.record import Record, Settings
from supervisor.machine.succession import progress


def beside_words(record: Record, other: Record) -> str:
    """`float32 loads beside int8, 62 %`; once that took over, what becomes of the former process."""
    if record.heir is not None:
        far = progress(other)
        return f"{_loads(record.settings, record.heir.changes)}{far and f', {far}'}"
    if other.role == "heir":
        return "its successor is given up"
    units = other.life.units
    return f"its former process {f'finishes {units} {_units(units)}' if units else 'leaves'}"


def _loads(before: Settings, changes: Settings) -> str:
    new = {name: value for name, value in changes.items() if before.get(name) != value}
    match [*new.items()]:
        case [(name, value)] if _names_itself(value) and _names_itself(before.get(name)):
            return f"{value} loads beside {before[name]}"
        case [(name, value)]:
            return f"{name} {_shown(value)} loads beside {_shown(before.get(name))}"
        case _:
            return f"{', '.join(f'{name} {_shown(value)}' for name, value in new.items())} load beside what is there"


def _names_itself(value: Scalar) -> bool:
    """Whether it is a word that tells what it is of: `int8` and `cpu`, not `1`, `true` or a path."""
    return isinstance(value, str) and value.isidentifier()


def _shown(value: Scalar) -> str:
    return "—" if value in ("", None) else str(value)


def _units(count: int) -> str:
    return "unit" if count == 1 else "units"
