"""The flights of all jobs: each unit in one flight at most, each result taken once. No I/O, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ipc import work
from ipc.errors import Problem
from supervisor.jobs import changes
from supervisor.jobs.again import counted, retry
from supervisor.jobs.effects import Effect, FailEngine, Fly, Happen, Save, Stored, noted
from supervisor.jobs.floor import EngineView
from supervisor.jobs.job import Flight, Formation, Job, Measured, Numbers, Unit
from supervisor.jobs.runs import Run, Runs
from supervisor.jobs.schedule import Choice, fits, holds_back, still_fits
from supervisor.jobs.suspicion import SetAside, Suspicion
from supervisor.jobs.unit_files import file_of
from supervisor.machine.effects import Verdict

DEATHS = 3
"""So many deaths of its engine, with nothing else at work, set a unit aside."""
NOBODYS = 0
"""The job of a flight that belongs to none."""


class Air:
    """Over `jobs`, by number, which it shares with the book. A flight whose job is gone ends without a trace."""

    def __init__(self, jobs: dict[int, Job], numbers: Numbers, files: Path) -> None:
        """`numbers` gives each flight its own; `files` is the folder where units may write results."""
        self._jobs = jobs
        self._numbers = numbers
        self._files = files
        self._flights: dict[int, Flight] = {}
        self._runs = Runs()
        self._suspicions: defaultdict[str, Suspicion] = defaultdict(Suspicion)

    def skip_runs(self, used: int) -> None:
        """Runs up to this number are known from before."""
        self._runs.skip(used)

    # ── questions ─────────────────────────────────────────────────────────────────────────────────────────

    def flying(self) -> set[str]:
        """The engines that have a flight, sent or waiting for them."""
        return {flight.engine for flight in self._flights.values()}

    def on_trial(self, engine: str) -> bool:
        """Whether the engine must prove itself before anything else."""
        return self._suspicions[engine].on_trial

    def tried(self) -> set[str]:
        """The engines on trial."""
        return {engine for engine, suspicion in self._suspicions.items() if suspicion.on_trial}

    def careful(self, engine: str, monotonic: float) -> bool:
        """Whether the engine has just died with several units at work."""
        return monotonic < self._suspicions[engine].careful_until

    def holding_back(self, engines: Iterable[EngineView], monotonic: float) -> list[str]:
        """Those that begin nothing which did not fly before, until they have lived for a while."""
        return [one.name for one in engines if holds_back(one, careful=self.careful(one.name, monotonic))]

    def shaken(self, engine: str) -> bool:
        """Whether the engine has just died of a unit alone, and ended none since."""
        return self._suspicions[engine].shaken

    def judged(self, job: int) -> bool:
        """Whether no unit of the job waits for an engine's trial."""
        return not any(suspicion.concerns(job) for suspicion in self._suspicions.values())

    def aloft(self, engine: str) -> bool:
        """Whether the engine has a flight that was sent."""
        return any(flight.sent for flight in self._flights.values() if flight.engine == engine)

    def units_aloft(self, engine: str) -> int:
        """Units that were sent to the engine and have not ended."""
        return sum(len(flight.open) for flight in self._flights.values() if flight.engine == engine and flight.sent)

    def solitary(self, engine: str) -> bool:
        """Whether what the engine flies must be alone."""
        return any(flight.solitary for flight in self._flights.values() if flight.engine == engine and flight.sent)

    def next_of(self, engine: str) -> Flight | None:
        """The flight that waits for the engine, if one was composed ahead."""
        return next((flight for flight in self._flights.values() if flight.engine == engine and not flight.sent), None)

    # ── the way up ────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, job: Job, engine: EngineView, choice: Choice) -> list[Effect]:
        """Compose a flight; once that is stored it may be sent."""
        flight = Flight(self._numbers.next(), job.spec.number, engine.name, choice.units, engine.deterministic)
        former: tuple[changes.Change, ...] = ()
        if choice.formation is not None:
            job.formations.remove(choice.formation)
            flight.crashes = choice.formation.crashes
            former = (changes.FlightOver(choice.formation.flight, flown=choice.formation.flown),)
        for unit in flight.units:
            job.take(unit.index)
        self._flights[flight.id] = job.flights[flight.id] = flight
        indices = tuple(unit.index for unit in flight.units)
        composed = changes.FlightComposed(flight.id, job.spec.number, indices, flight.deterministic)
        return [Save((*former, composed), then=(Stored(flight.id),))]

    def stored(self, number: int) -> None:
        """The composition is durable."""
        flight = self._flights.get(number)
        if flight is not None:  # else it was disbanded meanwhile
            flight.stage = "stored"

    def disband(self, engine: str) -> list[Effect]:
        """Let the units of the flight that waits for the engine wait for any other, too."""
        flight = self.next_of(engine)
        return [] if flight is None else self._release(self._pop(flight))

    def forget(self, job: int) -> list[Effect]:
        """The job is over: what was composed for it is never sent, and what comes of the rest is nobody's any more."""
        flights = [flight for flight in self._flights.values() if flight.job == job]
        for flight in flights:
            if flight.sent:
                flight.job = NOBODYS
            else:
                self._pop(flight)
        self._runs.forget(job)
        over = tuple(changes.FlightOver(flight.id, flown=flight.sent) for flight in flights)
        return [Save(over)] if over else []

    def send(self, flight: Flight, engine: EngineView, run: Run, *, careful: bool) -> list[Effect]:
        """Send a flight that waited for its engine, once it is stored and if it is still what the engine should fly.

        `run` is the engine with its settings.
        """
        job = self._jobs.get(flight.job)
        if job is None or job.facts.paused or not still_fits(flight, job, engine, careful=careful):
            return self._release(self._pop(flight))
        if flight.stage == "composed":
            return []
        flight.stage = "sent"
        for unit in flight.open:
            unit.begun = True
        job.facts = msgspec.structs.replace(job.facts, attempts=job.facts.attempts + len(flight.open))
        flight.run, began = self._runs.of(job.spec.number, run)
        flight.takes = {unit.index: unit.take for unit in flight.units}
        orders = tuple(self._order(job, unit, flight.id) for unit in flight.units)
        fly = Fly(flight.engine, work.Fly(flight.id, orders, stream=False, deterministic=flight.deterministic))
        return [Save((began,)), fly] if began is not None else [fly]

    def handed_over(self, engine: str, former: str) -> None:
        """What was sent to the engine flies on under the name `former`; what waits for the engine goes to its heir."""
        for flight in (one for one in self._flights.values() if one.engine == engine and one.sent):
            flight.engine = former

    def end_trial(self, engine: str) -> None:
        """The engine cannot be tried, because only the operator can start it: what was set aside stays so."""
        if self.on_trial(engine):
            self._suspicions[engine].row.clear()

    def try_known(self, engine: EngineView) -> list[Effect]:
        """Put an engine on trial to the proof."""
        proof = self._suspicions[engine.name].proof
        assert proof is not None, "only an engine on trial is put to the proof"
        flight = Flight(self._numbers.next(), NOBODYS, engine.name, (), engine.deterministic, stage="sent")
        self._flights[flight.id] = flight
        order = msgspec.structs.replace(proof, file="")
        return [Fly(engine.name, work.Fly(flight.id, (order,), stream=False, deterministic=flight.deterministic))]

    def part(self, job: Job, engines: Iterable[EngineView]) -> list[Effect]:
        """Let companies go their own ways that no engine could fly as they were."""
        engines = tuple(engines)
        gone = [
            formation for formation in job.formations if not any(fits(job, formation, engine) for engine in engines)
        ]
        for formation in gone:
            job.formations.remove(formation)
            job.put_back(formation.units)
        over = tuple(changes.FlightOver(formation.flight, flown=formation.flown) for formation in gone)
        return [Save(over)] if gone else []

    def recompose(self, job: Job) -> list[Effect]:
        """Let go of what was composed ahead, because units are divided anew."""
        ahead = [flight for flight in job.flights.values() if not flight.sent and not flight.deterministic]
        return [effect for flight in ahead for effect in self._release(self._pop(flight))]

    def beware(self, engine: str, until: float) -> None:
        """It died of a person's request, or of one of several: one flies at a time until then (monotonic seconds)."""
        self._suspicions[engine].careful_until = until

    def acquit(self, job: int, units: Iterable[Unit]) -> None:
        """The operator takes these units back: whatever an engine on trial does, they wait again already."""
        indices = {unit.index for unit in units}
        for suspicion in self._suspicions.values():
            suspicion.row = [one for one in suspicion.row if one.job != job or one.unit.index not in indices]

    # ── what comes back ───────────────────────────────────────────────────────────────────────────────────

    def done(self, engine: str, message: work.UnitDone) -> list[Effect]:
        """A result. What was taken before, or belongs to no flight in the air, is ignored."""
        found = self._find(engine, message)
        if found is None:
            return []
        job, unit = found
        proof = work.UnitOrder(message.job, unit.index, unit.payload, take=unit.take, own=job.spec.own)
        self._suspicions[engine].is_well(proof)
        unit.ended = True
        flight, number = self._flights[message.flight], job.spec.number
        file = file_of(self._files, number, unit.index, flight.id) if message.digest else None
        measured = Measured(
            message.tokens,
            message.seconds,
            message.ttft_seconds,
            message.audio_seconds,
            len(message.result.encode()) + message.file_bytes,
            message.confidence,
        )
        flight.seconds[unit.index] = message.seconds
        job.facts = counted(job.facts, measured)
        result = changes.UnitDone(number, unit.index, message.result, measured, flight.run, file, message.digest)
        return [noted(job, result)]

    def worked(self, number: int, seconds: float | None) -> None:
        """So long its engine worked on the flight since this was last told."""
        flight = self._flights.get(number)
        job = None if flight is None else self._jobs.get(flight.job)
        if job is not None and seconds is not None:
            job.facts = msgspec.structs.replace(job.facts, work_seconds=job.facts.work_seconds + seconds)

    def failed(self, engine: str, message: work.UnitFailed) -> list[Effect]:
        """A unit cannot be done; the engine is well."""
        if (found := self._find(engine, message)) is None:
            return []
        job, unit = found
        self._suspicions[engine].is_well(None)
        return [_set_aside(job, unit, "failed", message.problem, ())]

    def landed(self, engine: str, number: int, joules: float | None) -> list[Effect]:
        """Nothing of the flight is running; what has not ended waits again. `joules` are what GPUs spent on it."""
        flight = self._flights.get(number)
        if flight is None or flight.engine != engine:
            return []
        return [*self._spend(flight, joules), *self._release(self._pop(flight))]

    def lost(
        self,
        number: int,
        verdict: Verdict,
        *,
        alone: bool,
        cause: str,
        log_tail: tuple[str, ...],
        careful_until: float,
        joules: float | None,
    ) -> list[Effect]:
        """The flight went down with its engine. Only a death of the engine's own fault is held against anyone, and one
        of a unit that runs out of memory alone where settings cannot get any lower."""
        flight = self._flights.get(number)
        if flight is None:
            return []
        spent = self._spend(self._pop(flight), joules)
        effects = self._consequences(flight, verdict, alone, cause, log_tail, careful_until)
        return [*spent, *effects, *self.disband(flight.engine)]

    def _consequences(
        self,
        flight: Flight,
        verdict: Verdict,
        alone: bool,
        cause: str,
        log_tail: tuple[str, ...],
        careful_until: float,
    ) -> list[Effect]:
        if not flight.units and (verdict == "own" or alone):
            return self._condemn(flight.engine)
        job = self._jobs.get(flight.job)
        if job is not None and flight.open and alone and len(flight.units) == 1:
            return self._blame(job, flight, flight.units[0], cause, log_tail)
        if verdict != "own" or job is None or not flight.open:
            return self._release(flight)
        self.beware(flight.engine, careful_until)
        if flight.deterministic and not flight.crashes and len(flight.units) > 1:
            # Other company could change the output, so the same company gets one chance more.
            return self._release(flight, crashes=1)
        return self._suspect(job, flight, cause)

    # ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _find(self, engine: str, message: work.UnitDone | work.UnitFailed) -> tuple[Job, Unit] | None:
        flight = self._flights.get(message.flight)
        if flight is None or flight.engine != engine:
            return None
        if not flight.units:  # the proof: whatever it says, it lives
            self._suspicions[engine].is_well(None)
            return None
        job = self._jobs.get(flight.job)
        unit = next((unit for unit in flight.open if unit.index == message.index), None)
        if unit is not None and flight.takes[unit.index] != unit.take:
            return None  # the operator wants another take since, for which the company flies again
        return None if job is None or unit is None else (job, unit)

    def _pop(self, flight: Flight) -> Flight:
        del self._flights[flight.id]
        job = self._jobs.get(flight.job)
        if job is not None:
            job.flights.pop(flight.id, None)  # the job may have ended and been taken up again meanwhile
        return flight

    def _release(self, flight: Flight, crashes: int | None = None) -> list[Effect]:
        """Its open units wait again, unblamed."""
        job = self._jobs.get(flight.job)
        if job is not None and flight.deterministic and flight.open:
            crashes = flight.crashes if crashes is None else crashes
            job.formations.append(Formation(flight.id, flight.units, crashes, flown=flight.sent))
            return []
        if job is not None:
            job.put_back(flight.units)
        if not flight.units or flight.job == NOBODYS:
            return []
        return [Save((changes.FlightOver(flight.id, flown=flight.sent),))]

    def _spend(self, flight: Flight, joules: float | None) -> list[Effect]:
        """Divide what the flight cost among its finished units, by the time that each took."""
        job, whole = self._jobs.get(flight.job), sum(flight.seconds.values())
        if job is None or joules is None:
            return []
        job.facts = msgspec.structs.replace(job.facts, joules=(job.facts.joules or 0.0) + joules)
        spent = {index: joules * seconds / whole for index, seconds in flight.seconds.items() if whole}
        return [noted(job, changes.UnitsSpent(flight.job, spent))]

    def _order(self, job: Job, unit: Unit, flight: int) -> work.UnitOrder:
        file = file_of(self._files, job.spec.number, unit.index, flight)
        return work.UnitOrder(job.spec.id, unit.index, unit.payload, str(file), unit.take, job.spec.own)

    def _suspect(self, job: Job, flight: Flight, cause: str) -> list[Effect]:
        blamed = []
        for unit in flight.open:
            unit.alone = True
            blamed.append(changes.UnitBlamed(job.spec.number, unit.index, unit.deaths, alone=True))
        job.put_back(flight.units)
        text = f"{cause} with {len(blamed)} units of {job.spec.id} at work: each now runs alone."
        told = Happen("warning", job.spec.id, "units-suspected", text)
        return [noted(job, changes.FlightOver(flight.id, flown=True), *blamed, then=(told,))]

    def _blame(self, job: Job, flight: Flight, unit: Unit, cause: str, log_tail: tuple[str, ...]) -> list[Effect]:
        suspicion = self._suspicions[flight.engine]
        suspicion.shaken = True
        unit.deaths += 1
        unit.alone = True
        blame = (
            changes.FlightOver(flight.id, flown=True),
            changes.UnitBlamed(job.spec.number, unit.index, unit.deaths, alone=True),
        )
        text = f"{cause} with only {unit.where} at work"
        if unit.deaths < DEATHS:
            job.put_back(flight.units)
            told = Happen("warning", job.spec.id, "unit-blamed", f"{text} ({unit.deaths} of {DEATHS} times).")
            return [noted(job, *blame, then=(told,))]
        problem = Problem("Unit kills its engine", f"{text}, {DEATHS} times.", "Look at its input and the log.")
        told = Happen("warning", job.spec.id, "unit-quarantined", f"{text}, {DEATHS} times: it is set aside.")
        if unit.former is None:
            suspicion.row.append(SetAside(job.spec.number, unit))
        effects: list[Effect] = [_set_aside(job, unit, "quarantined", problem, log_tail, *blame, then=(told,))]
        return [*effects, *self._condemn(flight.engine)] if suspicion.condemned else effects

    def _condemn(self, engine: str) -> list[Effect]:
        """The engine is at fault: what was set aside because of it waits again, with nothing held against it."""
        suspicion = self._suspicions.pop(engine)
        effects: list[Effect] = []
        for aside in suspicion.row:
            job = self._jobs.get(aside.job)
            if job is not None:
                aside.unit.ended, aside.unit.alone, aside.unit.deaths = False, False, 0
                effects += retry(job, (aside.unit,))
        cause = f"it died of {len(suspicion.row)} different units in a row, each alone and {DEATHS} times"
        return [*effects, FailEngine(engine, cause)]


def _set_aside(
    job: Job,
    unit: Unit,
    ending: changes.SetAsideEnding,
    problem: Problem,
    log_tail: tuple[str, ...],
    *what: changes.Change,
    then: tuple[Happen, ...] = (),
) -> Save:
    unit.ended = True
    number = job.spec.number
    found = changes.ProblemFound(number, unit.index, unit.where, unit.name, problem, log_tail)
    ended: changes.Change
    if unit.former is not None:
        job.facts = counted(job.facts, unit.former)
        ended = changes.UnitKept(number, unit.index)
    else:
        job.facts = msgspec.structs.replace(job.facts, failed=job.facts.failed + 1)
        ended = changes.UnitSetAside(number, unit.index, ending)
    return noted(job, *what, ended, found, then=then)
