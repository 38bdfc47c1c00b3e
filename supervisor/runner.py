"""The one loop: owns every slot, steps the machine with what happens, and performs what it decides.

Whoever has something to say posts it; nothing is decided anywhere else, and no step begins inside another. The
machine has no timers: `deadline` says when it wants a `Tick`.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, assert_never

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import TaskGroup

from engines.settings import as_dict
from ipc import work
from ipc.errors import Problem
from ipc.snapshot import EngineChanged
from ipc.states import Cold, EngineState, Failed, Ready
from supervisor.board import Board
from supervisor.host import ProcessReading
from supervisor.machine import effects, events
from supervisor.machine.clock import deadline
from supervisor.machine.events import Event
from supervisor.machine.record import BeStopped, Settings
from supervisor.machine.step import step
from supervisor.pairs import Pairs
from supervisor.process.child import Broke, Child, Exited, Fact, Greeted, Said
from supervisor.process.spawn import ChildSpec, spawn
from supervisor.process.sweep import sweep_spawn
from supervisor.slot import Slot, former_name
from supervisor.translate import event_of


class Work(Protocol):
    """What the runner tells about flights and tasks; the foreman."""

    def engine_changed(self, engine: str) -> None: ...
    def said(
        self, engine: str, message: work.Piece | work.Took | work.UnitDone | work.UnitFailed | work.Landed
    ) -> None: ...
    def flight_lost(
        self, engine: str, flight: int, verdict: effects.Verdict, alone: bool, cause: str, log_tail: tuple[str, ...]
    ) -> None: ...
    def handed_over(self, engine: str, former: str) -> None: ...
    def desk_said(self, kind: str, message: work.Planned | work.Pull | work.Assembled | work.TaskFailed) -> None: ...
    def desk_lost(self, kind: str, cause: str) -> None: ...


class Rooms(Protocol):
    """What the runner tells about memory; the admission."""

    def ask(self, slot: Slot, wish: effects.AskRoom) -> None: ...
    def give_up(self, slot: Slot, *, unsuited: bool) -> None: ...
    def exited(self, slot: Slot) -> None: ...
    def loaded(self, slot: Slot, seconds: float) -> None: ...
    def stepped_down(self, slot: Slot, step: effects.StepDown) -> None: ...
    def renamed(self, names: Mapping[str, str]) -> None: ...


class Runner:
    """Runs until cancelled; `post` may be called from anywhere on the loop."""

    def __init__(
        self,
        slots: dict[str, Slot],
        jobs: Work,
        rooms: Rooms,
        board: Board,
        make_spec: Callable[[Slot, Settings], ChildSpec],
        instance: str,
    ) -> None:
        self.slots = slots
        self._jobs = jobs
        self._rooms = rooms
        self._board = board
        self._make_spec = make_spec
        self._instance = instance
        self._posted: deque[tuple[Slot, Event | None, Callable[[], None]]] = deque()
        self._wake = anyio.Event()
        self._holders: dict[Child, Slot] = {}
        """Whose process each is; a slot may come to have another's."""
        self._pairs = Pairs(slots, self.post)

    def post(self, slot: Slot, event: Event, then: Callable[[], None] = lambda: None) -> None:
        """Hand an event to the loop; `then` is called right after its effects were performed."""
        self._posted.append((slot, event, then))
        self._wake.set()

    def _after(self, slot: Slot, then: Callable[[], None]) -> None:
        """Call `then` when all that was posted before is done."""
        self._posted.append((slot, None, then))
        self._wake.set()

    async def run(self) -> None:
        """Step events as they come and ticks as they fall due."""
        async with anyio.create_task_group() as children:
            while True:
                while self._posted:
                    slot, event, then = self._posted.popleft()
                    if event is not None:
                        self._step(slot, event, children)
                    then()
                if (due := self._pairs.due()) is not None:
                    self._hand_over(due, children)
                    continue
                self._wake = anyio.Event()
                with anyio.move_on_at(self._next_deadline()):
                    await self._wake.wait()
                if not self._posted:
                    self._tick()

    def _next_deadline(self) -> float:
        due = [at for slot in self.slots.values() if (at := deadline(slot.record)) is not None]
        return anyio.current_time() + min(due, default=float("inf")) - time.monotonic()

    def _tick(self) -> None:
        now = time.monotonic()
        for slot in self.slots.values():
            at = deadline(slot.record)
            if at is not None and at <= now:
                self.post(slot, events.Tick(now))

    def _step(self, slot: Slot, event: Event, children: TaskGroup) -> None:
        before = slot.record.state
        slot.record, wanted = step(slot.record, event)
        for effect in wanted:
            self._perform(slot, effect, children)
        if slot.stands_by is not None:
            self._pairs.look_after(slot, slot.stands_by)
        self.show(slot)
        if slot.is_desk:
            self._send_tasks(slot)
        elif slot.record.state != before and not _only_units(before, slot.record.state):
            self._jobs.engine_changed(slot.name)

    def _hand_over(self, slot: Slot, children: TaskGroup) -> None:
        """Put an heir in the engine's place; nothing is posted, so nothing is meant for the process before."""
        former = former_name(slot.name)
        self._jobs.handed_over(slot.name, former)
        leaving, names, wanted = self._pairs.hand_over(slot)
        self._rooms.renamed(names)
        self._holders.update((one.child, one) for one in (slot, leaving) if one.child is not None)
        for effect in wanted:
            self._perform(slot, effect, children)
        self._jobs.engine_changed(slot.name)

    def show(self, slot: Slot) -> None:
        """Tell the watchers, if there is anything new about this engine."""
        slot = slot.stands_by or slot
        if slot.is_desk:
            return
        row = slot.row()
        if row != slot.published:
            slot.published = row
            self._board.publish(EngineChanged(row))

    def _perform(self, slot: Slot, effect: effects.Effect, children: TaskGroup) -> None:
        match effect:
            case effects.Spawn(settings):
                self._spawn(slot, settings, children)
            case effects.SendLoad(settings):
                self._send(slot, work.Load(dict(settings)))
            case effects.SendUnload():
                self._send(slot, work.Unload())
            case effects.SendApply(settings):
                self._send(slot, work.Apply(dict(settings)))
            case effects.SendLeave():
                self._send(slot, work.Leave())
            case effects.CancelFlights(flights):
                for flight in flights:
                    self._send(slot, work.CancelFlight(flight))
            case effects.SendTerm() | effects.SendKill() | effects.DumpStacks():
                self._signal(slot, effect)
            case effects.LoadBeside(settings):
                self._pairs.load_beside(slot, settings)
            case effects.GiveUpHeir():
                self._pairs.give_up(slot)
            case effects.AskRoom():
                self._rooms.ask(slot, effect)
            case effects.GiveUpRoom(unsuited):
                self._rooms.give_up(slot, unsuited=unsuited)
            case effects.LoseFlights():
                self._lose(slot, effect)
            case effects.SettingsInForce(settings, tickets):
                self._adopt(slot, settings)
                for ticket in tickets:
                    if ticket in slot.tickets:
                        slot.tickets[ticket].give(None)
            case effects.SettingsRefused(settings, tickets, problem):
                self._adopt(slot, settings)
                for ticket in tickets:
                    if ticket in slot.tickets:
                        slot.tickets[ticket].refuse(problem)
            case effects.StepDown(settings):
                self._rooms.stepped_down(slot, effect)
                before = as_dict(slot.settings)
                slot.before_steps = {**{name: before[name] for name in effect.changes}, **slot.before_steps}
                self._adopt(slot, settings)
            case effects.Settled(reach, problem):
                self._settle(slot, reach, problem)
            case effects.Happen(severity, word, text):
                slot.note = _note(slot, word, text)
                self._board.happen(severity, slot.engine, word, text)
            case _:
                assert_never(effect)

    def _send(self, slot: Slot, message: work.ToChild) -> None:
        if slot.child is not None:
            slot.child.send(message)

    def _signal(self, slot: Slot, effect: effects.SendTerm | effects.SendKill | effects.DumpStacks) -> None:
        if slot.child is None:
            return
        match effect:
            case effects.SendTerm():
                slot.child.terminate()
            case effects.SendKill():
                slot.child.kill()
            case effects.DumpStacks():
                slot.child.dump_stacks()

    def _adopt(self, slot: Slot, settings: Settings) -> None:
        slot.settings = msgspec.convert(dict(settings), type(slot.settings))

    def _settle(self, slot: Slot, reach: effects.Reach, problem: Problem | None) -> None:
        for wanted, awaited in slot.waiting:
            if wanted == reach:
                if problem is None:
                    awaited.give(None)
                else:
                    awaited.refuse(problem)

    def _lose(self, slot: Slot, lost: effects.LoseFlights) -> None:
        if slot.is_desk:
            self._jobs.desk_lost(slot.kind, lost.cause)
            return
        for flight in lost.flights:
            self._jobs.flight_lost(slot.name, flight, lost.verdict, lost.alone, lost.cause, lost.log_tail)

    # ── processes ─────────────────────────────────────────────────────────────────────────────────────────

    def _spawn(self, slot: Slot, settings: Settings, children: TaskGroup) -> None:
        try:
            spec = self._make_spec(slot, settings)
            child = spawn(spec, self._instance, slot.log)
        except OSError as error:
            problem = Problem(
                "Cannot start", f"{slot.name}: no process could be made: {error}.", "See `engineroom doctor`."
            )
            self.post(slot, events.SpawnFailed(time.monotonic(), problem))
            return
        slot.child, slot.runs_in = child, spec.python
        self._holders[child] = slot
        if spec.python not in (slot.python, sys.executable):
            slot.log.note(f"runs in an environment of its kind: {spec.python}")
        slot.bound = slot.claim.uuids if slot.claim is not None else ()
        slot.reading = ProcessReading(child.pid)
        self.post(slot, events.Spawned(time.monotonic(), child.pid))
        children.start_soon(self._watch, child)

    async def _watch(self, child: Child) -> None:
        await child.watch(partial(self._heard, child))
        slot = self._holders.pop(child)
        # In a thread: reading every process's environment takes tens of milliseconds on a busy box.
        left = await anyio.to_thread.run_sync(sweep_spawn, child.spawn_id, abandon_on_cancel=True)
        if left:
            names = ", ".join(f"{swept.name} ({swept.pid})" for swept in left)
            self._board.happen("warning", slot.engine, "leftovers-killed", f"{slot.name} had left {names}; killed")

    def _heard(self, child: Child, fact: Fact) -> None:
        slot, at = self._holders[child], time.monotonic()
        match fact:
            case Greeted():
                self.post(slot, events.Greeted(at))
            case Said(message):
                self._said(slot, message, at)
            case Broke(problem):
                self.post(slot, events.LinkBroke(at, problem))
            case Exited(code, signal, oom_killed, log_tail):
                slot.forget_process()
                self._rooms.exited(slot)
                self.post(slot, events.Exited(at, code, signal, oom_killed, log_tail))
            case _:
                assert_never(fact)

    def _said(self, slot: Slot, message: work.FromChild, at: float) -> None:
        match message:
            case work.Beat(_, tokens, words):
                slot.rate.read(at, tokens)
                slot.said = words
            case work.Loaded():
                slot.model, slot.quantization, slot.layers = message.model, message.quantization, _layers(message)
                slot.load_seconds = message.seconds
                self._rooms.loaded(slot, message.seconds)
            case work.Applied():
                slot.model, slot.quantization, slot.layers = message.model, message.quantization, _layers(message)
            case work.UnitDone() if message.ttft_seconds is not None:
                slot.ttft_seconds = message.ttft_seconds
            case _:
                pass
        event = event_of(message, at)
        match message:
            case work.Piece() | work.Took():
                self._jobs.said(slot.name, message)
            case work.Pull():
                self._jobs.desk_said(slot.kind, message)
            case work.UnitDone() | work.UnitFailed() | work.Landed() if event is not None:
                self.post(slot, event, partial(self._jobs.said, slot.name, message))
            case work.Planned() | work.Assembled() | work.TaskFailed() if event is not None:
                self.post(slot, event, partial(self._jobs.desk_said, slot.kind, message))
            case _:
                if event is not None:
                    self.post(slot, event)

    # ── flights and tasks ─────────────────────────────────────────────────────────────────────────────────

    def fly(self, slot: Slot, message: work.Fly) -> None:
        """Send a flight, if the engine can still carry it; else it is lost, and said so."""
        began = events.FlightBegan(time.monotonic(), message.flight, len(message.units))
        self.post(slot, began, partial(self._carry, slot, message.flight, message))

    def _carry(self, slot: Slot, flight: int, message: work.ToChild) -> None:
        if any(carried.id == flight for carried in slot.record.life.flights):
            self._send(slot, message)

    def feed(self, slot: Slot, message: work.Feed) -> None:
        """More for a flight; lost with it where it is lost."""
        self._after(slot, partial(self._carry, slot, message.flight, message))

    def cancel(self, slot: Slot, flight: int) -> None:
        """Stop that flight within one step."""
        self._after(slot, partial(self._carry, slot, flight, work.CancelFlight(flight)))

    def give_task(self, desk: Slot, message: work.Plan | work.Assemble) -> None:
        """Send a task to a desk, once its process is up."""
        desk.outbox.append((message.task, message))
        self.post(desk, events.WantReady(time.monotonic(), "work"))

    def _send_tasks(self, desk: Slot) -> None:
        if desk.outbox and isinstance(desk.record.state, Failed):
            desk.outbox.clear()
            self._jobs.desk_lost(desk.kind, desk.record.state.cause)
        while desk.outbox and isinstance(desk.record.state, Cold):
            task, message = desk.outbox.popleft()
            began = events.FlightBegan(time.monotonic(), task, 1)
            self.post(desk, began, partial(self._carry, desk, task, message))

    def send_results(self, desk: Slot, message: work.Results) -> None:
        """The rows that a desk asked for."""
        self._send(desk, message)


def _only_units(before: EngineState, after: EngineState) -> bool:
    """Whether it only began or ended some, which the jobs hear by themselves."""
    return isinstance(before, Ready) and isinstance(after, Ready)


def _note(slot: Slot, word: effects.Word, text: str) -> str:
    """What a row says: why it was unloaded stays when it has stopped; one that is ready or has an heir needs no words,
    and one that waits for memory has its hold."""
    evicted = slot.record.goal == BeStopped("evicted")
    if evicted and slot.note and word in ("engine-stopping", "engine-stopped"):
        return slot.note
    return "" if word in ("engine-ready", "engine-held", "successor-loading", "handed-over") else text


def _layers(message: work.Loaded | work.Applied) -> tuple[int, int] | None:
    """Pieces on GPUs, and of how many, where the library tells."""
    if message.layers is None or message.layers_on_gpu is None:
        return None
    return message.layers_on_gpu, message.layers
