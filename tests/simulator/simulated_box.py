"""A simulated box for tests: its scenario, its folder of accounts, and clients that look at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.account import Account
from simulator.run import environment
from simulator.scenario import publish

CLIENT = Path(__file__).with_name("nvml_client.py")
PLAIN = {"name": "Simulated", "capability": "8.0"}


class Failed(int):
    """The error number an NVML call ended with."""


class Looker:
    """A running nvml_client."""

    def __init__(self, environ: dict[str, str], complaints: Path) -> None:
        self.complaints = complaints
        with complaints.open("w") as file:
            self._process = subprocess.Popen(
                [sys.executable, str(CLIENT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env=environ,
                text=True,
            )

    def say(self, *words: Any) -> None:
        """Begin a call whose answer is read later."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """The answer to the oldest call begun; an error's number is a `Failed`."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, self.complaints.read_text()
        said = json.loads(line)
        return Failed(said["error"]) if "error" in said else said["value"]

    def __call__(self, call: str, *arguments: Any) -> Any:
        self.say(f"nvml{call}", *arguments)
        return self.hear()

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        assert self._process.wait(10) == 0, self.complaints.read_text()
        self._process.stdout.close()


class SimulatedBox:
    """Everything of one test's box lies under its own folder."""

    def __init__(self, folder: Path) -> None:
        self.lines = folder / "scenario"
        self.accounts = folder / "accounts"
        self.accounts.mkdir()
        self._lookers: list[Looker] = []

    def is_now(self, *gpus: dict[str, Any], start_unix: float | None = None, **box: Any) -> None:
        """Publish a scenario of these GPUs."""
        table = {**box, "gpu": [gpu if "model" in gpu else {**PLAIN, **gpu} for gpu in gpus]}
        publish(table, self.lines, start_unix=start_unix, accounts=self.accounts)

    def environ(self) -> dict[str, str]:
        """For a program on this box."""
        return environment(self.lines, self.accounts, base=os.environ)

    def account(self, pid: int | None = None) -> Account:
        return Account(self.accounts, pid=pid)

    def looker(self, *, init: bool = True) -> Looker:
        """A new program that looks at the box."""
        complaints = self.lines.with_name(f"complaints-{len(self._lookers)}")
        looker = Looker(self.environ(), complaints)
        self._lookers.append(looker)
        if init:
            assert looker("Init") is None
        return looker

    def close(self) -> None:
        for looker in self._lookers:
            looker.close()


def eventually(fact: Callable[[], bool], *, within: float = 5.0) -> None:
    """Wait for a fact that comes about by itself."""
    until = time.monotonic() + within
    while not fact():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.005)
