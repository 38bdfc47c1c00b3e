"""Everything the supervisor holds, put together once, and the tasks that run it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from config.load import Config
from config.paths import footprints_path, host_name, socket_path
from engines.settings import as_dict
from ipc.errors import EngineRoomError, Problem
from ipc.places import data_folder, environments_folder
from ipc.snapshot import EngineRow, GpuReading, Happening, Json, Ledger, PoolRow, Snapshot, SupervisorRow, Tick
from ipc.states import Stopped, pid_of, word
from ipc.version import SOFTWARE
from supervisor.board import Board
from supervisor.floor import RunnerFloor
from supervisor.gpus.energy import EnergyMeter
from supervisor.gpus.fleet import Fleet
from supervisor.gpus.news import news
from supervisor.gpus.owners import gpus_of
from supervisor.gpus.recorded import gpu_header, gpu_ticks
from supervisor.host import read_host
from supervisor.interpreters import Interpreters
from supervisor.jobs.foreman import Foreman
from supervisor.keeping import Keeping
from supervisor.machine import events
from supervisor.machine.events import Event
from supervisor.memory.admission import Admission
from supervisor.memory.appraising import Appraiser
from supervisor.memory.changing import Changing
from supervisor.memory.evictions import Evictions
from supervisor.memory.footprints import Footprints
from supervisor.memory.house import House
from supervisor.memory.housekeeping import Housekeeping
from supervisor.memory.judge import Judge
from supervisor.memory.lessons import Lessons
from supervisor.memory.returns import Returns
from supervisor.pool_rows import budgets_of, pool_header, pool_rows, pool_ticks
from supervisor.recordings import Recordings
from supervisor.runner import Runner
from supervisor.slot import Slot
from supervisor.slots import make_slots, spec_of
from supervisor.stopped import Stops
from supervisor.wishes import Wishes

STOP_ALL_SECONDS = 60.0
HAPPENINGS_IN_SNAPSHOT = 200
LAST_WORDS_SECONDS = 1.2
"""For what happened to reach every client, and the next tick of a recording."""
STORE_REPLACED = 4
"""The exit code that makes the keeper start another supervisor."""


class Room:
    """Owned by the daemon; the service answers clients from it."""

    def __init__(
        self,
        config: Config,
        state_folder: Path,
        instance: str,
        on_happening: Callable[[Happening], None],
        keeping: Keeping,
        hooks: TaskGroup,
    ) -> None:
        self._config = config
        self._state_folder = state_folder
        self._on_happening = on_happening
        self._keeping = keeping
        self._started_unix = time.time()
        self._over = anyio.Event()
        self._ending = False
        self._host = read_host(state_folder, self._started_unix)
        self._fleet = Fleet()
        self._gpus: tuple[GpuReading, ...] = ()
        self.clients = 0
        self.recordings = Recordings(state_folder, self._header, self._tell_of_recording)
        self.board = Board(self._happened)
        self._energy = EnergyMeter()
        floor = RunnerFloor(lambda: self.runner, self.board, self._energy, hooks)
        self.foreman = Foreman(floor, state_folder, config.jobs, pools=config.pools)
        slots = make_slots(config)
        self.house = House(slots, self._fleet, config.memory, config.heat, lambda: self._host)
        self.footprints = Footprints(footprints_path(state_folder), self._tell_of_footprints)
        self.returns = Returns(self.house, self.board, self._post)
        python = Interpreters(environments_folder(data_folder(os.environ)), self._capabilities).of
        budgets = budgets_of(config.pools)
        self.judge = Judge(self.house, Appraiser(instance), self.footprints, self.foreman.wanted, python, budgets)
        evictions = Evictions(self.house, self.returns, self.board, self._post)
        lessons = Lessons(self.house, self.footprints)
        self.admission = Admission(self.house, self.judge, evictions, self.returns, lessons, self.board, self._post)
        self.housekeeping = Housekeeping(
            self.house, evictions, self.returns, lessons, self.board, self._post, self.foreman.wanted
        )
        changing = Changing(self.house, self.judge, evictions, lessons, self.footprints, self.board)
        self.runner = Runner(slots, self.foreman, self.admission, self.board, spec_of(state_folder, python), instance)
        self.stops = Stops(state_folder, self.board)
        self.wishes = Wishes(self.runner, changing, config, self.board, self.stops, state_folder)

    async def begin(self, how: str) -> None:
        """Take up what an earlier supervisor left: recording, stopped engines, unfinished jobs. Nothing runs yet.

        `how` tells how this supervisor came to be, in a sentence.
        """
        self._resume_recording()
        self.board.happen("info", "supervisor", "supervisor-up", how)
        for problem in self._config.warnings:
            self.board.happen("warning", "supervisor", "setting-ignored", str(problem))
        now = time.monotonic()
        for engine in self._config.engines:
            if engine.name in self.stops.wanted:
                self.runner.post(self.runner.slots[engine.name], events.WantStopped(now, "operator"))
            elif engine.preload:
                self.runner.post(self.runner.slots[engine.name], events.WantReady(now, "work"))
        await self.footprints.open()
        await self.foreman.start()

    async def run(self) -> None:
        """Run until `shut_down` has stopped everything."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.runner.run)
            group.start_soon(self.foreman.run)
            group.start_soon(self.admission.run)
            group.start_soon(self.returns.run)
            group.start_soon(self.footprints.run)
            group.start_soon(self.stops.run)
            group.start_soon(self._every_second)
            group.start_soon(self._end_with_the_store)
            self._fleet.start()
            await self._over.wait()
            group.cancel_scope.cancel()
        self._fleet.close()
        await self.footprints.flush()
        await self.foreman.close()
        self.recordings.end()

    async def _end_with_the_store(self) -> None:
        """Where another job store lies at the path, what is in memory is true no more: end as in a crash.

        The next supervisor takes up what is there, as it would after kill -9. To forget every job, flight and row that
        a client sees, and to take up others, would be a second way to begin, for what hardly ever happens.
        """
        await self.foreman.replaced.wait()
        if self._keeping.anybody:
            await anyio.sleep(LAST_WORDS_SECONDS)
            os._exit(STORE_REPLACED)

    def _resume_recording(self) -> None:
        try:
            begun = self.recordings.resume()
            if not begun and self._config.supervisor.record:
                begun = self.recordings.begin(self._config.supervisor.record)
        except EngineRoomError as error:
            self.board.happen("error", "supervisor", "recording-lost", str(error.problem))
        else:
            if begun:
                self.board.happen("info", "supervisor", "recording-begun", begun)

    def _tell_of_recording(self, problem: Problem | None) -> None:
        if problem is None:
            self.board.happen("info", "supervisor", "recording-caught-up", "the recording has caught up")
        else:
            self.board.happen("error", "supervisor", "recording-behind", str(problem))

    def _tell_of_footprints(self, text: str) -> None:
        self.board.happen("warning", "supervisor", "footprints-lost", text)

    def _post(self, slot: Slot, event: Event, then: Callable[[], None] = lambda: None) -> None:
        self.runner.post(slot, event, then)

    async def shut_down(self, why: str) -> str:
        """Stop every engine and desk, then end `run`; says so in a sentence."""
        self.board.happen("info", "supervisor", "supervisor-stopping", f"going down: {why}")
        self._ending = True
        self.admission.close()
        with anyio.move_on_after(STOP_ALL_SECONDS):
            async with anyio.create_task_group() as group:
                for slot in self.runner.slots.values():
                    group.start_soon(self.wishes.gone, slot)
        self._over.set()
        return "Every engine is stopped; the supervisor ends."

    # ── what clients see ──────────────────────────────────────────────────────────────────────────────────

    def supervisor_row(self) -> SupervisorRow:
        """The supervisor about itself."""
        return SupervisorRow(
            pid=os.getpid(),
            version=SOFTWARE,
            host=host_name(),
            socket=str(socket_path(self._state_folder)),
            state_folder=str(self._state_folder),
            started_unix=self._started_unix,
            keeper=str(self._keeping),
            clients=self.clients,
            recording=self.recordings.row(),
        )

    def engine_rows(self) -> tuple[EngineRow, ...]:
        """Every engine, in the order of the configuration."""
        return tuple(slot.row() for slot in self._engines())

    def _engines(self) -> tuple[Slot, ...]:
        return tuple(slot for slot in self.runner.slots.values() if not (slot.is_desk or slot.is_hidden))

    def pool_rows(self) -> tuple[PoolRow, ...]:
        """Every pool, in the order of the configuration."""
        return pool_rows(self._config.pools, self.runner.slots, self.foreman.hits)

    def snapshot(self) -> Snapshot:
        """The whole truth now."""
        return Snapshot(
            unix=time.time(),
            monotonic=time.monotonic(),
            supervisor=self.supervisor_row(),
            host=self._host,
            engines=self.engine_rows(),
            jobs=self.foreman.rows(),
            happenings=self.board.last(HAPPENINGS_IN_SNAPSHOT),
            gpus=self.house.told(self._gpus),
            fleet=self._fleet.about(),
            ledger=self.house.ledger(time.monotonic()),
            pools=self.pool_rows(),
        )

    def _happened(self, happening: Happening) -> None:
        self._on_happening(happening)
        self.recordings.happened(happening)

    # ── once a second ─────────────────────────────────────────────────────────────────────────────────────

    async def _every_second(self) -> None:
        while True:
            self._second()
            # On whole seconds, so that recordings of several boxes line up.
            await anyio.sleep(1.0 - time.time() % 1.0)

    def _second(self) -> None:
        unix, monotonic = time.time(), time.monotonic()
        self._read_gpus(monotonic)
        for slot in self.runner.slots.values():
            if slot.reading is not None:
                slot.rss_bytes, slot.cpu_percent = slot.reading.rss_bytes(), slot.reading.cpu_percent()
            slot.gpus = self._gpus_of(slot)
        self._host = read_host(self._state_folder, unix)
        self.housekeeping.second(monotonic)
        self._start_again(monotonic)
        for slot in self.runner.slots.values():
            self.runner.show(slot)
        self._look_after_keeper()
        self.foreman.second(unix, monotonic)
        ledger, pools = self.house.ledger(monotonic), self.pool_rows()
        gpus, fleet = self.house.told(self._gpus), self._fleet.about()
        self.board.publish(Tick(unix, monotonic, self.supervisor_row(), self._host, gpus, fleet, ledger, pools))
        self.recordings.tick(self._values(ledger, pools))

    def _read_gpus(self, monotonic: float) -> None:
        before, self._gpus = self._gpus, self.house.readings(monotonic)
        for severity, about, word_, text in news(before, self._gpus):
            self.board.happen(severity, about, word_, text)
        self._energy.read(self._gpus, self._at_work(), monotonic)

    def _capabilities(self) -> frozenset[str]:
        """Compute capabilities of the GPUs here."""
        return frozenset(one.compute_capability for one in self.house.readings(time.monotonic()))

    def _at_work(self) -> dict[str, frozenset[str]]:
        """The engines that fly, by the UUID of their GPUs."""
        flying = [slot for name in self.foreman.at_work() if (slot := self.runner.slots.get(name))]
        uuids = {uuid for slot in flying for uuid in slot.bound or ()}
        return {uuid: frozenset(slot.name for slot in flying if uuid in (slot.bound or ())) for uuid in uuids}

    def _gpus_of(self, slot: Slot) -> tuple[int, ...]:
        """Where it was placed, and wherever else its processes are."""
        placed = self.house.indexes(slot.bound or (), time.monotonic())
        return tuple(sorted({*placed, *gpus_of(slot.name, self._gpus)}))

    def _start_again(self, monotonic: float) -> None:
        """Engines that are to be ready from the start, and found no room so far."""
        for engine in () if self._ending else self._config.engines:
            slot = self.runner.slots[engine.name]
            if engine.preload and slot.record.state == Stopped("no room"):
                self._post(slot, events.WantReady(monotonic, "work"))

    def _look_after_keeper(self) -> None:
        try:
            replaced = self._keeping.look()
        except OSError as error:
            replaced = f"the keeper is gone and no other could be started: {error}"
        if replaced:
            self.board.happen("warning", "supervisor", "keeper-replaced", replaced)

    def _values(self, ledger: Ledger, pools: tuple[PoolRow, ...]) -> dict[str, Json]:
        """One tick of a recording; the field names are those of `--json`."""
        host = self._host
        return {
            "unix": host.unix,
            "host": {
                "cpu_percent": host.cpu_percent,
                "ram_used_bytes": host.ram_used_bytes,
                "swap_used_bytes": host.swap_used_bytes,
                "disk_free_bytes": host.disk_free_bytes,
            },
            "engines": {
                row.name: {
                    "state": word(row.state),
                    "pid": pid_of(row.state),
                    "tokens_per_second": row.tokens_per_second,
                    "rss_bytes": row.rss_bytes,
                    "cpu_percent": row.cpu_percent,
                    "restarts": row.restarts,
                    "hold": row.hold,
                    "chosen": row.chosen,
                }
                for row in self.engine_rows()
            },
            "gpus": gpu_ticks(self.house.told(self._gpus), ledger.gpus),
            "jobs": {
                row.id: {"state": row.state, "units_done": row.units_done, "units_failed": row.units_failed}
                for row in self.foreman.active_rows()
            },
            "pools": pool_ticks(pools),
        }

    def _header(self) -> dict[str, Json]:
        """What a recording begins with."""
        return {
            "version": SOFTWARE,
            "host": host_name(),
            "started_unix": time.time(),
            "gpus": gpu_header(self._gpus),
            "engines": {
                slot.name: {"kind": slot.kind, "settings": dict(as_dict(slot.settings))} for slot in self._engines()
            },
            "pools": pool_header(self._config.pools),
        }
