"""One loaded model, and the loop that hears what is in the air."""

from __future__ import annotations

import gc
import logging
import time
from typing import Any, Final

import numpy as np
import psutil

from engines.contract import CannotLoad, LoadCancelled, Report, Sky
from engines.gpu_memory import GpuMemory, placement
from engines.stt import library
from engines.stt.aloft import Aloft
from engines.stt.decode.decoder import Decoder, Floats
from engines.stt.decode.take import Take
from engines.stt.decode.way import Way
from engines.stt.estimate import assumed, gpu_bytes
from engines.stt.folder import Folder, found
from engines.stt.live import Listeners
from engines.stt.manner import Manners
from engines.stt.precision import chosen, nearest
from engines.stt.settings import SttSettings
from engines.stt.trouble import memory_told
from engines.stt.unit import RATE
from engines.stt.warming import warm
from ipc.errors import Problem

_log = logging.getLogger(__name__)
_SAY_SECONDS: Final = 1.0
_PROVING_SECONDS: Final = 1
_ALIVE_SECONDS: Final = 5.0
"""While the library computes a batch it tells nothing: so often it counts as a step, or oftener, but not for ever."""
_ALIVE_SHARE: Final = 0.25
"""Of the time after which an engine without steps counts as hung."""
_READ, _LOADED = 0.7, 0.9
"""How much of the load it is that the file was read, and that the library has it."""
_LIVE_SECONDS: Final = 0.25
"""Until those who speak are looked after, where nothing came meanwhile."""
_RELEASE_TRIES: Final = 500
_RELEASE_PAUSE_SECONDS: Final = 0.02


