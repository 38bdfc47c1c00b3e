"""The peer of `bench.stt`: faster-whisper and a loop, with no Engine Room around them.

    python -m bench.stt.bare MODEL COMPUTE_TYPE DEVICE

Loads, then obeys orders such as `{"do": "sequential", "path": …}`, one thread on a CPU: what a program of one's own
would do. Its answer is the text, and seconds until its first segment and until its end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

import psutil
from faster_whisper import BatchedInferencePipeline, WhisperModel

from bench.peer import Told, obey


class Bare:
    """A loaded model."""

    def __init__(self, model: str, compute_type: str, device: str) -> None:
        self._model = WhisperModel(model, device=device, compute_type=compute_type, cpu_threads=1)
        self._batched = BatchedInferencePipeline(self._model)

    def sequential(self, path: str, beam_size: int, vad: bool) -> Told:
        """One window after the other, each from where the one before ended."""
        return self._heard(
            lambda: self._model.transcribe(
                path, language="en", beam_size=beam_size, temperature=0.0, vad_filter=vad,
                condition_on_previous_text=False,
            )
        )  # fmt: skip

    def batched(self, path: str, beam_size: int, batch_size: int, window_seconds: int | None) -> Told:
        """So many windows at once, cut by voice activity."""
        return self._heard(
            lambda: self._batched.transcribe(
                path, language="en", beam_size=beam_size, temperature=0.0, batch_size=batch_size,
                chunk_length=window_seconds, without_timestamps=False,
            )
        )  # fmt: skip

    def _heard(self, begin: Any) -> Told:
        began, spent = time.perf_counter(), time.process_time()
        segments: Iterable[Any] = begin()[0]
        texts, first = [], None
        for segment in segments:
            first = first or time.perf_counter() - began
            texts.append(segment.text.strip())
        seconds = time.perf_counter() - began
        cpu = time.process_time() - spent
        rss = psutil.Process().memory_info().rss
        return {"text": " ".join(texts), "seconds": seconds, "first": first or seconds, "cpu": cpu, "rss": rss}


def main() -> None:
    """Obey stdin until its end."""
    bare = Bare(*sys.argv[1:4])
    obey({"sequential": bare.sequential, "batched": bare.batched})


if __name__ == "__main__":
    main()
