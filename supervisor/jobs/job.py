"""A job in the words of the book: what was submitted, what is known and durable, and the window of it in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from msgspec import Struct

from config.pools import Route
from ipc.snapshot import Scalar
from supervisor.jobs.choices import Choices

Ending: TypeAlias = Literal["done", "done with problems", "failed", "cancelled"]
Stage: TypeAlias = Literal["composed", "stored", "sent"]
"""Of a flight: its composition is being stored; it waits for its engine; it is in the air."""
Errand: TypeAlias = Literal["planning", "assembling", "placing"]
"""What is under way for a job besides its flights; one at a time."""


class Numbers:
    """Counts up from above whatever was used before."""

    def __init__(self) -> None:
        self._used = 0

    def skip(self, used: int) -> None:
        """Numbers up to `used` are taken."""
        self._used = max(self._used, used)

    @property
    def used(self) -> int:
        """The last one given."""
        return self._used

    def next(self) -> int:
        """One that was never given."""
        self._used += 1
        return self._used


class Spec(Struct, frozen=True):
    """What was submitted; it never changes."""

    number: int
    id: str
    kind: str
    inputs: tuple[str, ...]
    output: str
    """As it was told: a file, or a folder that ends with `/`."""
    outputs: tuple[str, ...]
    """The files that it writes: one for all inputs, or one for each."""
    on_done: str
    settings: dict[str, Scalar]
    """The engine's knobs at the time."""
    submitted_unix: float
    own: dict[str, Scalar] = {}
    """Settings that it was given for itself: they count instead of the engine's."""

    def output_of(self, source: int) -> int:
        """Which of the outputs holds what comes from that input."""
        return source if len(self.outputs) > 1 else 0


class Facts(Struct, frozen=True):
    """What is known of a job; stored as a whole with every change, and told only once it is stored."""

    engine: str = ""
    """The name of one or of a pool; empty for the only pool of the kind, or any engine where there is none."""
    priority: int = 5
    after: tuple[int, ...] = ()
    """Jobs that must end well before it begins."""
    begun: bool = False
    """Its inputs were being read: from then on it waits for no other job."""
    paused: bool = False
    source: int = 0
    """Which input is being planned."""
    cursor: str = ""
    """Where in it to read on."""
    share: float | None = 0.0
    """How much of that input lies before the cursor; None where that is unknown."""
    identity: str = ""
    """What that input loses when anybody changes it; empty before it was looked at."""
    planned: int = 0
    """Units planned so far; the next one gets this index."""
    planned_with: dict[str, Scalar] = {}
    """The settings that decided how the last of them were divided."""
    all_planned: bool = False
    done: int = 0
    failed: int = 0
    """Units that failed or were quarantined."""
    set_aside: int = 0
    """Pieces of the inputs that could not become a unit."""
    unread: int = 0
    """Inputs that could not be read to their end."""
    attempts: int = 0
    """Units sent, again or for the first time."""
    tokens: int = 0
    seconds: float = 0.0
    """That units took, added up."""
    work_seconds: float = 0.0
    """In which engines worked on it: what they compute together counts once, and what was thrown away counts, too."""
    audio_seconds: float | None = None
    sure_seconds: float = 0.0
    """Audio of the units that told how sure they are; a unit without audio counts as a second."""
    confidence_seconds: float = 0.0
    """Their confidences, each times as many seconds, added up."""
    joules: float | None = None
    result_bytes: int = 0
    placing: int | None = None
    """The output whose finished part file is about to be renamed; its identity is noted, so it is known as ours."""
    ending: Ending | None = None
    reason: str = ""
    """Why it ended as it did, where that needs saying."""
    finished_unix: float | None = None
    hook_due: bool = False
    """The operator's command for its end has not been run yet."""

    @property
    def all_ended(self) -> bool:
        """Whether no unit is left to do."""
        return self.all_planned and self.done + self.failed == self.planned

    @property
    def confidence(self) -> float | None:
        """Mean natural logarithm of the probability of a token; None where no unit told it."""
        return self.confidence_seconds / self.sure_seconds if self.sure_seconds > 0 else None


