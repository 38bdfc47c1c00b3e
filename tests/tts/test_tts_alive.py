"""Signs of life while something long is done."""

from __future__ import annotations

import threading

import pytest

from engines.tts.alive import alive


def test_steps_are_told_while_the_block_runs_and_none_after() -> None:
    twice = threading.Semaphore(0)
    with alive(twice.release, each_seconds=0.001):
        assert twice.acquire(timeout=10)
        assert twice.acquire(timeout=10)
    assert not [thread for thread in threading.enumerate() if thread.name == "alive"]


def test_what_hangs_is_found_to_hang_in_the_end() -> None:
    steps: list[int] = []
    with alive(lambda: steps.append(1), each_seconds=0.001, most_seconds=0.003):
        for thread in [thread for thread in threading.enumerate() if thread.name == "alive"]:
            thread.join(10)
    assert len(steps) == 3


def test_an_error_ends_them_too() -> None:
    with pytest.raises(OSError, match="gone"), alive(lambda: None):
        raise OSError("gone")
    assert not [thread for thread in threading.enumerate() if thread.name == "alive"]
