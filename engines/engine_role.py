"""The engine's side of the vocabulary: each message becomes a job of the worker, where the kind's engine does it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from threading import Event
from typing import Any

from engines.bootstrap import Origin
from engines.catalog import KINDS
from engines.contract import CannotLoad, Engine, LoadCancelled, OutOfMemory
from engines.flight import AirborneFlight
from engines.memory import Growth, give_back
from engines.settings import EngineSettings, as_dict, dearest, with_changes
from engines.sky import Flights
from engines.worker import Worker, problem_of
from ipc.errors import Problem, ProtocolViolation, RequestFailed
from ipc.snapshot import Scalar
from ipc.work import (
    Applied,
    Apply,
    ApplyFailed,
    CancelFlight,
    Feed,
    Fly,
    Load,
    Loaded,
    LoadFailed,
    LoadProgress,
    ToChild,
    Unload,
    Unloaded,
)

_PROGRESS_STEP = 0.01
"""A load says how far it is in steps of this size, however often the library calls."""


class EngineRole:
    """`hear` and `stop` run on the loop, everything else on the worker."""

    def __init__(self, origin: Origin, worker: Worker) -> None:
        kind = KINDS[origin.kind]
        self._name = origin.engine
        self._worker = worker
        self._leaving = Event()
        self._report = WorkerReport(worker, self._leaving)
        self._engine: Engine[Any] = import_module(kind.engine).create(self._report)
        self._settings: EngineSettings = kind.settings()
        self._before_load: Growth | None = None
        self._sky = Flights()
        self._unwanted = Event()
        """Set once an unload overtakes the loads ordered before it; each unload begins a new one."""

    # ── on the loop ───────────────────────────────────────────────────────────────────────────────────────

    def hear(self, message: ToChild) -> None:
        """Raises ProtocolViolation: a desk's word."""
        match message:
            case Load(settings):
                self._worker.submit(partial(self._load, settings, self._unwanted))
            case Unload():
                self._unwanted.set()
                self._unwanted = Event()
                self._worker.submit(self._unload)
            case Apply(settings) if dearest(self._settings, settings) in (None, "now"):
                self._sky.change(partial(self._apply, settings))
                self._worker.submit(self._sky.attend)
            case Apply(settings):
                self._worker.submit(partial(self._apply, settings))
            case Fly():
                self._sky.add(AirborneFlight(message, self._worker))
                self._worker.submit(self._fly)
            case Feed(number, data, end):
                self._sky.feed(number, data, end)
            case CancelFlight(number):
                self._sky.cancel(number)
            case _:
                raise ProtocolViolation(
                    Problem("Protocol violation", f"An engine was told to {type(message).__name__}.", "")
                )

    def stop(self) -> None:
        """Ends a load, a change and every flight within one step."""
        self._leaving.set()
        self._sky.cancel_all()

    # ── on the worker ─────────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """Give the model back."""
        self._engine.close()

    def _load(self, wanted: dict[str, Scalar], unwanted: Event) -> None:
        if unwanted.is_set():
            return
        self._give_back()
        self._before_load = Growth()
        try:
            with self._report.load_until(unwanted):
                loaded = self._fresh(wanted)
        except LoadCancelled:
            pass
        except (CannotLoad, RequestFailed) as error:
            self._worker.say(LoadFailed(error.problem, out_of_memory=False, permanent=True))
        except (OutOfMemory, MemoryError) as error:
            self._worker.say(LoadFailed(problem_of(error), out_of_memory=True, permanent=False))
        else:
            self._worker.say(loaded)
            return
        self._give_back()

    def _fresh(self, wanted: dict[str, Scalar]) -> Loaded:
        started = time.monotonic()
        settings = with_changes(self._settings, wanted, self._name)
        model = self._engine.load(settings)
        self._settings = settings
        seconds = time.monotonic() - started
        return Loaded(
            model.name,
            model.quantization,
            model.footprint_bytes,
            seconds,
            as_dict(settings),
            model.layers,
            model.layers_on_gpu,
        )

    def _unload(self) -> None:
        self._give_back()
        grown = 0 if self._before_load is None else self._before_load.bytes()
        self._worker.say(Unloaded(grown))

    def _apply(self, wanted: dict[str, Scalar]) -> None:
        started = time.monotonic()
        try:
            settings = with_changes(self._settings, wanted, self._name)
            model = self._engine.apply(settings)
        except LoadCancelled:
            return
        except (RequestFailed, CannotLoad, OutOfMemory) as error:
            self._worker.say(ApplyFailed(error.problem))
            return
        self._settings = settings
        seconds = time.monotonic() - started
        self._worker.say(
            Applied(
                as_dict(settings),
                seconds,
                model.name,
                model.quantization,
                model.footprint_bytes,
                model.layers,
                model.layers_on_gpu,
            ),
        )

    def _fly(self) -> None:
        self._engine.fly(self._sky)

    def _give_back(self) -> None:
        self._engine.close()
        self._worker.words = ""
        give_back()


class WorkerReport:
    """The `Report` that an engine gets."""

    def __init__(self, worker: Worker, leaving: Event) -> None:
        self._worker = worker
        self._leaving = leaving
        self._unwanted = Event()
        self._said = 0.0

    @contextmanager
    def load_until(self, unwanted: Event) -> Iterator[None]:
        """Around a load, which should stop once `unwanted` is set."""
        self._unwanted, self._said = unwanted, -1.0
        try:
            yield
        finally:
            self._unwanted = Event()

    def step(self) -> None:
        """One step of work was done."""
        self._worker.step()

    def tokens(self, count: int) -> None:
        """So many tokens were produced."""
        self._worker.step(count)

    def loading(self, fraction: float) -> None:
        """How far the load is, 0..1."""
        self._worker.step()
        if fraction - self._said >= _PROGRESS_STEP or fraction >= 1 > self._said:
            self._said = fraction
            self._worker.say(LoadProgress(fraction))

    def say(self, words: str) -> None:
        """What people should know just now; it leaves with the next beat."""
        self._worker.words = words

    def cancelled(self) -> bool:
        """Whether the load under way should stop; outside a load, whether the process is about to leave."""
        return self._unwanted.is_set() or self._leaving.is_set()
