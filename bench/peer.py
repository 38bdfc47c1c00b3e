"""A peer: a child that holds the model loaded and obeys one line of JSON at a time, from its order to its answer."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from typing import Any, TypeAlias

from bench.room import ROOT

Order: TypeAlias = dict[str, Any]
Told: TypeAlias = dict[str, Any]


class PeerFailed(Exception):
    """The peer could not be started, or ended; says why."""


class Peer:
    """The child's other end."""

    def __init__(self, module: str, arguments: list[str], environment: Mapping[str, str], python: str) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (as long-lived as the child)
        self._process = subprocess.Popen(
            [python, "-m", module, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            env=environment, cwd=ROOT,
            start_new_session=True,  # as an engine has: where the kernel shares out the cores by session, to both alike
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._process.pid

    def ask(self, **order: Any) -> Told:
        """Let it obey.

        Raises:
            PeerFailed
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._failure() from error
        return self.answer()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def answer(self) -> Told:
        """The next line it says; the first one means that it is ready.

        Raises:
            PeerFailed
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._failure()
        told: Told = json.loads(line)
        return told

    def _failure(self) -> PeerFailed:
        status = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()
        return PeerFailed(f"it ended with {status}: {said[-1] if said else 'it gave no reason'}")


@contextmanager
def peer(
    module: str, arguments: list[str], environment: Mapping[str, str], python: str = sys.executable
) -> Iterator[Peer]:
    """The child at work; gone afterwards.

    Raises:
        PeerFailed: it did not become ready.
    """
    there = Peer(module, arguments, environment, python)
    try:
        there.answer()
        yield there
    finally:
        there.close()


def obey(verbs: Mapping[str, Callable[..., Told]]) -> None:
    """The child's side: say that it is ready, then obey orders such as `{"do": VERB, …}` until stdin ends."""
    print("{}", flush=True)
    for line in sys.stdin:
        order: Order = json.loads(line)
        with narrating():
            told = verbs[order.pop("do")](**order)
        print(json.dumps(told), flush=True)


def narrating() -> AbstractContextManager[Any]:
    """Meanwhile, what libraries print goes to stderr: it is no answer."""
    return redirect_stdout(sys.stderr)
