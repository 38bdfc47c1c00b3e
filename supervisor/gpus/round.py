"""One round of questions to a card: takes the values, and keeps what went wrong."""

from __future__ import annotations

from typing import TypeVar

from supervisor.gpus.answers import Answer, Failure, NotSupported

T = TypeVar("T")


class CardLost(Exception):
    """Raised when the card has nothing more to say on this handle."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


class Round:
    """The answers of one round."""

    def __init__(self) -> None:
        self._told = 0
        self._first: tuple[str, Failure] | None = None

    def take(self, what: str, answer: Answer[T]) -> T | None:
        """The value, or None where it is not told.

        Raises:
            CardLost: the answer says that the card is.
        """
        if isinstance(answer, Failure):
            if answer.lost:
                raise CardLost(answer)
            self._first = self._first or (what, answer)
            return None
        if isinstance(answer, NotSupported):
            return None
        self._told += 1
        return answer

    def problem(self) -> str:
        """What could not be read although the card knows it, in one sentence; empty when all is well."""
        if self._first is None:
            return ""
        what, failure = self._first
        return f"Its {what} cannot be read: {failure.text}."

    def check(self) -> None:
        """Look at the whole round.

        Raises:
            CardLost: there were failures, and not one value.
        """
        if self._first is not None and not self._told:
            raise CardLost(self._first[1])
