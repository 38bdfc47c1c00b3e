"""One loaded model with its kept vectors, and the loop that computes what is in the air."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from random import Random

from engines.bootstrap import ENGINE
from engines.contract import Report, Sky
from engines.embed import cachefile
from engines.embed.aloft import Aloft
from engines.embed.cache import VectorCache
from engines.embed.encoder import Encoder
from engines.embed.estimate import gpu_bytes
from engines.embed.folder import found
from engines.embed.settings import EmbedSettings
from engines.gpu_memory import GpuMemory, placement
from ipc.places import data_folder, vectors_folder

_NAP_SECONDS = 0.0003
"""Between two looks whether company has come."""
_SPARE_TOKENS = 16
"""What a run on a CPU costs besides its tokens, in tokens."""
_SPARE_TOKENS_ON_GPU = 8192
_SAY_SECONDS = 1.0
_SAVE_SECONDS = 60.0
_SAVE_SHARE = 20
"""Kept vectors are saved each minute at most, and in a twentieth of the time."""


class Loaded:
    """Loads at construction.

    Raises:
        CannotLoad, OutOfMemory
    """

    def __init__(self, settings: EmbedSettings, report: Report, memory: GpuMemory) -> None:
        self._report = report
        self._memory = memory
        self._settings = settings
        self._folder = found(settings)
        self.name = self._folder.manifest.name
        report.loading(0.0)
        memory.hold(gpu_bytes(self._folder.manifest, settings))
        try:
            self._encoder = self._encoder_for(settings)
        except BaseException:
            memory.hold(0)
            raise
        self.on_gpu = self._encoder.on_gpu or memory.simulated if placement() else None
        """None where it was not placed on one."""
        self._cache = VectorCache(self._encoder.dimensions, time.monotonic, Random())
        self._cache.limit(settings.cache_entries, settings.cache_bytes)
        self._aloft = Aloft(self._encoder, self._cache)
        self._saved, self._pause, self._changes = time.monotonic(), _SAVE_SECONDS, 0
        self._said = self._saved
        if settings.cache_keep and (why := cachefile.read(self._file(), self._identity(), self._cache)):
            sys.stderr.write(f"kept vectors are not used: {why}\n")
        report.loading(1.0)
        report.tokens(1)

    def rebuild(self, settings: EmbedSettings) -> None:
        """Compute with so many threads from now on; what worked stays if that fails.

        Raises:
            CannotLoad, OutOfMemory
        """
        if settings.threads != self._settings.threads:
            fresh = self._encoder_for(settings)
            self._encoder.close()
            self._encoder = fresh
            self._aloft = Aloft(self._encoder, self._cache)
        self.retune(settings)

    def retune(self, settings: EmbedSettings) -> None:
        """Take what needs no other session."""
        if settings.max_tokens != self._settings.max_tokens:
            self._save()
            self._encoder.shorten(settings.max_tokens)
            self._cache.clear()  # a text cut elsewhere has another vector
        self._cache.limit(settings.cache_entries, settings.cache_bytes)
        self._settings = settings

    def fly(self, sky: Sky) -> None:
        """Until nothing is in the air.

        Raises:
            OutOfMemory
        """
        aloft = self._aloft
        while True:
            self._board(sky)
            if aloft.empty:
                break
            settings = self._settings
            if aloft.should_wait(settings.batch_size, settings.wait_ms / 1000):
                time.sleep(_NAP_SECONDS)
                continue
            spare = _SPARE_TOKENS_ON_GPU if self._encoder.on_gpu else _SPARE_TOKENS
            self._report.tokens(aloft.run(settings.batch_size, spare))
            self._tell_and_keep(_SAY_SECONDS)  # where requests overlap, this has no end
        self._tell_and_keep(0.0)

    def close(self) -> None:
        """Save what is to be kept, and give the memory back."""
        self._save()
        self._encoder.close()
        self._memory.hold(0)

    def _encoder_for(self, settings: EmbedSettings) -> Encoder:
        on_gpu = bool(placement()) and not self._memory.simulated
        encoder = Encoder(self._folder, settings.threads, settings.max_tokens, on_gpu=on_gpu)
        encoder.prove()
        return encoder

    def _board(self, sky: Sky) -> None:
        aloft = self._aloft
        for flight in aloft.landed():
            sky.land(flight)
        sky.attend()
        while (boarded := sky.board()) is not None:
            self._report.step()
            aloft.board(boarded)
        for flight in aloft.landed():
            sky.land(flight)

    def _tell_and_keep(self, pause_seconds: float) -> None:
        """What is due now, where people were told nothing for that long."""
        now = time.monotonic()
        if now - self._said >= pause_seconds:
            self._said = now
            self._say()
        if now - self._saved >= self._pause:
            self._save()

    def _say(self) -> None:
        """How much the kept vectors save."""
        if self._cache.asked:
            share = self._cache.hits / self._cache.asked
            self._report.say(f"cache {share * 100:.0f} % of {self._cache.asked:,}")

    def _save(self) -> None:
        if not self._settings.cache_keep or self._cache.asked == self._changes:
            return
        began = time.monotonic()
        try:
            cachefile.write(self._file(), self._identity(), self._cache)
        except OSError as error:
            sys.stderr.write(f"vectors are not kept: {self._file()}: {error.strerror}\n")
        self._saved, self._changes = time.monotonic(), self._cache.asked
        self._pause = max(_SAVE_SECONDS, _SAVE_SHARE * (self._saved - began))

    def _file(self) -> Path:
        """Of this engine alone: two of one model would take turns in replacing it."""
        return vectors_folder(data_folder(os.environ)) / f"{os.environ.get(ENGINE, 'embed')}.vectors"

    def _identity(self) -> str:
        """What the vectors hang on."""
        return f"{self._folder.identity()} {self._settings.max_tokens}"