class Loaded:
    """Loads at construction.

    Raises:
        CannotLoad, RequestFailed, OutOfMemory, LoadCancelled
    """

    def __init__(self, settings: SttSettings, report: Report, memory: GpuMemory) -> None:
        self._report = report
        self._memory = memory
        self._settings = settings
        self._folder = found(settings)
        self._manners = Manners(self._folder)
        self._manners.check(settings)
        report.loading(0.0)
        placed = bool(placement())
        device = "cuda" if placed and not memory.simulated else "cpu"
        if device == "cuda" and not library.gpus():
            raise _no_gpu()
        self.name = self._folder.name
        self.on_gpu = placed or None
        """None where it was not placed on one."""
        supported = library.compute_types(device)
        if placed and memory.simulated:  # it is said as such a GPU would, and played on the CPU
            self.quantization = assumed(settings, on_gpu=True)
            compute_type = (
                self.quantization if self.quantization in supported else nearest(self.quantization, supported)
            )
        else:
            self.quantization = compute_type = chosen(settings.quantization, supported, on_gpu=placed)
        self._model: Any = None
        self._aloft: Aloft | None = None
        memory.hold(gpu_bytes(self._folder, settings))
        try:
            with memory_told():
                self._build(self._folder, device, compute_type)
        except BaseException:
            self.close()
            raise
        self._said = self._stepped = time.monotonic()
        report.loading(1.0)

    def _build(self, folder: Folder, device: str, compute_type: str) -> None:
        settings = self._settings
        warm(folder.weights, self._report, most=_READ)
        threads = thread_count(settings.cpu_threads)
        self._model = library.whisper(folder, device, compute_type, threads, settings.num_workers)
        self._report.loading(_LOADED)
        if self._report.cancelled():
            raise LoadCancelled
        self._decoder = Decoder(self._model, folder.window_samples)
        self._prove()
        model = f"{self.name} {self.quantization}"
        listeners = Listeners(self._decoder, folder, self._manners, model)
        self._aloft = Aloft(
            self._decoder,
            self._manners,
            settings.num_workers,
            folder.window_frames,
            model,
            self._report.step,
            listeners.begin,
        )

    def _prove(self) -> None:
        """One real decode."""
        silence = np.zeros(_PROVING_SECONDS * RATE, np.float32)
        take = self.hear(
            silence, self._manners.of(self._settings, {}, deterministic=True).way("en", 0, _PROVING_SECONDS)
        )
        if not np.isfinite(take.logprob) or not np.isfinite(take.no_speech):
            raise CannotLoad(
                Problem(
                    "Self-test failed",
                    f"In {self.quantization} the model gives no numbers.",
                    "Set quantization to float32.",
                )
            )
        self._report.tokens(max(1, take.tokens))

    def hear(self, samples: Floats, way: Way) -> Take:
        """One window at once, mono at 16 kHz; times are seconds from its beginning, some of the silence before it."""
        sound = self._decoder.sound(samples)
        (take,) = self._decoder.decode([sound.features], way)
        return take

    def rebuild(self, settings: SttSettings) -> None:
        """Nothing is made anew: how many fly together is the supervisor's to do."""
        self.retune(settings)

    def retune(self, settings: SttSettings) -> None:
        """Take what holds from the next batch or order on. Raises RequestFailed: nothing can be heard so."""
        self._manners.forget()
        self._manners.check(settings)
        self._settings = settings

    def fly(self, sky: Sky) -> None:
        """Until nothing is in the air.

        Raises:
            OutOfMemory
        """
        assert self._aloft is not None
        aloft, since = self._aloft, time.monotonic()
        while True:
            self._board(sky, aloft)
            if aloft.empty:
                break
            with memory_told():
                written = aloft.step(self._settings)
            now = time.monotonic()
            aloft.tally.busy_seconds += now - since
            self._live(written, now, aloft)
            self._tell(_SAY_SECONDS, aloft)
            if aloft.idle:
                sky.rest(_LIVE_SECONDS)
                now = time.monotonic()
            since = now
        self._tell(0.0, aloft)

    def close(self) -> None:
        """Give the memory back."""
        if self._aloft is not None:
            self._aloft.close()
        if self._model is not None:
            self._release()
        self._aloft = self._model = None
        self.__dict__.pop("_decoder", None)  # of a load that failed there is none
        gc.collect()
        self._memory.hold(0)

    def _release(self) -> None:
        """The library refuses, without a word, while it computes."""
        for _ in range(_RELEASE_TRIES):
            if library.give_back(self._model):
                return
            time.sleep(_RELEASE_PAUSE_SECONDS)
        seconds = _RELEASE_TRIES * _RELEASE_PAUSE_SECONDS
        _log.warning("after %g s the library still computes: it keeps the memory of %s", seconds, self.name)

    def _board(self, sky: Sky, aloft: Aloft) -> None:
        for flight in aloft.landed():
            sky.land(flight)
        sky.attend()
        while (boarded := sky.board()) is not None:
            self._report.step()
            aloft.board(boarded, self._settings)
        for flight in aloft.landed():
            sky.land(flight)

    def _live(self, written: int, now: float, aloft: Aloft) -> None:
        if written:
            self._report.tokens(written)
            self._stepped = now
        elif now - self._stepped >= min(_ALIVE_SECONDS, _ALIVE_SHARE * self._settings.stall_after) and aloft.alive:
            self._report.step()
            self._stepped = now

    def _tell(self, pause_seconds: float, aloft: Aloft) -> None:
        now = time.monotonic()
        if now - self._said >= pause_seconds and (words := str(aloft.tally)):
            self._said = now
            self._report.say(words)


def thread_count(wanted: int) -> int:
    """Of each stream; 0 means physical cores − 1, so that the process's own loop keeps breathing; at least 1."""
    return wanted or max(1, (psutil.cpu_count(logical=False) or 2) - 1)


def _no_gpu() -> CannotLoad:
    return CannotLoad(
        Problem(
            "No GPU for CTranslate2",
            "This engine was placed on a GPU, and its CTranslate2 finds none.",
            "Make its environment for CUDA: engineroom env sync stt; or set gpu to cpu.",
        )
    )
