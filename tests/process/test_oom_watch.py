"""A SIGKILL around which the kernel's count of OOM kills grew was the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.capabilities import oom_counter
from supervisor.process import oom
from supervisor.process.oom import OomWatch


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(oom, "time", clock)
    return clock


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    path = tmp_path / "memory.events"
    path.write_text("low 0\noom 1\noom_kill 5\noom_group_kill 0\n")
    return path


def test_growth_since_the_last_looks_is_a_kill_for_memory(counter: Path, clock: Clock) -> None:
    watch = OomWatch(counter)
    assert not watch.killed()
    counter.write_text("oom_kill 6\n")
    assert watch.killed()


def test_a_look_right_before_the_exit_is_noticed_hides_nothing(counter: Path, clock: Clock) -> None:
    watch = OomWatch(counter)
    clock.now = 100.0
    counter.write_text("oom_kill 6\n")
    watch.look()
    clock.now = 100.5
    watch.look()
    assert watch.killed()


def test_an_old_kill_of_something_else_is_forgotten(counter: Path, clock: Clock) -> None:
    watch = OomWatch(counter)
    counter.write_text("oom_kill 6\n")
    for clock.now in (10.0, 11.0, 12.0):
        watch.look()
    assert not watch.killed()


def test_what_cannot_be_read_blames_nobody(tmp_path: Path, clock: Clock) -> None:
    assert not OomWatch(tmp_path / "none").killed()
    (tmp_path / "odd").write_text("oom_kill\noom_kill x\n")
    assert not OomWatch(tmp_path / "odd").killed()


def test_this_host_counts() -> None:
    path = oom_counter()
    assert path is None or "oom_kill " in path.read_text()
