"""One outcome that somebody waits for."""

from __future__ import annotations

from typing import Generic, TypeVar

import anyio

from ipc.errors import Problem, RequestFailed

T = TypeVar("T")


class Awaited(Generic[T]):
    """Given once, or refused once; what comes later is ignored."""

    def __init__(self) -> None:
        self._done = anyio.Event()
        self._outcome: tuple[T] | Problem | None = None

    def give(self, value: T) -> None:
        """It is so."""
        self._settle((value,))

    def refuse(self, problem: Problem) -> None:
        """It cannot be, and why."""
        self._settle(problem)

    def _settle(self, outcome: tuple[T] | Problem) -> None:
        if self._outcome is None:
            self._outcome = outcome
            self._done.set()

    async def get(self) -> T:
        """The value, once given.

        Raises:
            RequestFailed: it was refused.
        """
        await self._done.wait()
        match self._outcome:
            case Problem() as problem:
                raise RequestFailed(problem)
            case (value,):
                return value
            case None:
                raise AssertionError("an outcome is set before its event")
