"""One loaded model, and the loop that speaks what is in the air."""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import Final, Literal, TypeVar

import numpy as np
import torch

from engines.contract import CannotLoad, LoadCancelled, Report, Sky
from engines.gpu_memory import GpuMemory, placement
from engines.tts.aboard import Part
from engines.tts.alive import alive
from engines.tts.aloft import Aloft
from engines.tts.boarding import Boarding
from engines.tts.checkpoint import Checkpoint, found
from engines.tts.decode.decoder import Decoder
from engines.tts.estimate import TOGETHER, gpu_bytes, need
from engines.tts.judge import SILENCE
from engines.tts.learnedfile import path_of
from engines.tts.loading import BUILT, library_model
from engines.tts.precision import NAMES, Numbers, for_sound, for_tokens
from engines.tts.reader import Reader
from engines.tts.renderer import Renderer
from engines.tts.settings import TtsSettings
from engines.tts.sound.render import Sound, Take
from engines.tts.sound.voices import Voices
from engines.tts.sweeper import Sweeper
from engines.tts.tally import Tally
from engines.tts.together import enough, measured, told
from engines.tts.trouble import let_go, memory_told
from engines.tts.verdicts import Verdicts
from ipc.errors import Problem, RequestFailed
from ipc.places import data_folder

N = TypeVar("N", bound=Numbers)
_SAY_SECONDS: Final = 1.0
_DECODES: Final = 0.92
_SOUNDS: Final = 0.96
"""So much of the load is done when it can decode, and when it can make sound."""
_PROVING_TOKENS: Final = 5
"""Less is too short for the vocoder's filters."""
_LONG: Final = 500
"""Tokens; more than any measuring writes."""


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
        report.loading(0.0)
        placed = bool(placement())
        self._device = "cuda" if placed and not memory.simulated else "cpu"
        if self._device == "cuda":
            _check_gpu()
        self._numbers = _numbers(for_tokens(settings, on_gpu=placed), self._device)
        self.name, self.quantization = checkpoint.name, NAMES[self._numbers]
        self.on_gpu = placed or None
        """None where it was not placed on one."""
        memory.hold(gpu_bytes(need(checkpoint, settings, on_gpu=True)) if placed else 0)
        self._renderer: Renderer[Part] | None = None
        try:
            with memory_told():
                self._build(checkpoint, settings)
                self._together = self._measure()
        except BaseException as error:
            let_go(error)
            self.close()
            raise
        self._said = time.monotonic()
        gc.freeze()  # the libraries' half a million objects need not be looked through at each cleanup
        report.loading(1.0)

    def _build(self, checkpoint: Checkpoint, settings: TtsSettings) -> None:
        model = library_model(checkpoint, self._report)
        self._forward(BUILT)
        model.t3.to(self._device)
        self._decoder = Decoder(
            model.t3,
            self._numbers,
            compiled=settings.compile,
            take=True,
            compiling=lambda: alive(self._report.step),
        )
        self._forward(_DECODES)
        for part in (model.s3gen.flow, model.s3gen.mel2wav):  # what listens to voices stays in the host's memory
            part.to(self._device)
        sound_numbers = _numbers(for_sound(settings, on_gpu=self._device == "cuda"), self._device)
        sound = Sound(model.s3gen, model.watermarker, sound_numbers)
        self._forward(_SOUNDS)
        reader = Reader(model, checkpoint.backend)
        reader.check_wanted(settings.language)
        model_id = f"{self.name} {checkpoint.identity()}"
        self._reader, self._tally, self._sweeper = reader, Tally(), Sweeper(self._device)
        self._verdicts = Verdicts(path_of(data_folder(os.environ), model_id), model_id)
        voices = Voices(model.conds, model.s3gen, model.ve, model.t3.hp.speech_cond_prompt_len, tell=_log)
        self._boarding = Boarding(model.t3, settings, checkpoint, reader, voices, self._verdicts)
        self._prove(sound)
        self._renderer = Renderer(sound, self._device, self._report.step)
        self._aloft = Aloft(self._decoder, self._renderer, self._boarding, self._verdicts, self._tally)

    def _prove(self, sound: Sound) -> None:
        """One token, and a sound of it."""
        chunk = self._boarding.sample(1)
        self._decoder.begin([chunk])
        self._decoder.step()
        token = chunk.tokens[0] if chunk.tokens and not chunk.broken else SILENCE
        take = Take((token,) * _PROVING_TOKENS, self._boarding.voice(), 0)
        (heard,) = sound.render([take], 1, watermark=False, together=True, step=self._report.step)
        if chunk.broken or not len(heard) or not np.isfinite(heard).all():
            raise CannotLoad(
                Problem(
                    "Self-test failed",
                    f"With {self.quantization} the model gives no numbers.",
                    "Set quantization and sound_precision to fp32.",
                )
            )
        self._report.tokens(1)

    def _measure(self) -> int:
        """Chunks to decode together."""
        most = self._settings.parallel or TOGETHER
        if most == 1 or self._settings.compile:  # each number would be compiled for minutes
            return most
        found_here = measured(self._decoder, lambda: self._boarding.sample(_LONG), most, self._report.step)
        if (chosen := enough(found_here)) < most:
            _log(told(found_here, chosen))
        return chosen

    def _forward(self, fraction: float) -> None:
        self._report.loading(fraction)
        if self._report.cancelled():
            raise LoadCancelled

    def rebuild(self, settings: TtsSettings) -> None:
        """Decode so many together from now on; the old settings are back if it raises.

        Raises:
            RequestFailed, OutOfMemory
        """
        kept = self._settings
        self.retune(settings)
        try:
            with memory_told():
                self._together = self._measure()
        except BaseException:
            self._settings = self._boarding.settings = kept
            raise

    def retune(self, settings: TtsSettings) -> None:
        """Take what holds from the next order on.

        Raises:
            RequestFailed: the model does not speak that language, or the voice cannot be had.
        """
        self._reader.check_wanted(settings.language)
        kept, self._boarding.settings = self._boarding.settings, settings
        try:
            self._boarding.voice()
        except RequestFailed:
            self._boarding.settings = kept
            raise
        self._settings = settings

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
                before = self._tally.chunks
                written = self._aloft.step(self._together, self._settings.parallel or TOGETHER)
                if written:  # where nothing moves, nothing may look as if it did
                    self._report.tokens(written)
                self._sweep(self._tally.chunks - before, over=False)
            self._verdicts.save()
            self._tell(_SAY_SECONDS)
        self._verdicts.save()
        self._sweep(0, over=True)
        self._tell(0.0)

    def close(self) -> None:
        """Give the memory back."""
        gc.unfreeze()
        if self._renderer is not None:
            self._renderer.close()
            self._verdicts.save(at_once=True)
        for name in ("_renderer", "_aloft", "_boarding", "_decoder", "_reader", "_verdicts"):
            self.__dict__.pop(name, None)
        gc.collect()  # models have cycles, and what torch's allocator keeps is free only once they are gone
        if self._device == "cuda":
            torch.cuda.empty_cache()
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

    def _sweep(self, finished: int, *, over: bool) -> None:
        if finished or over:
            self._sweeper.look(self._settings, finished, self._aloft.work_chunks, over=over)

    def _tell(self, pause_seconds: float) -> None:
        now = time.monotonic()
        if now - self._said >= pause_seconds and self._tally.chunks:
            self._said = now
            self._report.say(str(self._tally))


def _numbers(wanted: N, device: str) -> N | Literal["fp16"]:
    """An older GPU has no bf16 of its own, and 16 bits of another sort."""
    if device == "cuda" and wanted == "bf16" and torch.cuda.get_device_capability() < (8, 0):
        return "fp16"
    return wanted


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
