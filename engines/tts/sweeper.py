"""Gives memory back that is kept for later, when the settings say so."""

from __future__ import annotations

import sys
from typing import Final

import torch

from engines.memory import give_back
from engines.tts import cleanup
from engines.tts.settings import TtsSettings

_WORTH_TELLING_BYTES: Final = 64 * 2**20
_GIB: Final = 2**30


class Sweeper:
    """Of one loaded model."""

    def __init__(self, device: str) -> None:
        self._on_gpu = device.startswith("cuda")
        self._total = torch.cuda.get_device_properties(0).total_memory if self._on_gpu else 0
        self._since = 0

    def look(self, settings: TtsSettings, finished: int, of_work: int, *, over: bool) -> None:
        """After so many more finished chunks, of so many of the whole work; `over` when nothing is in the air."""
        self._since += finished
        if self._since == 0:
            return
        reason = cleanup.why(
            settings,
            since=self._since,
            chunks=of_work,
            spare_bytes=self._spare(),
            total_bytes=self._total,
            over=over,
        )
        if reason:
            self._since = 0
            self._sweep(reason)

    def _sweep(self, reason: str) -> None:
        before = self._spare()
        if self._on_gpu:
            torch.cuda.empty_cache()
        give_back()
        if (given := before - self._spare()) >= _WORTH_TELLING_BYTES:
            sys.stderr.write(f"cleanup: gave back {given / _GIB:.1f} GiB, for {reason}\n")

    def _spare(self) -> int:
        """Bytes that torch keeps and does not use; a CPU's allocator does not tell."""
        return torch.cuda.memory_reserved() - torch.cuda.memory_allocated() if self._on_gpu else 0
