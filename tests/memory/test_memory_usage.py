"""Is the GPU really used?"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from supervisor.memory.usage import Observation, Usage


@dataclass
class Engine:
    """An engine observed once a second."""

    usage: Usage = Usage()
    at: float = 100.0

    def seen(
        self,
        seconds: int = 1,
        *,
        held: int | None = 4000,
        claimed: int = 5000,
        layers: tuple[int | None, int | None] = (None, None),
        used: float | None = 90.0,
        busy: bool = True,
    ) -> list[str]:
        for _ in range(seconds):
            self.usage = self.usage.observed(Observation(self.at, held, claimed, *layers, used, busy))
            self.at += 1
        return [word for word, _ in self.usage.alarms()]


def test_nothing_observed_is_no_alarm() -> None:
    assert Usage().alarms() == ()
    assert Engine().seen(60) == []


def test_nothing_on_the_gpu_for_five_seconds() -> None:
    engine = Engine()
    assert engine.seen(5, held=0) == []
    assert engine.seen(held=0) == ["not-on-gpu"]
    assert engine.seen(held=4000) == []


@pytest.mark.parametrize(("held", "claimed"), [(None, 5000), (1, 5000), (0, 0)])
def test_unknown_or_little_is_not_nothing_and_the_cpu_needs_no_gpu(held: int | None, claimed: int) -> None:
    assert Engine().seen(60, held=held, claimed=claimed) == []


def test_not_knowing_in_between_begins_anew() -> None:
    engine = Engine()
    engine.seen(5, held=0)
    engine.seen(held=None)
    assert engine.seen(5, held=0) == []


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((33, 12), ["fewer-layers"]),
        ((33, 0), ["fewer-layers"]),
        ((33, 33), []),
        ((20, 33), []),
        ((None, 12), []),
        ((33, None), []),
    ],
)
def test_fewer_layers_than_asked_for(layers: tuple[int | None, int | None], words: list[str]) -> None:
    engine = Engine()
    assert engine.seen(layers=layers) == words
    if words:
        ((_, text),) = engine.usage.alarms()
        assert text == f"has {layers[1]} layers on the GPU, and 33 were asked for."


def test_busy_for_ten_seconds_while_the_gpu_idles() -> None:
    engine = Engine()
    assert engine.seen(10, used=2.0) == []
    assert engine.seen(used=0.0) == ["gpu-idle"]
    assert engine.seen(used=2.1) == []


@pytest.mark.parametrize("pause", [{"busy": False}, {"used": None}, {"used": 3.0}])
def test_a_pause_begins_anew(pause: dict[str, float | None]) -> None:
    engine = Engine()
    engine.seen(10, used=0.0)
    engine.seen(**{"used": 0.0, **pause})  # type: ignore[arg-type]
    assert engine.seen(10, used=0.0) == []
    assert engine.seen(used=0.0) == ["gpu-idle"]


def test_unknown_utilisation_and_the_cpu_raise_nothing() -> None:
    assert Engine().seen(60, used=None) == []
    assert Engine().seen(60, used=0.0, busy=False) == []
    assert Engine().seen(60, used=0.0, claimed=0) == []


def test_the_model_in_ram_looks_like_this() -> None:
    engine = Engine()
    assert engine.seen(20, held=0, layers=(33, 0), used=1.0) == ["not-on-gpu", "fewer-layers", "gpu-idle"]
    assert all(text.endswith(".") for _, text in engine.usage.alarms())
