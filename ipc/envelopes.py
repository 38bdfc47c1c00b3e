"""What travels between a client and the supervisor after the handshake: requests with ids, and what answers them."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

from ipc import control
from ipc.errors import Problem
from ipc.handshake import Refusal

T = TypeVar("T")

WINDOW = 256
"""Items of one stream that may be on their way unread; the client grants more with `More` as it takes them."""

FEED_WINDOW_BYTES = 2**20
"""What a client may feed into one stream before any of it is taken: half a minute of speech."""


class Request(Struct, Generic[T], frozen=True, array_like=True, tag="request"):
    """A wish; `id` is the client's own, and many may be open. This shape never changes."""

    id: int
    body: T


class Cancel(Struct, frozen=True, array_like=True, tag="cancel"):
    """Stop that request; nothing more is wanted for it. Harmless when it has ended already."""

    id: int


class More(Struct, frozen=True, array_like=True, tag="more"):
    """The client took `count` items of that stream: as many more may come."""

    id: int
    count: int


class Feed(Struct, frozen=True, array_like=True, tag="feed"):
    """More for an open stream; `end` says that it was all. Harmless when it has ended already."""

    id: int
    data: bytes
    end: bool


class Reply(Struct, Generic[T], frozen=True, array_like=True, tag="reply"):
    """The one answer. This shape never changes."""

    id: int
    body: T


class Item(Struct, Generic[T], frozen=True, array_like=True, tag="item"):
    """The next of a stream."""

    id: int
    body: T


class Took(Struct, frozen=True, array_like=True, tag="took"):
    """So many bytes of what was fed into that stream were taken: as many more may come."""

    id: int
    count: int


class End(Struct, frozen=True, array_like=True, tag="end"):
    """The stream is complete."""

    id: int


class Failed(Struct, frozen=True, array_like=True, tag="failed"):
    """This request failed and everything else goes on. This shape never changes.

    `died_text` is set when the engine died under an interactive stream, and holds the text so far.
    """

    id: int
    problem: Problem
    died_text: str | None


FromClient: TypeAlias = Request[control.Command] | Cancel | More | Feed
ToClient: TypeAlias = Reply[control.Answer] | Item[control.Item] | Took | End | Failed | Refusal
