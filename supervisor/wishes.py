"""The operator's wishes: each becomes an event of the machine, and its caller waits for the outcome."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import msgspec
from anyio import to_thread

from config.errors import BadConfig, did_you_mean
from config.load import Config
from config.overrides import remember
from config.paths import set_path
from engines.settings import as_dict, dearest, knobs_of, with_changes
from ipc.control import Price
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Applies, Knob, Scalar
from ipc.states import Loading, Ready, pid_of
from supervisor import pricing
from supervisor.awaited import Awaited
from supervisor.board import Board
from supervisor.machine import events
from supervisor.machine.effects import Reach
from supervisor.memory.changing import Changing
from supervisor.memory.room import Room
from supervisor.runner import Runner
from supervisor.slot import Slot
from supervisor.stopped import Stops


@dataclass(frozen=True)
class _Plan:
    """Changes to settings: typed values, those among them that go back to the configuration, and when they apply."""

    typed: dict[str, Scalar]
    unset: list[str]
    applies: Applies | None


class Wishes:
    """What `start`, `stop`, `set` and the like come down to."""

    def __init__(
        self, runner: Runner, changing: Changing, config: Config, board: Board, stops: Stops, state_folder: Path
    ) -> None:
        self._runner = runner
        self._changing = changing
        self._stops = stops
        self._declared = {engine.name: engine.declared for engine in config.engines}
        self._pools = {pool.name: pool for pool in config.pools}
        self._board = board
        self._state_folder = state_folder
        self._tickets = itertools.count(1)
        self._one_at_a_time = anyio.CapacityLimiter(1)
        """Each reads what is set and writes it anew."""

    def slot(self, engine: str) -> Slot:
        """The engine (or desk) of that name.

        Raises:
            RequestFailed: there is none; the hint names the nearest.
        """
        slot = self._runner.slots.get(engine)
        if slot is None or slot.is_hidden:
            if (pool := self._pools.get(engine)) is not None:
                hint = f"Name one of its engines: {', '.join(pool.members)}."
                raise RequestFailed(Problem("Pool, not engine", f"{engine} is a pool.", hint))
            names = [one.name for one in self._runner.slots.values() if not (one.is_desk or one.is_hidden)]
            raise RequestFailed(
                Problem("Unknown engine", f"There is no engine {engine!r}.", did_you_mean(engine, names))
            )
        return slot

    async def ready(self, engine: str) -> str:
        """Loaded and self-tested; says so in a sentence. Raises RequestFailed."""
        wish = events.WantReady(time.monotonic(), "operator")
        not_kept = await self._wish_kept(self.slot(engine), wish, "ready", stopped=False)
        return f"{engine} is ready.{not_kept}"

    async def cold(self, engine: str) -> str:
        """Process up, no model; says so in a sentence. Raises RequestFailed."""
        slot = self.slot(engine)
        if pid_of(slot.record.state) is None:
            return f"{engine} has no process, so there is nothing to unload."
        await self._wish(slot, events.WantCold(time.monotonic()), "cold")
        return f"{engine} is unloaded."

    async def stopped(self, engine: str) -> str:
        """No process, and none until the operator wants it; says so in a sentence. Raises RequestFailed."""
        wish = events.WantStopped(time.monotonic(), "operator")
        not_kept = await self._wish_kept(self.slot(engine), wish, "stopped", stopped=True)
        return f"{engine} is stopped.{not_kept}"

    async def restarted(self, engine: str) -> str:
        """A new process, loaded and self-tested; says so in a sentence. Raises RequestFailed."""
        wish = events.WantRestart(time.monotonic())
        not_kept = await self._wish_kept(self.slot(engine), wish, "ready", stopped=False)
        return f"{engine} was restarted and is ready.{not_kept}"

    async def gone(self, slot: Slot) -> None:
        """Its process is gone because the supervisor ends, and no work calls it back; nothing is remembered."""
        with suppress(RequestFailed):  # a client wants it again at this very moment: it dies with the supervisor
            await self._wish(slot, events.WantStopped(time.monotonic(), "operator"), "stopped")

    def knobs(self, engine: str) -> tuple[Knob, ...]:
        """Its declared settings with the values in force. Raises RequestFailed."""
        return knobs_of(self.slot(engine).settings)

    async def set(self, engine: str, changes: Mapping[str, Scalar], *, dry_run: bool) -> Price:
        """Change settings, or only tell the price; a value of None goes back to what the configuration declares.

        Raises:
            RequestFailed: a name or value that is no good, settings for which there is no room, or a change that did
                not work and was taken back.
        """
        slot = self.slot(engine)
        if dry_run:
            plan = self._plan(slot, changes)
            if plan.applies is None:
                return Price("Nothing changes: these values are in force.", 0, None, applied=False)
            room = await self._room_for(slot, plan.typed, plan.applies)
            return pricing.of_change(slot, plan.typed, room.applies if room else plan.applies, room)
        # Shielded: a client that goes away takes nothing back of what it has asked for.
        with anyio.CancelScope(shield=True):
            async with nullcontext() if self._goes_ahead(slot, changes) else slot.changing:
                price = await self._set(slot, changes)
        return price

    def _goes_ahead(self, slot: Slot, changes: Mapping[str, Scalar]) -> bool:
        """Whether it can be in force, in both processes, before another change whose process loads just now.

        Raises:
            RequestFailed: it is no good for one of them.
        """
        if slot.heir is None or "ladder" in changes:
            return False
        plan = self._plan(slot, changes)
        if plan.applies not in ("now", "flight"):
            return False
        return not any(_changes_memory(one, plan.typed, plan.applies) for one in (slot, slot.heir))

    async def _set(self, slot: Slot, changes: Mapping[str, Scalar]) -> Price:
        reset = changes.get("ladder") == "reset"
        if reset:
            stepped = {name: self._as_declared(slot, name, value) for name, value in slot.before_steps.items()}
            changes = {**stepped, **changes}
        plan = self._plan(slot, changes)
        if reset:
            await self._changing.forget_ladder(slot)
        if plan.applies is None:
            price = Price("Nothing changes: these values are in force.", 0, None, applied=True)
        else:
            while slot.other is not None and _changes_memory(slot, plan.typed, plan.applies):
                await slot.other.gone.wait()  # its former process still holds what may be needed
            room = await self._room_for(slot, plan.typed, plan.applies)
            price = pricing.of_change(slot, plan.typed, room.applies if room else plan.applies, room)
            await self._apply(slot, plan.typed, plan.applies, room)
        slot.before_steps = {name: value for name, value in slot.before_steps.items() if name not in plan.typed}
        not_kept = await self._keep(slot.name, plan)
        text = f"{price.text.removesuffix('.')}; {not_kept}" if not_kept else price.text
        return msgspec.structs.replace(price, text=text, applied=True)

    def _as_declared(self, slot: Slot, name: str, value: Scalar) -> Scalar:
        """None, which goes back to the configuration, where that is the value meant."""
        return None if as_dict(self._declared.get(slot.name, slot.settings)).get(name) == value else value

    def _plan(self, slot: Slot, changes: Mapping[str, Scalar]) -> _Plan:
        """What the changes come down to. Raises RequestFailed: a name or value that is no good."""
        declared = as_dict(self._declared.get(slot.name, slot.settings))
        meant = {name: value for name, value in changes.items() if name != "ladder"}
        told = {name: declared.get(name) if value is None else value for name, value in meant.items()}
        wanted = as_dict(with_changes(slot.settings, told, slot.name))
        typed = {name: wanted[name] for name in meant}
        unset = [name for name, value in meant.items() if value is None]
        return _Plan(typed, unset, dearest(slot.settings, typed))

    async def quote(self, engine: str) -> Price:
        """What loading it now would cost; nothing is done. Raises RequestFailed: there is no such engine."""
        slot = self.slot(engine)
        if isinstance(slot.record.state, Ready | Loading):
            return Price(f"{engine} is loaded.", 0, None, applied=False)
        return pricing.of_load(slot, await self._changing.room_for(slot, {}, "process"))

    async def _room_for(self, slot: Slot, changes: Mapping[str, Scalar], applies: Applies) -> Room | None:
        """Room for a loaded model with these changes; None where none is needed."""
        if slot.claim is None or slot.child is None or not _changes_memory(slot, changes, applies):
            return None
        return await self._changing.room_for(slot, changes, applies)

    async def _apply(self, slot: Slot, changes: Mapping[str, Scalar], applies: Applies, room: Room | None) -> None:
        """Raises RequestFailed: no room, or the change did not work and was taken back."""
        made = None if room is None else await self._changing.make_room(slot, changes, room)
        ticket = next(self._tickets)
        awaited = slot.tickets[ticket] = Awaited[None]()
        applies, choice = (applies, None) if made is None else (made.room.applies, made.choice)
        beside = made is not None and made.room.beside is not None
        try:
            wish = events.WantApply(time.monotonic(), changes, applies, ticket, choice, beside)
            self._runner.post(slot, wish)
            if slot.heir is not None:
                self._runner.post(slot.heir, wish)
            await awaited.get()
        except RequestFailed:
            self._changing.settle(slot, made, worked=False)
            raise
        finally:
            del slot.tickets[ticket]
        self._changing.settle(slot, made, worked=True)

    async def _keep(self, engine: str, plan: _Plan) -> str:
        """For the next start; returns once it is on disk, else with what the answer has to say of it."""
        path = set_path(self._state_folder)
        try:
            await to_thread.run_sync(remember, path, engine, plan.typed, plan.unset, limiter=self._one_at_a_time)
        except (OSError, BadConfig) as error:
            text = f"the change is in force but could not be kept for the next start: {error}"
            self._board.happen("warning", engine, "settings-not-kept", f"{engine}: {text}")
            return text
        return ""

    async def _wish(self, slot: Slot, event: events.Wish, reach: Reach) -> None:
        with self._wished(slot, event, reach) as outcome:
            await outcome.get()

    async def _wish_kept(self, slot: Slot, event: events.Wish, reach: Reach, *, stopped: bool) -> str:
        """The same, for the next supervisor, too; what the answer has to say if that one would not know of it."""
        with self._wished(slot, event, reach) as outcome:
            not_kept = await self._stops.remember(slot.name, stopped=stopped)  # the engine is on its way meanwhile
            await outcome.get()
        return not_kept

    @contextmanager
    def _wished(self, slot: Slot, event: events.Wish, reach: Reach) -> Iterator[Awaited[None]]:
        entry = (reach, Awaited[None]())
        slot.waiting.append(entry)
        try:
            self._runner.post(slot, event)
            yield entry[1]
        finally:
            slot.waiting.remove(entry)


def _changes_memory(slot: Slot, changes: Mapping[str, Scalar], applies: Applies) -> bool:
    """Whether a loaded model takes more or less with these changes, or may have to move."""
    if applies in ("model", "process"):
        return True
    after = with_changes(slot.settings, changes, slot.name)
    return after.shape() != slot.settings.shape()
