"""One loaded model, and the loop that speaks what is in the air."""

from __future__ import annotations

import os
import sys
import time
from typing import Final

import torch

from engines.contract import CannotLoad, LoadCancelled, Report, Sky
from engines.gpu_memory import GpuMemory, placement
from engines.tts.aboard import Part
from engines.tts.aloft import Aloft
from engines.tts.boarding import Boarding
from engines.tts.checkpoint import found
from engines.tts.decode.decoder import Decoder
from engines.tts.estimate import TOGETHER, gpu_bytes, need
from engines.tts.learnedfile import path_of
from engines.tts.loading import BUILT, library_model
from engines.tts.precision import NAMES, for_sound, for_tokens
from engines.tts.reader import Reader
from engines.tts.renderer import Renderer
from engines.tts.settings import TtsSettings
from engines.tts.sound.render import Sound
from engines.tts.sound.voices import Voices
from engines.tts.tally import Tally
from engines.tts.trouble import memory_told
from engines.tts.verdicts import Verdicts
from ipc.errors import Problem
from ipc.places import data_folder

_SAY_SECONDS: Final = 1.0


class Loaded:
    """Loads at construction.

    Raises:
        CannotLoad, RequestFailed, OutOfMemory, LoadCancelled
    """

    def __init__(self, settings: TtsSettings, report: Report, memory: GpuMemory) -> None:
        self._report = report
        self._memory = memory
        self._settings = settings
        checkpoint = found(settings)
        self._backend, self._identity = checkpoint.backend, checkpoint.identity()
        report.loading(0.0)
        on_gpu = bool(placement()) and not memory.simulated
        self._device = "cuda" if on_gpu else "cpu"
        self._numbers = for_tokens(settings, on_gpu=bool(placement()))
        self.name, self.quantization = checkpoint.name, NAMES[self._numbers]
        self.on_gpu = bool(placement()) or None
        """None where it was not placed on one."""
        memory.hold(gpu_bytes(need(checkpoint, settings, on_gpu=True)) if placement() else 0)
        try:
            with memory_told():
                if on_gpu:
                    _check_gpu()
                self._model = library_model(checkpoint, report)
                self._place()
        except BaseException:
            memory.hold(0)
            raise
        report.loading(1.0)
        report.tokens(1)

    def _place(self) -> None:
        model, settings = self._model, self._settings
        self._voices = Voices(model.conds, model.s3gen, model.ve, model.t3.hp.speech_cond_prompt_len, tell=_log)
        self._forward(BUILT)
        model.t3.to(self._device)
        self._decoder = Decoder(model.t3, self._numbers, compiled=settings.compile, take=True)
        self._forward(0.92)
        for part in (model.s3gen.flow, model.s3gen.mel2wav):
            part.to(self._device)
        self._sound = Sound(model.s3gen, model.watermarker, for_sound(settings, on_gpu=self._device == "cuda"))
        self._tally = Tally()
        model_id = f"{self.name} {self._identity}"
        self._verdicts = Verdicts(path_of(data_folder(os.environ), model_id), model_id)
        self._reader = Reader(model, self._backend)
        self._reader.check_wanted(settings.language)
        self._boarding = Boarding(model.t3, settings, self._backend, self._reader, self._voices, self._verdicts)
        self._renderer: Renderer[Part] = Renderer(self._sound, self._device, self._report.step)
        self._aloft = Aloft(self._decoder, self._renderer, self._boarding, self._verdicts, self._tally)
        self._said = time.monotonic()

    def _forward(self, fraction: float) -> None:
        self._report.loading(fraction)
        if self._report.cancelled():
            raise LoadCancelled

    def rebuild(self, settings: TtsSettings) -> None:
        """Decode so many together from now on."""
        self.retune(settings)

    def retune(self, settings: TtsSettings) -> None:
        """Take what holds from the next order on.

        Raises:
            RequestFailed: the model does not speak that language.
        """
        self._reader.check_wanted(settings.language)
        self._settings = self._boarding.settings = settings

    def fly(self, sky: Sky) -> None:
        """Until nothing is in the air.

        Raises:
            OutOfMemory
        """
        while True:
            self._board(sky)
            if self._aloft.empty:
                break
            with memory_told():
                written = self._aloft.step(self._settings.parallel or TOGETHER)
            if written:
                self._report.tokens(written)
            self._verdicts.save()
            self._tell(_SAY_SECONDS)
        self._verdicts.save()
        self._tell(0.0)

    def close(self) -> None:
        """Give the memory back."""
        self._renderer.close()
        self._verdicts.save(at_once=True)
        del self._model, self._decoder, self._sound, self._voices, self._boarding, self._aloft, self._renderer
        self._memory.hold(0)

    def _board(self, sky: Sky) -> None:
        for flight in self._aloft.landed():
            sky.land(flight)
        sky.attend()
        while (boarded := sky.board()) is not None:
            self._report.step()
            with memory_told():
                self._aloft.board(boarded)
        for flight in self._aloft.landed():
            sky.land(flight)

    def _tell(self, pause_seconds: float) -> None:
        now = time.monotonic()
        if now - self._said >= pause_seconds and self._tally.chunks:
            self._said = now
            self._report.say(str(self._tally))


def _check_gpu() -> None:
    if not torch.cuda.is_available():
        raise CannotLoad(
            Problem(
                "No GPU for torch",
                "This engine was placed on a GPU, and its torch finds none.",
                "Make its environment for CUDA: engineroom env sync tts; or set gpu to cpu.",
            )
        )


def _log(words: str) -> None:
    sys.stderr.write(f"{words}\n")
