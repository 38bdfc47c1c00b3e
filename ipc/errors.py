"""What can go wrong, said so that a person can act: a title, a sentence, a way out."""

from __future__ import annotations

from msgspec import Struct


class Problem(Struct, frozen=True, array_like=True):
    """An error a user can meet.

    `title` is two to five words; `detail` is one sentence that says what and where; `hint` is the way out.
    """

    title: str
    detail: str
    hint: str

    def __str__(self) -> str:
        return f"{self.title}: {self.detail} {self.hint}".strip()


class EngineRoomError(Exception):
    """Base of every error that carries a `Problem`; front ends render it, nobody prints it raw."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class RequestFailed(EngineRoomError):
    """Raised when one request failed and everything else goes on."""


class EngineDied(EngineRoomError):
    """Raised when the engine that served an interactive stream is gone; `text` is what had arrived."""

    def __init__(self, problem: Problem, text: str) -> None:
        super().__init__(problem)
        self.text = text


class ConnectionFailed(EngineRoomError):
    """Raised when no connection could be made, or an established one ended: the other side is gone or refused us."""


class ProtocolViolation(EngineRoomError):
    """Raised when the other side sent what the protocol does not allow; ends that connection only."""
