"""One loaded model, and the loop that hears what is in the air."""

from __future__ import annotations

import gc
import time
from typing import Any, Final

import numpy as np
import psutil

from engines.contract import CannotLoad, Flight, LoadCancelled, Report, Sky
from engines.gpu_memory import GpuMemory, placement
from engines.stt import library
from engines.stt.aloft import Aloft, Listening
from engines.stt.decode.decoder import Decoder, Floats
from engines.stt.decode.take import Take
from engines.stt.decode.way import Way
from engines.stt.estimate import assumed, gpu_bytes
from engines.stt.folder import Folder, found
from engines.stt.listening.live import LiveFlight
from engines.stt.listening.passes import Passes
from engines.stt.manner import Manners
from engines.stt.precision import chosen, nearest
from engines.stt.settings import SttSettings
from engines.stt.trouble import memory_told
from engines.stt.unit import RATE, wish_of
from engines.stt.vad.silero import NoEar, Silero
from ipc.errors import Problem, RequestFailed
from ipc.work import UnitOrder

_SAY_SECONDS: Final = 1.0
_PROVING_SECONDS: Final = 1
_ALIVE_SECONDS: Final = 5.0
"""While the library computes a batch it tells nothing: so often it counts as a step, but not for ever."""
_HANGS_SECONDS: Final = 1800.0
_LOADED: Final = 0.9
_RELEASE_TRIES: Final = 100
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
        self._silero: Silero | None = None
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
        threads = thread_count(settings.cpu_threads)
        self._model = library.whisper(folder, device, compute_type, threads, settings.num_workers)
        self._report.loading(_LOADED)
        if self._report.cancelled():
            raise LoadCancelled
        self._decoder = Decoder(self._model, folder.window_samples)
        self._prove()
        self._aloft = Aloft(
            self._decoder,
            self._manners,
            settings.num_workers,
            folder.window_frames,
            f"{self.name} {self.quantization}",
            self._report.step,
            self._listen,
        )

    def _prove(self) -> None:
        """One real decode."""
        silence = np.zeros(_PROVING_SECONDS * RATE, np.float32)
        take = self.hear(silence, self._manners.of(self._settings, {}, deterministic=True).way("en", 0))
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
            since = now
            self._live(written, now, aloft)
            self._tell(_SAY_SECONDS, aloft)
        self._tell(0.0, aloft)

    def close(self) -> None:
        """Give the memory back."""
        if self._aloft is not None:
            self._aloft.close()
        if self._model is not None:
            self._release()
        for name in ("_aloft", "_decoder"):
            self.__dict__.pop(name, None)
        self._aloft = self._model = None
        gc.collect()
        self._memory.hold(0)

    def _release(self) -> None:
        """The library refuses, without a word, while it computes."""
        for _ in range(_RELEASE_TRIES):
            if library.give_back(self._model):
                return
            time.sleep(_RELEASE_PAUSE_SECONDS)

    def _board(self, sky: Sky, aloft: Aloft) -> None:
        for flight in aloft.landed():
            sky.land(flight)
        sky.attend()
        while (boarded := sky.board()) is not None:
            self._report.step()
            aloft.board(boarded, self._settings)
        for flight in aloft.landed():
            sky.land(flight)

    def _listen(self, flight: Flight, order: UnitOrder) -> Listening:
        """Hear a person who speaks. Raises RequestFailed: it is no such wish, or cannot be heard so."""
        wish = wish_of(order.payload)
        told = {"language": wish.language, "task": wish.task, "prompt": wish.prompt, "hotwords": wish.hotwords}
        own = {name: value for name, value in told.items() if value is not None}
        manner = self._manners.of(self._settings, own, deterministic=flight.deterministic)
        return LiveFlight(
            flight,
            order,
            Passes(self._hear_live, lambda samples: self._decoder.language(self._decoder.sound(samples)), manner),
            self._ears().fresh(),
            manner.settings,
            window_seconds=self._folder.window_seconds,
            model=f"{self.name} {self.quantization}",
        )

    def _hear_live(self, samples: Floats, way: Way) -> Take:
        take = self.hear(samples, way)
        self._report.tokens(take.tokens)
        return take

    def _ears(self) -> Silero:
        """Loaded once it is needed. Raises RequestFailed: it is not there."""
        if self._silero is None:
            try:
                self._silero = Silero()
            except NoEar as error:
                raise RequestFailed(error.problem) from error
        return self._silero

    def _live(self, written: int, now: float, aloft: Aloft) -> None:
        if written:
            self._report.tokens(written)
            self._stepped = now
        elif now - self._stepped >= _ALIVE_SECONDS and 0 < aloft.longest_seconds < _HANGS_SECONDS:
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
