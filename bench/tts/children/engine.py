"""`python -m bench.tts.children.engine CHECKPOINT DEVICE [CAP_GIB]`: our engine as the child's runtime would call it.

With `CAP_GIB` it gets no more of the GPU's memory than a card of that size has, what the driver takes left out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from bench.peer import Told, narrating, obey
from bench.tts.children.loading import Quiet, warm
from bench.tts.spent import measured
from engines.contract import Flight, Model, OutOfMemory
from engines.gpu_memory import PLACEMENT, Placed
from engines.tts.engine import TtsEngine
from engines.tts.estimate import CONTEXT_BYTES
from engines.tts.settings import TtsSettings
from engines.tts.unit import Unit, encode, said_of
from ipc.errors import Problem
from ipc.speech import Said
from ipc.work import UnitOrder


class Counting(Quiet):
    """A report that remembers how many tokens were written at once."""

    def __init__(self) -> None:
        self.together = 0

    def tokens(self, count: int) -> None:
        """Of one step."""
        self.together = max(self.together, count)


class Texts:
    """One flight of a job, and the sky where it waits."""

    def __init__(self, texts: list[str]) -> None:
        units = (encode(Unit(text, "en", ())) for text in texts)
        self.id, self.stream, self.deterministic = 1, False, False
        self.orders = tuple(UnitOrder("j", at, unit, "kept by the runtime") for at, unit in enumerate(units))
        self.said: list[Said] = []
        self.audio_seconds = 0.0
        self._waits = True

    def cancelled(self) -> bool:
        """Never."""
        return False

    def fed(self) -> tuple[bytes, bool]:
        """Nobody speaks to it."""
        return b"", False

    def piece(self, order: UnitOrder, text: str) -> None:
        """Sound does not come in pieces."""

    def done(self, order: UnitOrder, result: str, *, audio_seconds: float | None = None, **_: Any) -> None:
        """One of them."""
        self.said.append(said_of(result))
        self.audio_seconds += audio_seconds or 0.0

    def failed(self, order: UnitOrder, problem: Problem) -> None:
        """One could not be spoken."""
        raise SystemExit(f"{problem.title}: {problem.detail}")

    def board(self) -> Flight | None:
        """The flight, once."""
        waits, self._waits = self._waits, False
        return self if waits else None

    def land(self, flight: Flight) -> None:
        """It is over."""

    def attend(self) -> None:
        """Nothing changes meanwhile."""

    def rest(self, seconds: float) -> None:
        """Nobody rests."""


class Engine:
    """Loaded with the first settings."""

    def __init__(self, folder: str, device: str) -> None:
        self._device = device
        self._report = Counting()
        self._engine = TtsEngine(self._report)
        self._settings = TtsSettings(model=str(Path(folder)), seed=1, attempts=0)
        self._loaded = False

    def speak(self, texts: list[str], settings: dict[str, Any]) -> Told:
        """All of them in one flight, with these settings; what it takes to set them does not count."""
        try:
            model = self._set(msgspec.structs.replace(self._settings, **settings))
            self._report.together = 0
            flight = Texts(texts)
            spent = measured(self._device, lambda: self._engine.fly(flight))
        except OutOfMemory as error:
            return {"failed": error.problem.title.lower()}
        return {
            "quantization": model.quantization,
            "audio_seconds": flight.audio_seconds,
            "spent": msgspec.to_builtins(spent),
            "together": self._report.together,
            "tokens": sum(said.tokens for said in flight.said),
            "pieces": sum(said.pieces for said in flight.said),
        }

    def close(self) -> None:
        """Give the model back."""
        self._engine.close()

    def _set(self, settings: TtsSettings) -> Model:
        model = self._engine.apply(settings) if self._loaded else self._engine.load(settings)
        self._settings, self._loaded = settings, True
        return model


def main() -> None:
    """Obey stdin until its end."""
    folder, device, *cap = sys.argv[1:]
    with narrating():
        if device == "cuda":
            _place(float(cap[0]) if cap else None)
        warm()
        engine = Engine(folder, device)
    obey({"speak": engine.speak})


def _place(cap_gib: float | None) -> None:
    """On the first GPU, as the supervisor would have it."""
    import torch

    os.environ[PLACEMENT] = msgspec.json.encode([Placed("GPU-0", 1.0)]).decode()
    if cap_gib is not None:
        whole = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, (cap_gib * 2**30 - CONTEXT_BYTES) / whole))


if __name__ == "__main__":
    main()
