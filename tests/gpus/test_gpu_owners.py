"""Whose a process on a GPU is, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from supervisor.gpus.owners import Owner, Owners, find

FAMILY = """
import os, subprocess, sys
sleep = ["sleep", "600"]
helper = subprocess.Popen(sleep)
runaway = subprocess.Popen(sleep, start_new_session=True)
orphan = subprocess.run(["sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True).stdout
print(helper.pid, runaway.pid, orphan.strip(), flush=True)
helper.wait()
"""


@dataclass(frozen=True)
class Family:
    """An engine's process, a helper in its session, one that left the session, and one whose parent has ended."""

    engine: int
    helper: int
    runaway: int
    orphan: int


def await_name(pid: int, name: str) -> None:
    """A new process has its parent's name for a moment."""
    deadline = time.monotonic() + 10
    while find(pid, {}).name != name:
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def family() -> Iterator[Family]:
    parent = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, start_new_session=True)
    with parent:
        assert parent.stdout is not None
        helper, runaway, orphan = map(int, parent.stdout.readline().split())
        try:
            await_name(helper, "sleep")
            await_name(runaway, "sleep")
            await_name(orphan, "sleep")
            yield Family(parent.pid, helper, runaway, orphan)
        finally:
            for pid in (helper, runaway, orphan, parent.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def test_an_engine_and_its_helpers_are_found(family: Family) -> None:
    engines = {family.engine: "writer"}
    assert find(family.engine, engines).engine == "writer"
    assert find(family.helper, engines) == Owner("sleep", "writer")
    assert find(family.runaway, engines) == Owner("sleep", "writer")
    assert find(family.orphan, engines) == Owner("sleep", "writer")


def test_a_stranger_has_a_name_and_no_engine(family: Family) -> None:
    assert find(family.helper, {}) == Owner("sleep", "")
    assert find(os.getpid(), {family.engine: "writer"}).engine == ""


def test_a_pid_that_cannot_be_seen_has_no_name() -> None:
    ghost = 2**22 + 1  # above the highest pid of Linux
    assert find(ghost, {}) == Owner("", "")
    assert find(ghost, {ghost: "writer"}) == Owner("", "writer")


def test_owners_follow_the_engines(family: Family) -> None:
    owners = Owners()
    assert owners.of([family.helper], {})[family.helper].engine == ""
    assert owners.of([family.helper], {family.engine: "writer"})[family.helper].engine == "writer"
    assert owners.of([family.helper], {family.engine: "other"})[family.helper].engine == "other"
    assert owners.of([], {}) == {}
