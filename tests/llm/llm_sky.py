"""A sky with a script: flights that arrive, and things that happen, before a given step of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from llm_recorders import Orders

from engines.contract import Flight
from engines.llm.batch import Stretch
from engines.llm.context import Context
from engines.llm.engine import LlmEngine
from engines.llm.generate import Batching


class Script:
    """Flights by the step before which they arrive; `then` is done before a step. `landed` are those that ended."""

    def __init__(self, *arrivals: tuple[int, Orders], then: dict[int, Callable[[], object]] | None = None) -> None:
        self._arrivals = sorted(arrivals, key=lambda arrival: arrival[0])
        self._then = then or {}
        self.step = -1
        self.landed: list[Flight] = []
        self.landed_at: dict[int, int] = {}
        """The step of each flight, by its place among the arrivals."""
        self._flights = [flight for _, flight in arrivals]

    def attend(self) -> None:
        self.step += 1
        if self.step in self._then:
            self._then[self.step]()

    def rest(self, seconds: float) -> None:
        raise AssertionError("nobody who computes sleeps")

    def board(self) -> Flight | None:
        """People first, as the real one."""
        due = [arrival for arrival in self._arrivals if arrival[0] <= self.step]
        if not due:
            return None
        chosen = next((arrival for arrival in due if arrival[1].stream), due[0])
        self._arrivals.remove(chosen)
        return chosen[1]

    def land(self, flight: Flight) -> None:
        assert flight not in self.landed
        self.landed.append(flight)
        self.landed_at[next(at for at, one in enumerate(self._flights) if one is flight)] = self.step

    def play(self, engine: LlmEngine) -> None:
        """Fly until all has arrived and landed."""
        while self._arrivals:
            engine.fly(self)
            assert len(self.landed) + len(self._arrivals) == len(self._flights)
        assert len(self.landed) == len(self._flights)


@contextmanager
def watched() -> Iterator[list[list[tuple[bool, int, int, int]]]]:
    """All batches meanwhile, with a line for each lane: must it repeat, its sequence, its position, what is pending."""
    batches: list[list[tuple[bool, int, int, int]]] = []
    step = Batching._step

    def watching(self: Batching) -> None:
        batches.append([(lane.aboard.exclusive, lane.sequence, lane.position, lane.pending) for lane in self._lanes])
        step(self)

    Batching._step = watching  # type: ignore[method-assign]
    try:
        yield batches
    finally:
        Batching._step = step  # type: ignore[method-assign]


@contextmanager
def counted() -> Iterator[list[Stretch]]:
    """All stretches that contexts compute meanwhile, but those steps where only writers go on."""
    stretches: list[Stretch] = []
    compute = Context.compute

    def counting(self: Context, wanted: list[Stretch], stop: Callable[[], bool]) -> list[int] | None:
        stretches.extend(wanted)
        return compute(self, wanted, stop)

    Context.compute = counting  # type: ignore[assignment, method-assign]
    try:
        yield stretches
    finally:
        Context.compute = compute  # type: ignore[method-assign]


def read(stretches: list[Stretch]) -> int:
    """Tokens of prompts among them."""
    return sum(len(stretch.tokens) for stretch in stretches if len(stretch.tokens) > 1)