class Measured(Struct, frozen=True):
    """What was measured of one unit as it was done."""

    tokens: int
    seconds: float
    ttft_seconds: float | None = None
    audio_seconds: float | None = None
    result_bytes: int = 0
    confidence: float | None = None


@dataclass
class Unit:
    """A planned unit that has not ended, or whose flight is still in the air."""

    index: int
    payload: str
    where: str
    name: str | None
    source: int = 0
    """Which input it comes from."""
    start: str = ""
    """The cursor in it where the unit begins."""
    deaths: int = 0
    """How many times its engine died of its own fault with nothing but this unit at work."""
    alone: bool = False
    """A suspect: its engine died of its own fault with this unit among others at work."""
    begun: bool = False
    """It was in a flight that was sent: it is not divided anew."""
    former: Measured | None = None
    """It was done before and the operator wants it done again: the old result stays until there is a new one."""
    take: int = 0
    """How often the operator asked for that; other flights of it, after a death say, are the same take."""
    ended: bool = False
    extent: float | None = None
    """How long the whole of its input is, in seconds of audio; None where that is unknown or means nothing."""


@dataclass(frozen=True)
class Found:
    """Something of the inputs that became no unit, found when `before` units were planned: it lies before the next."""

    before: int
    source: int
    stopped: str | None = None
    """The cursor from which on its input could not be read; None where a piece was set aside."""


@dataclass(frozen=True)
class Rewind:
    """Back to where the first of these units begins, to read on from there."""

    first: int
    """The index that the next planned unit gets."""
    source: int
    cursor: str
    units: tuple[Unit, ...] = ()

    def keeps(self, found: Found) -> bool:
        """Whether that lies before; what made reading stop is tried again."""
        stays = found.source < self.source or (found.source == self.source and found.stopped is None)
        return found.before < self.first or (found.before == self.first and stays)


@dataclass(frozen=True)
class Output:
    """One output of a job. `identities` are those of all files that we ever made there; the last is the latest.

    `current`: it is in its place, and holds what it should. An input that could not be read has no output, and
    `identities` are empty.
    """

    identities: tuple[str, ...] = ()
    current: bool = False


@dataclass
class Formation:
    """The units of a flight that must fly again in the same company, so that the output is byte-identical."""

    flight: int
    """The one that was lost or interrupted; it stays stored until they fly again."""
    units: tuple[Unit, ...]
    crashes: int
    flown: bool = True
    """It was sent once."""


@dataclass
class Flight:
    """Units at work on one engine, from the decision to its landing or loss."""

    id: int
    job: int
    engine: str
    units: tuple[Unit, ...]
    deterministic: bool
    crashes: int = 0
    """How many times just this company went down through its own fault."""
    stage: Stage = "composed"
    run: int | None = None
    """The number of its engine's settings, once it is sent."""
    takes: dict[int, int] = field(default_factory=dict)
    """Which take of each unit was sent, by index."""
    seconds: dict[int, float] = field(default_factory=dict)
    """That its finished units took, by index."""

    @property
    def sent(self) -> bool:
        """Whether its engine was told."""
        return self.stage == "sent"

    @property
    def solitary(self) -> bool:
        """Whether nothing else may be in the air on its engine: a suspect, or the proof of an engine on trial."""
        return not self.units or any(unit.alone for unit in self.units)

    @property
    def open(self) -> tuple[Unit, ...]:
        """The units that have not ended."""
        return tuple(unit for unit in self.units if not unit.ended)


@dataclass(frozen=True)
class Hold:
    """Why a job cannot go on just now, and when to try again (monotonic seconds)."""

    reason: str
    until: float


