"""A real engine in all but the model: it takes time and memory, answers, and has bad habits when told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import msgspec

from engines.bootstrap import SETTINGS
from engines.contract import CannotLoad, LoadCancelled, Model, OutOfMemory, Report, Sky
from engines.fake import habits
from engines.fake.aloft import Aloft
from engines.fake.settings import FakeSettings
from engines.gpu_memory import GpuMemory, placement
from engines.memory import Growth
from ipc.errors import Problem, RequestFailed

_NAP_SECONDS = 0.01
"""The longest sleep between two looks at a cancellation."""


def create(report: Report) -> FakeEngine:
    """What the child's runtime calls, before the handshake."""
    settings = msgspec.json.decode(os.environ.get(SETTINGS, "{}"), type=FakeSettings)
    habits.before_handshake(settings)
    return FakeEngine(report, settings)


class FakeEngine:
    """Holds `load_bytes` while loaded, on a simulated GPU where it has one, and gives all but `leak_bytes` back."""

    def __init__(self, report: Report, settings: FakeSettings) -> None:
        self._report = report
        self._settings = settings
        self._gpu = GpuMemory()
        self._weights: bytearray | None = None
        self._leaked: list[bytearray] = []
        self._leaked_bytes = 0
        self._growth = Growth()
        self._units_ended = 0

    def load(self, settings: FakeSettings) -> Model:
        """Takes `load_seconds` and `load_bytes`.

        Raises:
            CannotLoad, OutOfMemory, LoadCancelled
        """
        self._check(settings)
        self._growth = Growth()
        self._wait_for_load(settings.load_seconds)
        if settings.no_kernel_on in [one.uuid for one in placement()]:
            habits.crash("a GPU: CUDA error: no kernel image is available for execution on the device")
        self._weights = self._taken(settings)
        self._settings = settings
        self._report.tokens(1)
        return self._model()

    def apply(self, settings: FakeSettings) -> Model:
        """Loads again where the memory or time of a load changed.

        Raises:
            RequestFailed, CannotLoad, OutOfMemory
        """
        if settings.fail_apply:
            raise RequestFailed(Problem("Not applied", settings.fail_apply, "Clear `fail_apply`."))
        self._check(settings)
        old = self._settings
        if (settings.held_bytes(), settings.load_seconds) != (old.held_bytes(), old.load_seconds):
            self._weights = None
            self._wait_for_load(settings.load_seconds)
            self._weights = self._taken(settings)
        self._settings = settings
        self._report.step()
        return self._model()

    def fly(self, sky: Sky) -> None:
        """Works on all units at once, a word of each in turn; flights join where the knob says so.

        Raises:
            OutOfMemory
        """
        if self._weights is None:
            raise RuntimeError("no model is loaded")
        held = self._settings.held_bytes() + self._leaked_bytes
        aloft: list[Aloft] = []
        try:
            while self._board(sky, aloft, held):
                self._step(aloft)
                for one in [one for one in aloft if one.over()]:
                    aloft.remove(one)
                    sky.land(one.flight)
        finally:
            self._hold(held)

    def _board(self, sky: Sky, aloft: list[Aloft], held: int) -> bool:
        """Whether anything is in the air now."""
        joins = self._settings.joins()
        if joins:
            sky.attend()
        while (joins or not aloft) and (flight := sky.board()) is not None:
            aloft.append(Aloft(flight, self._settings))
            units = sum(len(one.flight.orders) for one in aloft)
            self._hold(held + units * self._settings.unit_bytes)
        return bool(aloft)

    def _step(self, aloft: list[Aloft]) -> None:
        """Sleep until the next word is due, or a moment, and say it."""
        one = min(aloft, key=Aloft.due)
        moment = min(one.due(), time.monotonic() + _NAP_SECONDS)
        due = self._sleep_until(moment, one.over) and one.due() <= time.monotonic()
        if due and one.advance(self._report):
            self._units_ended += 1
            if self._units_ended == self._settings.crash_after:
                habits.crash("crash_after")

    def close(self) -> None:
        """Gives the memory back, but for what leaks; with `ignore_term` a leave never ends."""
        if self._weights is not None:
            self._leaked_bytes += self._settings.leak_bytes
            if not self._gpu.simulated:
                self._leaked.append(_touched(self._settings.leak_bytes))
            self._hold(self._leaked_bytes, stays=self._settings.leak_stays)
            self._weights = None
        if self._settings.ignore_term and self._report.cancelled():
            habits.forever()

    def _check(self, settings: FakeSettings) -> None:
        if settings.fail_load:
            raise CannotLoad(Problem("Cannot load", settings.fail_load, "Clear `fail_load`."))
        if settings.parallel > settings.units_that_fit > 0:
            raise OutOfMemory(
                Problem(
                    "Out of memory",
                    f"{settings.parallel} units at once do not fit, only {settings.units_that_fit}.",
                    "Lower `parallel`.",
                )
            )

    def _wait_for_load(self, seconds: float) -> None:
        start = time.monotonic()
        while (gone := time.monotonic() - start) < seconds:
            self._report.loading(gone / seconds)
            if not self._sleep_until(min(start + seconds, start + gone + _NAP_SECONDS), self._report.cancelled):
                raise LoadCancelled
        self._report.loading(1.0)

    def _sleep_until(self, moment: float, cancelled: Callable[[], bool]) -> bool:
        """Whether `moment` came before a cancellation."""
        while not cancelled():
            left = moment - time.monotonic()
            if left <= 0:
                return True
            time.sleep(min(left, _NAP_SECONDS))
            self._report.step()
        return False

    def _taken(self, settings: FakeSettings) -> bytearray:
        """The weights: bytes of this process, or of a simulated GPU."""
        if not self._gpu.simulated:
            return _touched(settings.held_bytes())
        self._hold(settings.held_bytes() + self._leaked_bytes)
        return bytearray()

    def _hold(self, count: int, *, stays: bool = False) -> None:
        """On a simulated GPU; raises OutOfMemory."""
        if not self._settings.off_gpu:
            self._gpu.hold(count, stays=stays)

    def _model(self) -> Model:
        settings = self._settings
        level = settings.quantization if settings.levels else None
        on_gpu = settings.layers if settings.gpu_layers < 0 else settings.gpu_layers
        on_gpu = on_gpu if settings.layers_really < 0 else settings.layers_really
        return Model("fake", level, self._growth.bytes(), settings.layers, on_gpu if self._gpu.simulated else None)


def _touched(size: int) -> bytearray:
    """Memory that is really held: untouched pages would count for nothing."""
    return bytearray(b"\x01") * size
