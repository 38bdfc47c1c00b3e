"""Changes to knobs that are not applied yet: the state of the knob panel. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from config.units import amount
from ipc.snapshot import Knob, Scalar


class Draft:
    """The knobs of one engine, a cursor over them, and what the operator has changed so far."""

    def __init__(self, knobs: Sequence[Knob]) -> None:
        self.knobs = tuple(knobs)
        self.index = 0
        self._steps: list[dict[str, Scalar]] = [{}]

    @property
    def current(self) -> Knob:
        """The knob under the cursor."""
        return self.knobs[self.index]

    @property
    def changes(self) -> dict[str, Scalar]:
        """What would be applied: only knobs that differ from their present value."""
        return dict(self._steps[-1])

    def value(self, knob: Knob) -> Scalar:
        """The drafted value, or the present one."""
        return self._steps[-1].get(knob.name, knob.value)

    def move(self, by: int) -> None:
        """The cursor, stopping at the ends."""
        self.index = max(0, min(len(self.knobs) - 1, self.index + by))

    def find(self, text: str, start: int) -> bool:
        """The cursor on the first knob from `start` on, and round again, with `text` in its name, else in its help.

        False where there is none: the cursor is at `start` then.
        """
        wanted = "_".join(text.lower().split())
        order = [*range(start, len(self.knobs)), *range(start)]
        named = [at for at in order if wanted in self.knobs[at].name]
        told = [at for at in order if text.lower().strip() in self.knobs[at].help.lower()]
        found = [*named, *told]
        self.index = next(iter(found), start)
        return bool(found)

    def step(self, direction: int) -> None:
        """The next (+1) or previous (−1) sensible value; text has none."""
        knob = self.current
        self._put(knob, stepped(knob, self.value(knob), direction))

    def put(self, text: str) -> None:
        """A typed value. What cannot be read as the knob's type stays text: the supervisor says what it takes."""
        self._put(self.current, read(self.current, text))

    def default(self) -> None:
        """Back to the declared default."""
        self._put(self.current, self.current.default)

    def undo(self) -> None:
        """Take the last change back."""
        if len(self._steps) > 1:
            self._steps.pop()

    def _put(self, knob: Knob, value: Scalar) -> None:
        if value == self.value(knob) and type(value) is type(self.value(knob)):
            return
        after = {**self._steps[-1], knob.name: value}
        if value == knob.value:
            del after[knob.name]
        self._steps.append(after)


def stepped(knob: Knob, value: Scalar, direction: int) -> Scalar:
    """The neighbour of `value`: the other truth, the next choice, the next round number within the range."""
    if isinstance(value, bool):
        return not value
    if knob.choices:
        at = knob.choices.index(str(value)) if str(value) in knob.choices else 0
        return knob.choices[max(0, min(len(knob.choices) - 1, at + direction))]
    if not isinstance(value, int | float):
        return value
    moved = _moved(value, direction)
    low = -math.inf if knob.minimum is None else knob.minimum
    high = math.inf if knob.maximum is None else knob.maximum
    held = min(max(moved, low), high)
    return int(held) if isinstance(value, int) else float(held)


def read(knob: Knob, text: str) -> Scalar:
    """Typed text as the type of the knob's default where it can be; `5m` and `4 GiB` are understood."""
    wanted = text.strip()
    if isinstance(knob.default, bool):
        return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(
            wanted.lower(), wanted
        )
    if isinstance(knob.default, int | float):
        try:
            number = float(str(amount(wanted.replace(",", ""), knob.unit)))
        except ValueError:
            return wanted
        return int(number) if isinstance(knob.default, int) and number.is_integer() else number
    return None if not wanted and knob.default is None else wanted


def _moved(value: float, direction: int) -> float:
    if isinstance(value, int) and _doubles(value):
        return value * 2 if direction > 0 else value / 2
    return round(value + direction * _stride(value, direction), 6)


def _doubles(value: int) -> bool:
    return value >= 64 and value.bit_count() == 1


def _stride(value: float, direction: int) -> float:
    size = abs(value)
    if not isinstance(value, int) and (size < 1 or (size == 1 and direction < 0)):
        return 0.05
    if size < 20:
        return 1 if isinstance(value, int) or size >= 5 else 0.1
    return float(10 ** (math.floor(math.log10(size)) - 1))
