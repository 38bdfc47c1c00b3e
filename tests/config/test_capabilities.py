"""What the host offers, and what each lack costs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config import capabilities
from config.capabilities import oom_counter, probe


def test_every_capability_says_what_its_lack_costs() -> None:
    found = probe()
    assert len({one.name for one in found}) == len(found)
    for one in found:
        assert one.cost.endswith(".")
        assert one.hint


def test_a_forbidden_pidfd_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert not next(one for one in probe() if one.name == "pidfd").present


def test_where_nothing_counts_there_is_no_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "_counts", lambda path: False)
    assert oom_counter() is None


def test_our_own_group_counts_before_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "_counts", lambda path: True)
    counter = oom_counter()
    assert counter is not None
    assert counter != Path("/proc/vmstat") or not Path("/proc/self/cgroup").exists()
