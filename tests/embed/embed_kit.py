"""Flights and reports that remember what they heard, the real engine, and the vectors that are right."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from flying_kit import Flying, Heard, Sky, Told
from numpy.typing import NDArray

from engines.embed.loaded import Loaded
from engines.embed.settings import EmbedSettings
from engines.gpu_memory import GpuMemory
from ipc.work import UnitOrder

DIMENSIONS = 384
REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text())
TEXTS: list[str] = REFERENCE["texts"]


def numbers(encoded: str, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """The vectors in base64, [texts, dimensions]."""
    return np.frombuffer(base64.b64decode(encoded), "<f4").reshape(-1, dimensions)


EXPECTED = numbers(REFERENCE["vectors"])


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each row with the other's, in float64: float32 sums of 384 products would hide the last digits."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    found: NDArray[np.float64] = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return found


class Asked(Flying):
    """A flight whose units have these payloads; `file` is where the only unit of a job leaves its vectors."""

    def __init__(self, *payloads: Any, stream: bool = True, deterministic: bool = False) -> None:
        file = "" if stream else "/kept/by/the/runtime"
        orders = (UnitOrder("j", at, json.dumps(payload), file) for at, payload in enumerate(payloads))
        super().__init__(orders, stream=stream, deterministic=deterministic)
        self.results: dict[int, dict[str, Any]] = {}

    def heard(self, index: int, told: Told) -> None:
        self.results[index] = json.loads(told.result)
        assert self.results[index]["tokens"] == told.tokens

    def vectors(self, index: int = 0) -> NDArray[np.float32]:
        """Of one unit, [texts, dimensions]."""
        data = self.told[index].data
        if data is not None:
            return np.frombuffer(data, "<f4").reshape(-1, DIMENSIONS)
        return numbers(self.results[index]["vectors"])


def texts(*told: str, **more: Any) -> Asked:
    """An interactive request."""
    return Asked({"texts": list(told)}, **more)


class Counted(Loaded):
    """The real one, which notes what each run computes: the lengths of its texts, in tokens."""

    def __init__(self, **settings: Any) -> None:
        self.heard = Heard()
        super().__init__(EmbedSettings(threads=1, **settings), self.heard, GpuMemory())
        self.runs: list[list[int]] = []
        encode = self._encoder.vectors

        def counting(ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
            self.runs.append([len(one) for one in ids])
            return encode(ids)

        self._encoder.vectors = counting  # type: ignore[method-assign]

    def ask(self, *flights: Asked, then: Callable[[Sky], None] = lambda _: None) -> Sky:
        """Fly these to their end."""
        sky = Sky(*flights, then=then)
        self.fly(sky)
        return sky