@dataclass
class Job:
    """An unfinished job: `free` holds the planned units that wait, by index."""

    spec: Spec
    facts: Facts = Facts()
    free: dict[int, Unit] = field(default_factory=dict)
    formations: list[Formation] = field(default_factory=list)
    flights: dict[int, Flight] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    parked: Rewind | None = None
    """Units that are being divided anew: they wait until the desk has shown that it can read their input again."""
    outputs: dict[int, Output] = field(default_factory=dict)
    stuck: set[int] = field(default_factory=set)
    """Outputs that cannot be put in their place just now; the others go on."""
    written: int = 0
    """So many of the first outputs are known to be current."""
    outdated: bool = False
    """While an output is being written: units that it holds are to be done again."""
    errand: Errand | None = None
    hold: Hold | None = None
    mishaps: int = 0
    """How many errands in a row came to nothing."""
    hold_reason: str = ""
    """The last one told, so that it is not told again at every try."""
    route: Route | None = None
    """Its pool's, as the configuration and its language say now; None where it goes through no pool."""
    lanes: tuple[dict[int, Unit], ...] = ()
    """What of `free` waits for each stage of the route."""
    choices: Choices = field(default_factory=Choices)
    begun_sources: set[int] = field(default_factory=set)
    """Inputs of which a unit was sent through a pool since the supervisor began."""

    @property
    def waiting(self) -> bool:
        """Whether there is a unit to fly."""
        return bool(self.free or self.formations)

    def put_back(self, units: Iterable[Unit]) -> None:
        """Those that have not ended wait again."""
        waiting = [unit for unit in units if not unit.ended]
        self.free.update((unit.index, unit) for unit in waiting)
        self._line_up(waiting)

    def take(self, index: int) -> Unit | None:
        """The unit waits no more; None where it did not."""
        unit = self.free.pop(index, None)
        if unit is not None and self.route is not None:
            del self.lanes[self.route.stage_of(unit.extent)][index]
        return unit

    def follow(self, route: Route | None) -> None:
        """Its units fly where this route says; what waits is sorted anew only where it is another one."""
        if route is not self.route:
            self.route = route
            self.lanes = () if route is None else tuple({} for _ in route.stages)
            self._line_up(self.free.values())

    def _line_up(self, units: Iterable[Unit]) -> None:
        if (route := self.route) is not None:
            for unit in units:
                self.lanes[route.stage_of(unit.extent)][unit.index] = unit

    def open_units(self) -> Iterator[Unit]:
        """All planned units that have not ended."""
        yield from self.free.values()
        yield from () if self.parked is None else self.parked.units
        companies = [*(formation.units for formation in self.formations), *(one.units for one in self.flights.values())]
        yield from (unit for units in companies for unit in units if not unit.ended)

    def is_whole(self, output: int) -> bool:
        """Whether every unit that belongs in this output is planned and has ended."""
        facts, spec = self.facts, self.spec
        if len(spec.outputs) == 1:
            return facts.all_ended
        return facts.source > output and all(spec.output_of(unit.source) != output for unit in self.open_units())

    def due(self) -> int | None:
        """The first output that is not in its place as it should be, if it can be written now."""
        while self.is_current(self.written):
            self.written += 1
        reached = self.facts.source if len(self.spec.outputs) > 1 else 1
        for number in range(self.written, reached):
            if number not in self.stuck and not self.is_current(number):
                return number if self.is_whole(number) else None
        return None

    def is_current(self, output: int) -> bool:
        """Whether it is in its place as it should be."""
        known = self.outputs.get(output)
        return known is not None and known.current

    def reads_from(self, other: Spec) -> bool:
        """Whether it has begun to read its inputs, and one that is left of them is an output of that job."""
        left = self.spec.inputs[self.facts.source :]
        return self.facts.begun and not self.facts.all_planned and not set(left).isdisjoint(other.outputs)

    def spoil(self, output: int) -> Output:
        """Units of this output are to be done again: it is current no more."""
        known = self.outputs[output] = replace(self.outputs.get(output, Output()), current=False)
        self.written = min(self.written, output)
        self.outdated = True
        return known
