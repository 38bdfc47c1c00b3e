"""Frames: a 4-byte big-endian length, then that many bytes. Frames are cut from what arrives, however it is split."""

from __future__ import annotations

from ipc.errors import Problem, ProtocolViolation

HEAD_BYTES = 4
LIMIT_BYTES = 16 * 2**20
"""No frame is longer: a longer one is a mistake or an attack, and is refused by its prefix alone."""


def frame(payload: bytes) -> bytes:
    """One frame around `payload`.

    Raises:
        ProtocolViolation: the payload is over the limit.
    """
    return head(len(payload)) + payload


def head(size: int) -> bytes:
    """The prefix of a frame whose payload has `size` bytes.

    Raises:
        ProtocolViolation: that is over the limit.
    """
    if size > LIMIT_BYTES:
        raise too_long(size, LIMIT_BYTES)
    return size.to_bytes(HEAD_BYTES, "big")


def too_long(size: int, limit: int) -> ProtocolViolation:
    """The violation that a frame of `size` bytes is."""
    return ProtocolViolation(
        Problem(
            "Message too long",
            f"A message of {size:,} bytes is over the limit of {limit:,}.",
            "If the other side is no Engine Room of this version, connect to one that is.",
        )
    )


class FrameCutter:
    """Cuts payloads out of a stream of chunks, copying only what a chunk boundary splits."""

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._need = HEAD_BYTES

    @property
    def partial(self) -> bool:
        """Whether a frame has begun and not ended: an end of the stream now would tear it."""
        return bool(self._rest)

    def feed(self, chunk: bytes) -> list[memoryview]:
        """The payloads that `chunk` completes, in order; each view stays valid for as long as it is held.

        Raises:
            ProtocolViolation: a prefix announces more than the limit. Nothing can be cut after that.
        """
        if self._rest:
            self._rest += chunk
            if len(self._rest) < self._need:
                return []
            chunk = bytes(self._rest)
            self._rest.clear()
        view, at, end = memoryview(chunk), 0, len(chunk)
        payloads: list[memoryview] = []
        self._need = HEAD_BYTES
        while end - at >= HEAD_BYTES:
            size = int.from_bytes(view[at : at + HEAD_BYTES], "big")
            if size > self._limit:
                raise too_long(size, self._limit)
            stop = at + HEAD_BYTES + size
            if stop > end:
                self._need = HEAD_BYTES + size
                break
            payloads.append(view[at + HEAD_BYTES : stop])
            at = stop
        self._rest += view[at:]
        return payloads
